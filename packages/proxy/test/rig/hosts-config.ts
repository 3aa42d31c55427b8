import { address, bareHttpChain, cluster, type Json, listener } from "./bootstrap.ts";

/** A bootstrap whose clusters differ in which of their hosts serve. Requests name their cluster in `x-cluster`. */
export interface HostsPorts {
  readonly listen: number;
  /** A listener of TCP with two clusters by weight. */
  readonly weighted: number;
  /** A listener of TCP to a server that never comes to a connection. */
  readonly away: number;
  /** It takes connections and says nothing. */
  readonly mute: number;
  /** Three HTTP/1 servers; each says its letter. */
  readonly origins: readonly [number, number, number];
  readonly streams: number;
  /** Two TCP servers that say their names. */
  readonly talkers: readonly [number, number];
}

const TYPE = "type.googleapis.com/envoy.extensions";

/** One host of a load assignment. */
const host = (port: number, more: Json = {}): Json => ({ endpoint: { address: address(port) }, ...more });
const SICK: Json = { health_status: "UNHEALTHY" };
/** Nobody listens there. */
const DEAD_PORT = 1;

const localities = (name: string, endpoints: readonly Json[], fields: Json = {}): Json =>
  cluster(name, [], "http1", { load_assignment: { cluster_name: name, endpoints }, ...fields });
const hosts = (name: string, list: readonly Json[], fields: Json = {}): Json =>
  localities(name, [{ lb_endpoints: list }], fields);

/** A cluster of one name. */
function named(name: string, type: string, port: number): Json {
  const at = { socket_address: { address: "localhost", port_value: port } };
  return hosts(name, [{ endpoint: { address: at } }], { type, dns_lookup_family: "V4_ONLY" });
}

const panic = (value: number): Json => ({ common_lb_config: { healthy_panic_threshold: { value } } });
const limits = (fields: Json): Json => ({
  circuit_breakers: { thresholds: [{ track_remaining: true, ...fields }] },
});
/** Only what `fields` ask for ejects, any number of hosts, for longer than the test. */
const ejects = (fields: Json): Json => ({
  ...panic(0),
  outlier_detection: {
    consecutive_5xx: 1000,
    enforcing_success_rate: 0,
    // Long enough that a slow machine makes its requests within one.
    interval: "1s",
    base_ejection_time: "600s",
    max_ejection_time: "600s",
    max_ejection_percent: 100,
    ...fields,
  },
});

/** Clusters that eject: what of them is counted. */
export const EJECTING = {
  "by-5xx": "ejections_enforced_consecutive_5xx",
  "by-gateway": "ejections_enforced_consecutive_gateway_failure",
  "by-connect": "ejections_enforced_consecutive_local_origin_failure",
  "by-rate": "ejections_enforced_success_rate",
  "by-percentage": "ejections_enforced_failure_percentage",
} as const;

function ejecting([a, b, c]: HostsPorts["origins"]): readonly Json[] {
  const all = [host(a), host(b), host(c)];
  return [
    hosts("by-5xx", all, ejects({ consecutive_5xx: 2 })),
    hosts("by-gateway", all, ejects({ consecutive_gateway_failure: 2, enforcing_consecutive_gateway_failure: 100 })),
    hosts(
      "by-connect",
      [host(a), host(DEAD_PORT)],
      ejects({ split_external_local_origin_errors: true, consecutive_local_origin_failure: 2 }),
    ),
    hosts(
      "by-rate",
      all,
      ejects({
        enforcing_success_rate: 100,
        success_rate_minimum_hosts: 3,
        success_rate_request_volume: 5,
        success_rate_stdev_factor: 500,
      }),
    ),
    hosts(
      "by-percentage",
      all,
      ejects({
        enforcing_failure_percentage: 100,
        failure_percentage_threshold: 50,
        failure_percentage_minimum_hosts: 3,
        failure_percentage_request_volume: 5,
      }),
    ),
  ];
}

