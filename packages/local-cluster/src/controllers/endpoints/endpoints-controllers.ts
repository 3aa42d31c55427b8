import { at, dict, sameJson } from "../../api/json/json-value.ts";
import type { KubeObject } from "../../contract/index.ts";
import { NOTHING_TO_DO } from "../action.ts";
import { type Controller, type ControllerDeps, createController, itself, type Trigger } from "../controller.ts";
import { type CacheChange, keyOf, type ObjectCache, splitKey } from "../object-cache.ts";
import { ENDPOINTS, PODS, SERVICES, SLICES } from "../resource-ids.ts";
import { reconcileEndpoints } from "./legacy-endpoints.ts";
import { MANAGED_BY, MANAGER, reconcileSlices, SERVICE_LABEL } from "./reconcile.ts";

export function createEndpointSliceController(deps: ControllerDeps): Controller {
  const services = deps.cache(SERVICES);
  const pods = deps.cache(PODS);
  const slices = deps.cache(SLICES);
  const managed = (slice: KubeObject) => slice.metadata.labels?.[MANAGED_BY] === MANAGER;
  return createController(deps, {
    name: "endpoint-slice-controller",
    triggers: [
      { cache: services, keys: itself },
      podTrigger(pods, services),
      {
        cache: slices,
        keys: ({ object }) => {
          const service = managed(object) ? object.metadata.labels?.[SERVICE_LABEL] : undefined;
          return [service === undefined ? undefined : `${object.metadata.namespace ?? ""}/${service}`];
        },
      },
    ],
    plan(key) {
      const { namespace, name } = splitKey(key);
      const service = services.get(namespace, name);
      if (service === undefined) return NOTHING_TO_DO;
      const own = slices
        .list(namespace)
        .filter((slice) => managed(slice) && slice.metadata.labels?.[SERVICE_LABEL] === name);
      return reconcileSlices({ service, pods: selected(service, pods), slices: own });
    },
  });
}

export function createEndpointsController(deps: ControllerDeps): Controller {
  const services = deps.cache(SERVICES);
  const pods = deps.cache(PODS);
  const endpoints = deps.cache(ENDPOINTS);
  return createController(deps, {
    name: "endpoints-controller",
    triggers: [{ cache: services, keys: itself }, podTrigger(pods, services), { cache: endpoints, keys: itself }],
    plan(key) {
      const { namespace, name } = splitKey(key);
      const service = services.get(namespace, name);
      const present = endpoints.get(namespace, name);
      if (service !== undefined)
        return reconcileEndpoints({ service, pods: selected(service, pods), endpoints: present });
      // Endpoints have no owner; those of a Service that is gone go with it.
      const ours = present?.metadata.labels?.["endpoints.kubernetes.io/managed-by"] === "endpoint-controller";
      return present !== undefined && ours
        ? { actions: [{ kind: "delete", resource: ENDPOINTS, object: present }] }
        : NOTHING_TO_DO;
    },
  });
}

/** Services that select a pod, before or after its change. */
function podTrigger(pods: ObjectCache, services: ObjectCache): Trigger {
  return {
    cache: pods,
    keys: ({ type, object, previous }: CacheChange) => {
      if (type === "MODIFIED" && previous !== undefined && !matters(previous, object)) return [];
      const here = services.list(object.metadata.namespace ?? "");
      return here
        .filter((service) => isSelected(service, object) || (previous !== undefined && isSelected(service, previous)))
        .map(keyOf);
    },
  };
}

function matters(before: KubeObject, after: KubeObject): boolean {
  return (
    !sameJson(before.metadata.labels, after.metadata.labels) ||
    before.metadata.deletionTimestamp !== after.metadata.deletionTimestamp ||
    at(before, "spec", "nodeName") !== at(after, "spec", "nodeName") ||
    at(before, "status", "podIP") !== at(after, "status", "podIP") ||
    at(before, "status", "phase") !== at(after, "status", "phase") ||
    !sameJson(at(before, "status", "conditions"), at(after, "status", "conditions"))
  );
}

function selected(service: KubeObject, pods: ObjectCache): readonly KubeObject[] {
  return pods.list(service.metadata.namespace ?? "").filter((pod) => isSelected(service, pod));
}

function isSelected(service: KubeObject, pod: KubeObject): boolean {
  const selector = Object.entries(dict(at(service, "spec", "selector")));
  return selector.length > 0 && selector.every(([key, value]) => pod.metadata.labels?.[key] === value);
}
