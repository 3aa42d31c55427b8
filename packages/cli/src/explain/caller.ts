import { type KubeObject, readMeta } from "@heddle/config";
import { meshedPod } from "@heddle/explain";
import { ownerOf } from "@heddle/model";
import { at, textOf } from "@heddle/std";
import { UsageError } from "../context.ts";

/** A pod that sends. */
export interface CallerPod {
  readonly object: KubeObject;
  readonly name: string;
  readonly namespace: string;
  readonly ip: string;
  readonly serviceAccount: string;
  readonly annotations: Readonly<Record<string, string>>;
  /** Undefined without proxy. */
  readonly proxy: ReturnType<typeof meshedPod>;
}

/** Finds `name`, `name.namespace`, `namespace/name`, `pod/name`, `deploy/name` among pods; a workload's name means its first pod. */
export function callerPod(pods: readonly KubeObject[], target: string, namespace: string): CallerPod {
  const [head = "", tail] = target.split("/", 2);
  const kind = /^(po|pods?|deploy(ments?)?|sts|statefulsets?|ds|daemonsets?)$/.test(head) ? head : undefined;
  const named = tail === undefined ? head : tail;
  const [name = "", dotted] = named.split(".", 2);
  const wanted = dotted ?? (tail !== undefined && kind === undefined ? head : namespace);
  const found = pods.find((pod) => {
    if (pod.kind !== "Pod" || (pod.metadata.namespace ?? "default") !== wanted) return false;
    return (
      pod.metadata.name === name || (kind?.startsWith("po") !== true && ownerOf(readMeta(pod.metadata)).name === name)
    );
  });
  if (found === undefined)
    throw new UsageError(
      `no pod or workload "${name}" in namespace "${wanted}"; name another namespace with -n or ${name}.<namespace>${pods.length === 0 ? "; there are no pods at all" : ""}`,
    );
  return {
    object: found,
    name: found.metadata.name,
    namespace: wanted,
    ip: textOf(at(found, "status", "podIP")),
    serviceAccount: textOf(at(found, "spec", "serviceAccountName")) || "default",
    annotations: readMeta(found.metadata).annotations,
    proxy: meshedPod(found),
  };
}
