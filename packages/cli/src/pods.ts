import type { KubeClient, KubeObject } from "@heddle/kube-client";
import { at, listOf, recordOf, textOf } from "@heddle/std";
import { UsageError } from "./context.ts";

const KINDS: Readonly<Record<string, { readonly group: string; readonly resource: string }>> = {
  deployment: { group: "apps", resource: "deployments" },
  deploy: { group: "apps", resource: "deployments" },
  statefulset: { group: "apps", resource: "statefulsets" },
  daemonset: { group: "apps", resource: "daemonsets" },
  replicaset: { group: "apps", resource: "replicasets" },
};

/**
 * The pod that a user means by `name`, `name.namespace`, `pod/name` or `deploy/name` (then its first running pod).
 * Errors: UsageError when there is none.
 */
export async function findPod(
  kube: KubeClient,
  target: string,
  namespace: string,
): Promise<{ namespace: string; pod: string }> {
  const found = await findPods(kube, target, namespace);
  return { namespace: found.namespace, pod: found.pods[0] ?? "" };
}

/** As `findPod`, with all running pods of a workload. Errors: UsageError when there is none. */
export async function findPods(
  kube: KubeClient,
  target: string,
  namespace: string,
): Promise<{ namespace: string; pods: readonly string[] }> {
  const [kind, rest] = target.includes("/") ? target.split("/", 2) : ["pod", target];
  const [name = "", inNamespace = namespace] = (rest ?? "").split(".", 2);
  if (name === "") throw new UsageError(`${target}: no name; use name[.namespace], pod/name or deploy/name`);
  if (kind === "pod" || kind === "po" || kind === "pods") {
    if (await kube.find({ apiVersion: "v1", kind: "Pod", name, namespace: inNamespace }))
      return { namespace: inNamespace, pods: [name] };
    throw new UsageError(
      `pod "${name}" not found in namespace "${inNamespace}"; name another namespace with -n or ${name}.<namespace>, or use deploy/<name>`,
    );
  }
  const type = KINDS[(kind ?? "").replace(/s$/, "")];
  if (!type)
    throw new UsageError(
      `${target}: kind ${kind} is not taken here; use pod, deploy, statefulset, daemonset or replicaset`,
    );
  const ref = { group: type.group, version: "v1", resource: type.resource, name, namespace: inNamespace };
  const workload = await kube.find(ref);
  if (!workload)
    throw new UsageError(
      `${type.resource.replace(/s$/, "")} "${name}" not found in namespace "${inNamespace}"; name another namespace with -n or ${target}.<namespace>`,
    );
  const pods = await runningPods(kube, workload, inNamespace);
  if (pods.length > 0) return { namespace: inNamespace, pods };
  throw new UsageError(
    `${target}: no running pod in namespace ${inNamespace}; look at kubectl get pods -n ${inNamespace}`,
  );
}

async function runningPods(kube: KubeClient, workload: KubeObject, namespace: string): Promise<readonly string[]> {
  const labels = Object.entries(recordOf(at(workload, "spec", "selector", "matchLabels"))).map(
    ([k, v]) => `${k}=${textOf(v)}`,
  );
  const { items } = await kube.list({ apiVersion: "v1", kind: "Pod", namespace }, { labelSelector: labels.join(",") });
  return items
    .filter((p) => textOf(at(p, "status", "phase")) === "Running" && p.metadata.deletionTimestamp === undefined)
    .map((p) => p.metadata.name);
}

/** As `findPod`, for what only a pod with a sidecar can answer. Errors: also when it has none. */
export async function findMeshedPod(
  kube: KubeClient,
  target: string,
  namespace: string,
): Promise<{ namespace: string; pod: string }> {
  const found = await findPod(kube, target, namespace);
  const pod = await kube.get({ apiVersion: "v1", kind: "Pod", name: found.pod, namespace: found.namespace });
  if (isMeshed(pod)) return found;
  throw new UsageError(
    `pod ${found.pod}.${found.namespace} has no sidecar; label its namespace istio-injection=enabled or use heddle inject, then restart it`,
  );
}

/** Whether a pod carries a sidecar of the mesh. */
export function isMeshed(pod: KubeObject): boolean {
  const containers = [...listOf(at(pod, "spec", "containers")), ...listOf(at(pod, "spec", "initContainers"))];
  return containers.some((c) => ["istio-proxy", "linkerd-proxy"].includes(textOf(at(c, "name"))));
}
