import type { GatewaysAnswer } from "@heddle/viz/contract";

/** A link that lives, one that is dead, and a cluster whose registry cannot be read. */
export function twoClusters(): GatewaysAnswer {
  const gateway = { namespace: "linkerd-multicluster", side: "remote" as const, services: 1 };
  const cluster = { secret: "istio-system/remote", replica: "istiod-1" };
  return {
    timeMs: Date.now(),
    gateways: [
      {
        ...gateway,
        name: "probe-gateway-east",
        cluster: "east",
        alive: true,
        latencyMsP50: 2.1,
        latencyMsP95: 3,
        latencyMsP99: 3,
      },
      {
        ...gateway,
        name: "probe-gateway-west",
        cluster: "west",
        alive: false,
        latencyMsP50: null,
        latencyMsP95: null,
        latencyMsP99: null,
      },
    ],
    clusters: [
      { ...cluster, id: "east", status: "synced", reason: "" },
      { ...cluster, id: "north", status: "timeout", reason: "its token has ended" },
    ],
    gaps: [],
  };
}
