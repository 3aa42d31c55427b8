import { expect, test } from "bun:test";
import { clusterRows } from "./clusters.ts";
import { readDump } from "./dump.ts";
import { endpointRows } from "./endpoints.ts";
import { listenerRows } from "./listeners.ts";
import { routeRows } from "./routes.ts";

const type = (name: string) => `type.googleapis.com/envoy.admin.v3.${name}`;
const dump = {
  configs: [
    {
      "@type": type("ListenersConfigDump"),
      dynamic_listeners: [
        {
          name: "0.0.0.0_8080",
          active_state: {
            listener: {
              name: "0.0.0.0_8080",
              address: { socket_address: { address: "0.0.0.0", port_value: 8080 } },
              filter_chains: [
                {
                  filter_chain_match: { transport_protocol: "raw_buffer", application_protocols: ["http/1.1", "h2c"] },
                  filters: [{ typed_config: { rds: { route_config_name: "8080" } } }],
                },
              ],
              default_filter_chain: { filters: [{ typed_config: { cluster: "PassthroughCluster" } }] },
            },
          },
        },
      ],
    },
    {
      "@type": type("RoutesConfigDump"),
      dynamicRouteConfigs: [
        {
          routeConfig: {
            name: "8080",
            virtualHosts: [
              {
                name: "voting-svc:8080",
                domains: ["a", "b", "c"],
                routes: [{ match: { prefix: "/" }, route: { cluster: "x" } }],
              },
            ],
          },
        },
      ],
    },
    {
      "@type": type("ClustersConfigDump"),
      dynamic_active_clusters: [
        { cluster: { name: "outbound|8080||voting-svc.emojivoto.svc.cluster.local", type: "EDS" } },
      ],
    },
  ],
};

test("reads proto names and JSON names alike and prints istioctl's columns", () => {
  const read = readDump(dump);
  expect(listenerRows(read.listeners)).toEqual([
    ["0.0.0.0_8080", "0.0.0.0", "8080", "Trans: raw_buffer; App: http/1.1,h2c", "Route: 8080"],
    ["0.0.0.0_8080", "0.0.0.0", "8080", "ALL", "PassthroughCluster"],
  ]);
  expect(routeRows(read.routes)).toEqual([["8080", "voting-svc:8080", "a, b + 1 more...", "/*", ""]]);
  expect(clusterRows(read.clusters)).toEqual([
    ["voting-svc.emojivoto.svc.cluster.local", "8080", "-", "outbound", "EDS", ""],
  ]);
});

test("endpoints with health", () => {
  const status = {
    cluster_statuses: [
      {
        name: "outbound|80||a",
        host_statuses: [
          {
            address: { socket_address: { address: "10.0.0.1", port_value: 80 } },
            health_status: { eds_health_status: "HEALTHY", failed_outlier_check: true },
          },
        ],
      },
    ],
  };
  expect(endpointRows(status)).toEqual([["10.0.0.1:80", "HEALTHY", "FAILED", "outbound|80||a"]]);
});

test("a dump of another shape gives empty tables, not a crash", () => {
  const read = readDump({ configs: "nonsense" });
  expect([listenerRows(read.listeners), routeRows(read.routes), clusterRows(read.clusters)]).toEqual([[], [], []]);
});
