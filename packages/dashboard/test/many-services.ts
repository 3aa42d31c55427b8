import type { GraphAnswer, GraphNode, TrafficRow } from "@heddle/viz/contract";

/** A mesh of `count` services in ten namespaces, each calling up to three later ones; some fail. */
export function manyServices(count: number): GraphAnswer {
  const nodes = Array.from(
    { length: count },
    (_, i): GraphNode => ({
      namespace: `team-${i % 10}`,
      name: `service-${i}`,
      kind: "deployment",
      meshed: 2,
      pods: 2,
      success: i % 17 === 0 ? 0.9 : 1,
      rps: 10 + i,
      latencyMsP99: 12,
      clusters: [i % 2 === 0 ? "east" : "west"],
    }),
  );
  const edges = nodes.flatMap((src, i) =>
    [i + 1, i * 2 + 1, i * 3 + 7]
      .map((to) => nodes[to])
      .filter((dst) => dst !== undefined)
      .map(
        (dst): TrafficRow => ({
          src: src.name,
          srcNamespace: src.namespace,
          dst: dst.name,
          dstNamespace: dst.namespace,
          clientId: "",
          serverId: "",
          clientIds: [],
          serverIds: [],
          secured: i % 20 !== 0,
          noTlsReason: i % 20 !== 0 ? "" : "the caller has no proxy",
          success: dst.success,
          rps: 5,
          latencyMsP50: 1,
          latencyMsP95: 2,
          latencyMsP99: 3,
          requests: 300,
          failures: dst.success === 1 ? 0 : 30,
          tcp: false,
          openConnections: 1,
          srcClusters: src.clusters,
          dstClusters: dst.clusters,
        }),
      ),
  );
  return { timeMs: Date.now(), windowMs: 60_000, sinceMs: Date.now() - 600_000, gaps: [], nodes, edges };
}
