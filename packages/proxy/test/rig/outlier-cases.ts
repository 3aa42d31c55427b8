import { address, bareHttpChain, cluster, type Json, listener } from "./bootstrap.ts";

/** Requests to a cluster of its own, and what its outlier detection must have found then. */
export interface OutlierCase {
  readonly name: string;
  readonly detection: Json;
  /** Default: one that serves. */
  readonly hosts?: readonly ("serves" | "dead")[];
  /** What is asked of the server, one after the other. */
  readonly asks: readonly string[];
  /** Statistics that are not 0, without what they have in common. */
  readonly found: Readonly<Record<string, number>>;
  /** The finding waits for the end of an interval. */
  readonly late?: boolean;
}

const LOCAL = "consecutive_local_origin_failure";
const split = (after: number): Json => ({
  split_external_local_origin_errors: true,
  consecutive_local_origin_failure: after,
  consecutive_5xx: 2,
});
const joined: Json = { consecutive_5xx: 2, enforcing_consecutive_gateway_failure: 0, consecutive_gateway_failure: 2 };
const once = (...kinds: readonly string[]): Readonly<Record<string, number>> =>
  Object.fromEntries(kinds.flatMap((kind) => [`detected_${kind}`, `enforced_${kind}`]).map((name) => [name, 1]));
const BROKEN = { detected_consecutive_gateway_failure: 1, ...once("consecutive_5xx") };
/** Enough of them fail in an interval, however the intervals fall. */
const MANY = Array.from({ length: 60 }, () => "ok");
const rates: Json = { split_external_local_origin_errors: true, consecutive_local_origin_failure: 1000 };

export const OUTLIER_CASES: readonly OutlierCase[] = [
  {
    name: "split: a server that keeps clients waiting",
    detection: split(2),
    asks: ["hang", "hang", "hang"],
    found: {},
  },
  { name: "split: one that does so is one too many", detection: split(1), asks: ["hang"], found: once(LOCAL) },
  { name: "split: answers that never come", detection: split(2), asks: ["reset", "reset", "reset"], found: {} },
  { name: "split: an answer that never comes", detection: split(1), asks: ["reset"], found: once(LOCAL) },
  { name: "split: an answer that breaks off", detection: split(1), asks: ["cut"], found: once(LOCAL) },
  {
    name: "split: no connection",
    detection: split(2),
    hosts: ["dead"],
    asks: ["ok", "ok"],
    found: once(LOCAL),
  },
  {
    name: "split: bad answers count for themselves",
    detection: split(1),
    asks: ["status/500", "status/500"],
    found: once("consecutive_5xx"),
  },
  {
    name: "split: a good answer between",
    detection: split(1),
    asks: ["status/500", "ok", "status/500"],
    found: {},
  },
  { name: "joined: a server that keeps clients waiting", detection: joined, asks: ["hang", "hang"], found: BROKEN },
  { name: "joined: answers that never come", detection: joined, asks: ["reset", "reset"], found: BROKEN },
  { name: "joined: answers that break off", detection: joined, asks: ["cut", "cut", "cut"], found: {} },
  { name: "joined: no connection", detection: joined, hosts: ["dead"], asks: ["ok", "ok"], found: BROKEN },
  {
    name: "joined: a connection between bad answers",
    detection: joined,
    asks: ["status/500", "status/501"],
    found: once("consecutive_5xx"),
  },
  ...[2, 4, 12, 13, 14, 15, 99].map(
    (status): OutlierCase => ({
      name: `gRPC status ${status}`,
      detection: { consecutive_5xx: 1 },
      asks: [`grpc/${status}`],
      found: once("consecutive_5xx"),
    }),
  ),
  ...[0, 1, 3, 5, 7, 8, 9, 16].map(
    (status): OutlierCase => ({
      name: `gRPC status ${status}`,
      detection: { consecutive_5xx: 1 },
      asks: [`grpc/${status}`],
      found: {},
    }),
  ),
  {
    name: "success rate of connections",
    detection: {
      ...rates,
      success_rate_minimum_hosts: 3,
      success_rate_request_volume: 3,
      success_rate_stdev_factor: 500,
    },
    hosts: ["serves", "serves", "dead"],
    asks: MANY,
    found: once("local_origin_success_rate"),
    late: true,
  },
  {
    name: "failure percentage of connections",
    detection: {
      ...rates,
      enforcing_local_origin_success_rate: 0,
      enforcing_failure_percentage_local_origin: 100,
      failure_percentage_threshold: 90,
      failure_percentage_minimum_hosts: 3,
      failure_percentage_request_volume: 3,
      success_rate_minimum_hosts: 100,
    },
    hosts: ["serves", "serves", "dead"],
    asks: MANY,
    found: once("local_origin_failure_percentage"),
    late: true,
  },
];

const TYPE = "type.googleapis.com/envoy.extensions";
/** Nobody listens there. */
const DEAD_PORT = 1;

export interface OutlierPlan {
  readonly listen: number;
  readonly tcp: number;
  /** Two HTTP/1 servers. */
  readonly origins: readonly [number, number];
  /** A TCP server that comes and goes. */
  readonly fickle: number;
  /** Where ejections are written to. */
  readonly events: string;
}

/** Requests name the number of their case in `x-cluster`. */
export function outlierBootstrap({ listen, tcp, origins, fickle, events }: OutlierPlan): Json {
  const detects = (fields: Json): Json => ({
    common_lb_config: { healthy_panic_threshold: { value: 0 } },
    outlier_detection: {
      enforcing_success_rate: 0,
      interval: "1s",
      base_ejection_time: "600s",
      max_ejection_time: "600s",
      max_ejection_percent: 100,
      ...fields,
    },
  });
  return {
    cluster_manager: { outlier_detection: { event_log_path: events } },
    static_resources: {
      listeners: [
        listener("in", listen, [
          bareHttpChain([
            { match: { prefix: "/hang" }, route: { cluster_header: "x-cluster", timeout: "0.1s" } },
            { match: { prefix: "/" }, route: { cluster_header: "x-cluster", timeout: "9s" } },
          ]),
        ]),
        listener("tcp", tcp, [
          {
            filters: [
              {
                name: "tcp",
                typed_config: {
                  "@type": `${TYPE}.filters.network.tcp_proxy.v3.TcpProxy`,
                  stat_prefix: "tcp",
                  cluster: "fickle",
                },
              },
            ],
          },
        ]),
      ],
      clusters: [
        ...OUTLIER_CASES.map(({ hosts = ["serves"], detection }, i) => {
          let next = 0;
          const ports = hosts.map((kind) => (kind === "dead" ? DEAD_PORT : (origins[next++] ?? 0)));
          return cluster(`c${i}`, [], "http1", {
            load_assignment: {
              cluster_name: `c${i}`,
              endpoints: [{ lb_endpoints: ports.map((port) => ({ endpoint: { address: address(port) } })) }],
            },
            ...detects(detection),
          });
        }),
        cluster("again", [origins[0], origins[1]], "http1", {
          ...detects({
            consecutive_5xx: 1,
            base_ejection_time: "0.3s",
            max_ejection_percent: 50,
            enforcing_consecutive_gateway_failure: 0,
          }),
          lb_policy: "ROUND_ROBIN",
        }),
        cluster("unlucky", [origins[0]], "http1", detects({ consecutive_5xx: 1, enforcing_consecutive_5xx: 0 })),
        cluster("fickle", [fickle], "http1", detects({ consecutive_5xx: 3, enforcing_consecutive_gateway_failure: 0 })),
      ],
    },
  };
}
