import type { MeshSettings } from "./settings.ts";

/** Whether calls of a service stay in the caller's cluster. */
export type ClusterLocalTest = (hostname: string) => boolean;

/**
 * MeshConfig `serviceSettings`: the most specific host decides. What a cluster keeps for itself unless told otherwise: its API server,
 * `kube-system` and its control plane. Source: istio pilot/pkg/model/cluster_local.go.
 */
export function clusterLocalTest(settings: Pick<MeshSettings, "mesh" | "domain" | "rootNamespace">): ClusterLocalTest {
  const { domain, rootNamespace } = settings;
  const decisions = new Map<string, boolean>([
    [`kubernetes.default.svc.${domain}`, true],
    [`*.kube-system.svc.${domain}`, true],
    [`istiod.${rootNamespace}.svc.${domain}`, true],
  ]);
  for (const { settings: own, hosts } of settings.mesh.serviceSettings)
    for (const host of hosts) decisions.set(host, own?.clusterLocal === true);
  const wildcards = [...decisions]
    .filter(([host]) => host.startsWith("*"))
    .sort(([a], [b]) => b.length - a.length)
    .map(([host, local]) => ({ suffix: host.slice(1), local }));
  return (hostname) =>
    decisions.get(hostname) ?? wildcards.find(({ suffix }) => hostname.endsWith(suffix))?.local ?? false;
}
