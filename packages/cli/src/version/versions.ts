import type { KubeClient, KubeObject } from "@heddle/kube-client";
import { at, listOf, textOf } from "@heddle/std";
import { isMeshed } from "../pods.ts";

/** What runs in the cluster. */
export interface RemoteVersions {
  /** Versions of the running replicas of the control plane; empty when there is no mesh. */
  readonly controlPlane: readonly string[];
  readonly proxies: readonly { readonly id: string; readonly version: string; readonly dataPlane: string }[];
}

const tagOf = (image: string): string => /:([^:/@]+)(@.*)?$/.exec(image)?.[1] ?? "unknown";

const containers = (pod: KubeObject): readonly unknown[] => [
  ...listOf(at(pod, "spec", "containers")),
  ...listOf(at(pod, "spec", "initContainers")),
];

const isRunning = (pod: KubeObject): boolean => textOf(at(pod, "status", "phase")) === "Running";

/** Errors: KubeError when the API server does not answer. */
export async function remoteVersions(kube: KubeClient, meshNamespace: string): Promise<RemoteVersions> {
  const { items } = await kube.list({ apiVersion: "v1", kind: "Pod" });
  const running = items.filter(isRunning);
  const image = (pod: KubeObject, name: RegExp) =>
    textOf(
      at(
        containers(pod).find((c) => name.test(textOf(at(c, "name")))),
        "image",
      ),
    );
  const planes = running.filter(
    (p) => p.metadata.namespace === meshNamespace && p.metadata.labels?.["app"] === "istiod",
  );
  return {
    controlPlane: [...new Set(planes.map((p) => tagOf(image(p, /^discovery$/))))],
    proxies: running.filter(isMeshed).map((p) => ({
      id: `${p.metadata.name}.${p.metadata.namespace}`,
      version: tagOf(image(p, /^(istio|linkerd)-proxy$/)),
      dataPlane: p.metadata.annotations?.["heddle.io/data-plane"] ?? "heddle",
    })),
  };
}

/** Version → number of proxies that run it, in order of version. */
export function proxyCounts(proxies: RemoteVersions["proxies"]): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const { version } of proxies) counts.set(version, (counts.get(version) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => a.localeCompare(b));
}
