import { at, listOf, numberOf, textOf } from "@heddle/std";
import { UsageError } from "../../context.ts";
import { controlPlaneElsewhere } from "../../running-control-plane.ts";
import type { CheckCategory, CheckTarget } from "../check.ts";

async function controlPlanePods(target: CheckTarget) {
  const kube = await target.client();
  return (
    await kube.list({ apiVersion: "v1", kind: "Pod", namespace: target.meshNamespace }, { labelSelector: "app=istiod" })
  ).items;
}

const object =
  (apiVersion: string, kind: string, name: string, namespaced = false) =>
  async (target: CheckTarget) => {
    const kube = await target.client();
    const found = await kube.find({
      apiVersion,
      kind,
      name,
      ...(namespaced ? { namespace: target.meshNamespace } : {}),
    });
    if (!found) throw new Error(`missing ${kind}: ${name}; run heddle install | kubectl apply -f -`);
  };

export const existence: CheckCategory = {
  name: "linkerd-existence",
  items: [
    {
      description: "'istio' config map exists",
      anchor: "l5d-existence-linkerd-config",
      severity: "fatal",
      run: object("v1", "ConfigMap", "istio", true),
    },
    {
      description: "control plane replica sets are ready",
      anchor: "l5d-existence-replicasets",
      severity: "fatal",
      retry: true,
      run: async (target) => {
        const kube = await target.client();
        const elsewhere = await controlPlaneElsewhere(kube, target.meshNamespace);
        if (elsewhere !== undefined) throw new UsageError(elsewhere);
        const deployment = await kube.get({
          group: "apps",
          version: "v1",
          resource: "deployments",
          name: "istiod",
          namespace: target.meshNamespace,
        });
        const wanted = numberOf(at(deployment, "spec", "replicas"));
        const ready = numberOf(at(deployment, "status", "readyReplicas"));
        if (ready < Math.max(wanted, 1))
          throw new Error(
            `deployment istiod has ${ready} of ${wanted} replicas ready; look at kubectl -n ${target.meshNamespace} describe pods`,
          );
      },
    },
    {
      description: "no unschedulable pods",
      anchor: "l5d-existence-unschedulable-pods",
      severity: "warning",
      run: async (target) => {
        for (const pod of await controlPlanePods(target)) {
          const scheduled = listOf(at(pod, "status", "conditions")).find(
            (c) => textOf(at(c, "type")) === "PodScheduled",
          );
          if (textOf(at(scheduled, "reason")) === "Unschedulable")
            throw new Error(`${pod.metadata.name}: ${textOf(at(scheduled, "message"))}`);
        }
      },
    },
    {
      description: "control plane pods are ready",
      anchor: "l5d-api-control-ready",
      severity: "fatal",
      retry: true,
      run: async (target) => {
        const pods = await controlPlanePods(target);
        if (pods.length === 0) throw new Error(`no pod with label app=istiod in namespace ${target.meshNamespace}`);
        const notReady = pods.find((p) => !isReady(p));
        if (notReady)
          throw new Error(
            `pod ${notReady.metadata.name} is not ready; look at kubectl -n ${target.meshNamespace} logs ${notReady.metadata.name}`,
          );
      },
    },
  ],
};

export function isReady(pod: unknown): boolean {
  return listOf(at(pod, "status", "conditions")).some(
    (c) => textOf(at(c, "type")) === "Ready" && textOf(at(c, "status")) === "True",
  );
}

export const config: CheckCategory = {
  name: "linkerd-config",
  items: [
    {
      description: "control plane Namespace exists",
      anchor: "l5d-existence-ns",
      severity: "fatal",
      run: (target) => object("v1", "Namespace", target.meshNamespace)(target),
    },
    {
      description: "control plane ClusterRoles exist",
      anchor: "l5d-existence-cr",
      severity: "fatal",
      run: (target) =>
        object("rbac.authorization.k8s.io/v1", "ClusterRole", `istiod-clusterrole-${target.meshNamespace}`)(target),
    },
    {
      description: "control plane ClusterRoleBindings exist",
      anchor: "l5d-existence-crb",
      severity: "fatal",
      run: (target) =>
        object(
          "rbac.authorization.k8s.io/v1",
          "ClusterRoleBinding",
          `istiod-clusterrole-${target.meshNamespace}`,
        )(target),
    },
    {
      description: "control plane ServiceAccounts exist",
      anchor: "l5d-existence-sa",
      severity: "fatal",
      run: object("v1", "ServiceAccount", "istiod", true),
    },
    {
      description: "control plane CustomResourceDefinitions exist",
      anchor: "l5d-existence-crd",
      severity: "fatal",
      run: object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "peerauthentications.security.istio.io"),
    },
    {
      description: "control plane MutatingWebhookConfigurations exist",
      anchor: "l5d-existence-mwc",
      severity: "fatal",
      run: object("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", "istio-sidecar-injector"),
    },
    {
      description: "control plane ValidatingWebhookConfigurations exist",
      anchor: "l5d-existence-vwc",
      severity: "fatal",
      run: (target) =>
        object(
          "admissionregistration.k8s.io/v1",
          "ValidatingWebhookConfiguration",
          `istio-validator-${target.meshNamespace}`,
        )(target),
    },
  ],
};
