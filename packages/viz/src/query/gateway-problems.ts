import type { GatewaysAnswer } from "../config-contract.ts";
import type { Problem } from "../dashboard-contract.ts";

/** Other clusters that can't be reached, or are not read. */
export function gatewayProblems({ gateways, clusters }: GatewaysAnswer): readonly Problem[] {
  const dead = gateways
    .filter((g) => g.alive === false)
    .map((g) => ({
      id: `gateway/${g.cluster}/${g.namespace}/${g.name}`,
      severity: "error" as const,
      what: `The gateway ${g.name}${g.cluster === "" ? "" : ` of ${g.cluster}`} is not alive`,
      cause:
        g.side === "remote"
          ? "its probes get no answer: the other cluster is away, or the way to it"
          : "no pod of it runs in this cluster",
      next:
        g.side === "remote"
          ? "heddle multicluster check, there and here; local replicas go on serving"
          : `kubectl get pods -n ${g.namespace}; other clusters can't come in meanwhile`,
      sinceMs: null,
    }));
  const unread = clusters
    .filter((c) => c.status !== "" && c.status !== "synced" && c.status !== "syncing")
    .map((c) => ({
      id: `cluster/${c.replica}/${c.id}`,
      severity: "warning" as const,
      what: `Cluster ${c.id} is not read: ${c.status}`,
      cause:
        c.reason ||
        "its API server does not answer the control plane, or refuses its credentials; what was known last stays",
      next: `heddle remote-clusters; if the credentials were revoked: heddle create-remote-secret --name ${c.id}`,
      sinceMs: null,
    }));
  return [...dead, ...unread];
}
