import type { KubeObject } from "@heddle/kube-client";
import { at, listOf, textOf } from "@heddle/std";
import { isMeshed } from "../../pods.ts";
import type { CheckCategory, CheckTarget } from "../check.ts";
import { isReady } from "./control-plane.ts";

async function meshedPods(target: CheckTarget): Promise<readonly KubeObject[]> {
  const kube = await target.client();
  const namespace = target.dataPlaneNamespace;
  const { items } = await kube.list({ apiVersion: "v1", kind: "Pod", ...(namespace ? { namespace } : {}) });
  return items.filter(isMeshed);
}

function sidecarImage(pod: KubeObject): string {
  const all = [...listOf(at(pod, "spec", "containers")), ...listOf(at(pod, "spec", "initContainers"))];
  return textOf(
    at(
      all.find((c) => /^(istio|linkerd)-proxy$/.test(textOf(at(c, "name")))),
      "image",
    ),
  );
}

/** Categories of `check --proxy`. */
export const dataPlane: CheckCategory = {
  name: "linkerd-data-plane",
  items: [
    {
      description: "data plane namespace exists",
      anchor: "l5d-data-plane-exists",
      severity: "fatal",
      run: async (target) => {
        if (!target.dataPlaneNamespace) return;
        const found = await (await target.client()).find({
          apiVersion: "v1",
          kind: "Namespace",
          name: target.dataPlaneNamespace,
        });
        if (!found) throw new Error(`The "${target.dataPlaneNamespace}" namespace does not exist`);
      },
    },
    {
      description: "data plane proxies are ready",
      anchor: "l5d-data-plane-ready",
      severity: "fatal",
      retry: true,
      run: async (target) => {
        const pods = await meshedPods(target);
        const where = target.dataPlaneNamespace
          ? `in the "${target.dataPlaneNamespace}" namespace`
          : "in any namespace";
        if (pods.length === 0)
          throw new Error(
            `no pod with a sidecar ${where}; label the namespace istio-injection=enabled or use heddle inject, then restart the pods (only new pods get a sidecar)`,
          );
        const bad = pods.find((p) => !isReady(p));
        if (bad)
          throw new Error(
            `pod ${bad.metadata.namespace}/${bad.metadata.name} is not ready; look at kubectl -n ${bad.metadata.namespace} logs ${bad.metadata.name} -c istio-proxy`,
          );
      },
    },
    {
      description: "data plane and cli versions match",
      anchor: "l5d-data-plane-cli-version",
      severity: "warning",
      run: async (target) => {
        const other = (await meshedPods(target)).find((p) => !sidecarImage(p).endsWith(`:${target.cliVersion}`));
        if (other)
          throw new Error(
            `pod ${other.metadata.namespace}/${other.metadata.name} runs ${sidecarImage(other)}, this program is ${target.cliVersion}; restart it after an upgrade`,
          );
      },
    },
    {
      description: "pods of injected namespaces have a sidecar",
      anchor: "l5d-data-plane-pod-labels",
      severity: "warning",
      run: async (target) => {
        const kube = await target.client();
        const { items } = await kube.list(
          { apiVersion: "v1", kind: "Namespace" },
          { labelSelector: "istio-injection=enabled" },
        );
        for (const namespace of items) {
          if (target.dataPlaneNamespace && namespace.metadata.name !== target.dataPlaneNamespace) continue;
          const pods = await kube.list({ apiVersion: "v1", kind: "Pod", namespace: namespace.metadata.name });
          const bare = pods.items.find(
            (p) =>
              !isMeshed(p) &&
              p.metadata.labels?.["sidecar.istio.io/inject"] !== "false" &&
              at(p, "spec", "hostNetwork") !== true,
          );
          if (bare) {
            throw new Error(
              `${namespace.metadata.name}/${bare.metadata.name} has no sidecar although its namespace asks for one; it is older than the label, or the API server could not call the webhook: delete the pod and look at kubectl get events`,
            );
          }
        }
      },
    },
  ],
};
