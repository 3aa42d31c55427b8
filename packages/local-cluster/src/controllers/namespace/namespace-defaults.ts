import { at, sameJson } from "../../api/json/json-value.ts";
import type { KubeObject } from "../../contract/index.ts";
import { type Action, NOTHING_TO_DO, type Plan } from "../action.ts";
import { type Controller, type ControllerDeps, createController, itself } from "../controller.ts";
import { type CacheChange, splitKey } from "../object-cache.ts";
import { CONFIG_MAPS, NAMESPACES, SERVICE_ACCOUNTS } from "../resource-ids.ts";

export const ROOT_CA_NAME = "kube-root-ca.crt";
const ROOT_CA_DESCRIPTION =
  "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";

export interface NamespaceDefaultsObserved {
  readonly namespace: KubeObject;
  readonly serviceAccount: KubeObject | undefined;
  readonly rootCa: KubeObject | undefined;
  /** PEM. */
  readonly clusterCa: string;
}

/** What every namespace has: the ServiceAccount `default` and the cluster's CA. */
export function reconcileNamespaceDefaults(observed: NamespaceDefaultsObserved): Plan {
  const { namespace, serviceAccount, rootCa, clusterCa } = observed;
  if (namespace.metadata.deletionTimestamp !== undefined) return NOTHING_TO_DO;
  const where = namespace.metadata.name;
  const actions: Action[] = [];
  if (serviceAccount === undefined) {
    const object: KubeObject = {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { name: "default", namespace: where },
    };
    actions.push({ kind: "create", resource: SERVICE_ACCOUNTS, object, mayExist: true });
  }
  const data = { "ca.crt": clusterCa };
  if (rootCa === undefined) {
    const annotations = { "kubernetes.io/description": ROOT_CA_DESCRIPTION };
    const object: KubeObject = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: ROOT_CA_NAME, namespace: where, annotations },
      data,
    };
    actions.push({ kind: "create", resource: CONFIG_MAPS, object, mayExist: true });
  } else if (!sameJson(at(rootCa, "data"), data)) {
    actions.push({ kind: "patch", resource: CONFIG_MAPS, object: rootCa, patch: { data } });
  }
  return { actions };
}

export function createNamespaceDefaultsController(deps: ControllerDeps, clusterCa: string): Controller {
  const namespaces = deps.cache(NAMESPACES);
  const accounts = deps.cache(SERVICE_ACCOUNTS);
  const configMaps = deps.cache(CONFIG_MAPS);
  const named = (name: string) => (change: CacheChange) =>
    change.object.metadata.name === name ? [`/${change.object.metadata.namespace ?? ""}`] : [];
  return createController(deps, {
    name: "serviceaccount-controller",
    triggers: [
      { cache: namespaces, keys: itself },
      { cache: accounts, keys: named("default") },
      { cache: configMaps, keys: named(ROOT_CA_NAME) },
    ],
    plan(key) {
      const { name } = splitKey(key);
      const namespace = namespaces.get(undefined, name);
      if (namespace === undefined) return NOTHING_TO_DO;
      return reconcileNamespaceDefaults({
        namespace,
        serviceAccount: accounts.get(name, "default"),
        rootCa: configMaps.get(name, ROOT_CA_NAME),
        clusterCa,
      });
    },
  });
}