/** Not in Envoy: the faster host has the requests. */
const peakEwma = ([fast, slow]: HostsPorts["origins"]): Json =>
  hosts("ewma", [host(fast), host(slow)], {
    load_balancing_policy: {
      policies: [
        {
          typed_extension_config: {
            name: "ewma",
            typed_config: {
              "@type": "type.googleapis.com/xds.type.v3.TypedStruct",
              type_url: "type.googleapis.com/heddle.load_balancing_policies.PeakEwma",
              value: { decay_seconds: 10 },
            },
          },
        },
      ],
    },
  });

/** Clusters of a name that nobody has. */
export const LOST = Array.from({ length: 12 }, (_, i) => `lost-${i}`);
/** How soon it is asked for again at first. Units: s. */
const LOST_AGAIN_SECONDS = 2;
const lost = (name: string): Json => ({
  ...cluster(name, [], "http1"),
  type: "STRICT_DNS",
  dns_refresh_rate: "60s",
  dns_failure_refresh_rate: { base_interval: `${LOST_AGAIN_SECONDS}s`, max_interval: "60s" },
  load_assignment: {
    cluster_name: name,
    endpoints: [
      {
        lb_endpoints: [{ endpoint: { address: { socket_address: { address: `${name}.invalid`, port_value: 80 } } } }],
      },
    ],
  },
});

/** `own`: with what only our proxy has. */
export function hostsBootstrap(ports: HostsPorts, own: boolean): Json {
  const { origins, streams, talkers } = ports;
  const [a, b, c] = origins;
  const routes = [{ match: { prefix: "/" }, route: { cluster_header: "x-cluster", timeout: "9s" } }];
  const tcp = {
    "@type": `${TYPE}.filters.network.tcp_proxy.v3.TcpProxy`,
    stat_prefix: "weighted",
    weighted_clusters: {
      clusters: [
        { name: "often", weight: 3 },
        { name: "seldom", weight: 1 },
      ],
    },
  };
  const away = { "@type": tcp["@type"], stat_prefix: "away", cluster: "away" };
  return {
    static_resources: {
      listeners: [
        listener("away", ports.away, [{ filters: [{ name: "tcp", typed_config: away }] }]),
        listener("in", ports.listen, [bareHttpChain(routes)]),
        listener("weighted", ports.weighted, [{ filters: [{ name: "tcp", typed_config: tcp }] }]),
      ],
      clusters: [
        named("strict", "STRICT_DNS", a),
        named("logical", "LOGICAL_DNS", a),
        localities("failover", [
          { lb_endpoints: [host(a, SICK)] },
          { priority: 1, lb_endpoints: [host(b, SICK)] },
          { priority: 2, lb_endpoints: [host(c)] },
        ]),
        hosts("calm", [host(a), host(b, SICK), host(c, SICK)], panic(0)),
        hosts("panic", [host(a), host(b, SICK), host(c, SICK)], panic(50)),
        hosts("sick", [host(a, SICK)], panic(0)),
        hosts("heavy", [host(a, { load_balancing_weight: 3 }), host(b, { load_balancing_weight: 1 })]),
        localities(
          "far",
          [
            { locality: { zone: "near" }, load_balancing_weight: 3, lb_endpoints: [host(a)] },
            { locality: { zone: "far" }, load_balancing_weight: 1, lb_endpoints: [host(b)] },
          ],
          { common_lb_config: { locality_weighted_lb_config: {} } },
        ),
        cluster("pending", [a], "http1", limits({ max_connections: 1, max_pending_requests: 1 })),
        cluster("requests", [streams], "http2", limits({ max_requests: 1 })),
        ...ejecting(origins),
        ...(own ? [peakEwma(origins)] : []),
        cluster("away", [ports.mute], "http1", {
          connect_timeout: "0.3s",
          transport_socket: {
            name: "tls",
            typed_config: { "@type": `${TYPE}.transport_sockets.tls.v3.UpstreamTlsContext` },
          },
        }),
        ...LOST.map(lost),
        cluster("often", [talkers[0]]),
        cluster("seldom", [talkers[1]]),
      ],
    },
  };
}
