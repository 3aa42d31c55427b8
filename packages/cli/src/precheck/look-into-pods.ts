import type { ListeningPod } from "@heddle/analysis";
import type { KubeObject } from "@heddle/config";
import type { KubeClient } from "@heddle/kube-client";
import { at, listOf, textOf } from "@heddle/std";
import { loopbackPorts } from "./loopback-ports.ts";

/** Pods are asked so many at a time. */
const AT_ONCE = 8;
/** Units: ms. */
const PATIENCE_MS = 10_000;

/** What running pods with a sidecar listen on, and which of them could not be asked. */
export interface PodsLook {
  readonly listening: readonly ListeningPod[];
  /** `namespace/name: reason`. */
  readonly unread: readonly string[];
}

/** All containers of a pod share one network, so the first that has `cat` tells for all. */
export async function lookIntoPods(kube: KubeClient, objects: readonly KubeObject[]): Promise<PodsLook> {
  const pods = objects.filter(
    (one) =>
      one.kind === "Pod" &&
      textOf(at(one, "status", "phase")) === "Running" &&
      containersOf(one).includes("istio-proxy") &&
      at(one, "spec", "hostNetwork") !== true,
  );
  const listening: ListeningPod[] = [];
  const unread: string[] = [];
  const next = pods[Symbol.iterator]();
  const worker = async (): Promise<void> => {
    for (const pod of next) {
      const { namespace = "", name } = pod.metadata;
      const found = await ask(kube, namespace, name, containersOf(pod));
      if (typeof found === "string") unread.push(`${namespace}/${name}: ${found}`);
      else listening.push({ namespace, name, loopback: found });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return { listening, unread };
}

function containersOf(pod: KubeObject): readonly string[] {
  const names = [...listOf(at(pod, "spec", "containers")), ...listOf(at(pod, "spec", "initContainers"))].map((one) =>
    textOf(at(one, "name")),
  );
  return names
    .filter((name) => name !== "istio-init")
    .sort((a, b) => Number(b === "istio-proxy") - Number(a === "istio-proxy"));
}

/** A sentence where no container could tell. */
async function ask(
  kube: KubeClient,
  namespace: string,
  name: string,
  containers: readonly string[],
): Promise<readonly number[] | string> {
  let reason = "no container";
  for (const container of containers) {
    try {
      const signal = AbortSignal.timeout(PATIENCE_MS);
      const command = ["cat", "/proc/net/tcp", "/proc/net/tcp6"];
      const session = await kube.exec(namespace, name, command, { container, signal });
      let text = "";
      for await (const chunk of session.stdout) text += String(chunk);
      // Where the kernel has no IPv6 the second file is missing, and the first was still printed.
      if (text !== "") return loopbackPorts(text);
      reason = `cat ended with ${(await session.done).exitCode}`;
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error);
    }
  }
  return reason;
}
