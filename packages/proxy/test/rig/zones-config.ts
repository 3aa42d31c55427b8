import { address, bareHttpChain, cluster, type Json, listener } from "./bootstrap.ts";

/** Clusters by the number of their servers in zones a and b, and what their configuration adds. The proxy is in zone a. */
export const ZONED = {
  enough: { servers: [3, 3], fields: {} },
  few: { servers: [1, 5], fields: {} },
  small: { servers: [2, 2], fields: {} },
  allowed: { servers: [2, 2], fields: { min_cluster_size: 4 } },
  off: { servers: [3, 3], fields: { routing_enabled: { value: 0 } } },
  away: { servers: [0, 6], fields: {} },
} as const satisfies Readonly<Record<string, { readonly servers: readonly [number, number]; readonly fields: Json }>>;

/** One of two proxies, in zone a; the other is in zone b. `origins`: six in zone a, six in zone b. */
export function zonesBootstrap(listen: number, origins: readonly number[]): Json {
  const at = (zone: string, ports: readonly number[]): Json => ({
    locality: { zone },
    lb_endpoints: ports.map((port) => ({ endpoint: { address: address(port) } })),
  });
  const zoned = (name: string, [a, b]: readonly [number, number], fields: Json): Json =>
    cluster(name, [], "http1", {
      load_assignment: {
        cluster_name: name,
        endpoints: [at("a", origins.slice(0, a)), at("b", origins.slice(6, 6 + b))],
      },
      common_lb_config: { zone_aware_lb_config: fields },
    });
  return {
    node: { id: "proxy-a", cluster: "proxies", locality: { zone: "a" } },
    cluster_manager: { local_cluster_name: "proxies" },
    static_resources: {
      listeners: [
        listener("in", listen, [bareHttpChain([{ match: { prefix: "/" }, route: { cluster_header: "x-cluster" } }])]),
      ],
      clusters: [
        zoned("proxies", [1, 1], {}),
        ...Object.entries(ZONED).map(([name, { servers, fields }]) => zoned(name, servers, fields)),
      ],
    },
  };
}
