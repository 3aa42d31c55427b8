import { cluster, type Json, listener } from "./bootstrap.ts";

/** A bootstrap whose clusters differ in how they keep connections. Requests name their cluster in `x-cluster`. */
export interface ConnectionPorts {
  readonly listen: number;
  /** A listener that sends PINGs to its clients. */
  readonly pinging: number;
  /** Two HTTP/1 servers. */
  readonly origins: readonly [number, number];
  readonly streams: number;
  /** HTTP/2 servers: that answer PINGs, that do not. */
  readonly lively: number;
  readonly silent: number;
  readonly quiet: number;
}

/** A connection that was used less long ago than this is not probed. Units: s. */
export const QUIET_SECONDS = 4;

const TYPE = "type.googleapis.com/envoy.extensions";

function options(version: Json, common: Json = {}): Json {
  return {
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": `${TYPE}.upstreams.http.v3.HttpProtocolOptions`,
        explicit_http_config: version,
        common_http_protocol_options: common,
      },
    },
  };
}
const http1 = (common: Json): Json => options({ http_protocol_options: {} }, common);
const http2 = (fields: Json): Json => options({ http2_protocol_options: fields });
const keepAlive = (fields: Json): Json => http2({ connection_keepalive: fields });
const ahead = (fields: Json): Json => ({ preconnect_policy: fields });

function chain(prefix: string, fields: Json): Json {
  return {
    filters: [
      {
        name: "http",
        typed_config: {
          "@type": `${TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
          stat_prefix: prefix,
          http_filters: [{ name: "router", typed_config: { "@type": `${TYPE}.filters.http.router.v3.Router` } }],
          route_config: {
            virtual_hosts: [
              {
                name: "all",
                domains: ["*"],
                routes: [
                  {
                    match: { prefix: "/limited" },
                    route: {
                      cluster: "plain",
                      retry_policy: {
                        retry_on: "5xx",
                        num_retries: 1,
                        retry_back_off: { base_interval: "0.001s" },
                        rate_limited_retry_back_off: {
                          reset_headers: [
                            { name: "retry-after", format: "SECONDS" },
                            { name: "x-ratelimit-reset", format: "UNIX_TIMESTAMP" },
                          ],
                        },
                      },
                    },
                  },
                  { match: { prefix: "/" }, route: { cluster_header: "x-cluster", timeout: "9s" } },
                ],
              },
            ],
          },
          ...fields,
        },
      },
    ],
  };
}

export function connectionsBootstrap(ports: ConnectionPorts): Json {
  const { origins, streams, lively, silent, quiet } = ports;
  const one = [origins[0]];
  return {
    static_resources: {
      listeners: [
        listener("in", ports.listen, [chain("in", {})]),
        listener("pinging", ports.pinging, [
          chain("pinging", {
            codec_type: "HTTP2",
            http2_protocol_options: { connection_keepalive: { interval: "0.2s", timeout: "4s" } },
          }),
        ]),
      ],
      clusters: [
        cluster("plain", one, "http1"),
        cluster("ahead2", one, "http1", ahead({ per_upstream_preconnect_ratio: 2 })),
        cluster("ahead3", one, "http1", ahead({ per_upstream_preconnect_ratio: 3 })),
        cluster("foreseen", origins, "http1", ahead({ predictive_preconnect_ratio: 2 })),
        cluster("twice", one, "http1", http1({ max_requests_per_connection: 2 })),
        cluster("short", one, "http1", http1({ max_connection_duration: "0.3s" })),
        cluster("narrow", [streams], "http2", http2({ max_concurrent_streams: 1 })),
        cluster("wide", [streams], "http2"),
        cluster("lively", [lively], "http2", keepAlive({ interval: "0.1s", timeout: "9s" })),
        cluster("silent", [silent], "http2", keepAlive({ interval: "0.2s", timeout: "4s" })),
        cluster("quiet", [quiet], "http2", keepAlive({ timeout: "9s", connection_idle_interval: `${QUIET_SECONDS}s` })),
        cluster("watched", one, "http1", {
          upstream_connection_options: {
            tcp_keepalive: { keepalive_probes: 3, keepalive_time: 7000, keepalive_interval: 11 },
          },
        }),
      ],
    },
  };
}
