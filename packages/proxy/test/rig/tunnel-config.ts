/** A bootstrap with both ends of CONNECT tunnels: listeners that end them, forward them, and open them for TCP. */
export interface TunnelPorts {
  /** Ends tunnels. */
  readonly end: number;
  /** Forwards CONNECT to `end` over HTTP/1 and HTTP/2. */
  readonly forward1: number;
  readonly forward2: number;
  /** TCP that travels over CONNECT (HTTP/1, HTTP/2) and POST to `end`. */
  readonly tcp1: number;
  readonly tcp2: number;
  readonly tcpPost: number;
  readonly application: number;
}

type Json = Record<string, unknown>;
const EXT = "type.googleapis.com/envoy.extensions";

const address = (port: number): Json => ({ socket_address: { address: "127.0.0.1", port_value: port } });

function cluster(name: string, port: number, http2 = false): Json {
  const options = {
    "@type": `${EXT}.upstreams.http.v3.HttpProtocolOptions`,
    explicit_http_config: { http2_protocol_options: {} },
  };
  return {
    name,
    type: "STATIC",
    connect_timeout: "2s",
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address: address(port) } }] }] },
    ...(http2
      ? { typed_extension_protocol_options: { "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options } }
      : {}),
  };
}

function listener(name: string, port: number, filter: Json): Json {
  return {
    name,
    address: address(port),
    filter_chains: [{ filters: [{ name, typed_config: filter }] }],
  };
}

function manager(name: string, routes: readonly Json[]): Json {
  return {
    "@type": `${EXT}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: name,
    upgrade_configs: [{ upgrade_type: "CONNECT" }],
    http2_protocol_options: { allow_connect: true },
    http_filters: [
      { name: "envoy.filters.http.router", typed_config: { "@type": `${EXT}.filters.http.router.v3.Router` } },
    ],
    route_config: { name, virtual_hosts: [{ name, domains: ["*"], routes }] },
  };
}

const connecting = (cluster: string, config: Json | undefined, headers: readonly Json[] = []): Json => ({
  match: { connect_matcher: {}, headers },
  route: {
    cluster,
    upgrade_configs: [{ upgrade_type: "CONNECT", ...(config === undefined ? {} : { connect_config: config }) }],
  },
});

const tunnelling = (name: string, cluster: string, config: Json): Json => ({
  "@type": `${EXT}.filters.network.tcp_proxy.v3.TcpProxy`,
  stat_prefix: name,
  cluster,
  tunneling_config: config,
});

export function tunnelBootstrap(ports: TunnelPorts): Json {
  const named = (value: string) => [{ name: "x-kind", string_match: { exact: value } }];
  return {
    static_resources: {
      listeners: [
        listener(
          "end",
          ports.end,
          manager("end", [
            connecting("application", { proxy_protocol_config: { version: "V1" } }, named("proxied")),
            connecting("dead", {}, named("dead")),
            { match: { connect_matcher: {}, headers: named("refused") }, direct_response: { status: 407 } },
            connecting("application", {}),
            {
              match: { path: "/post" },
              route: {
                cluster: "application",
                upgrade_configs: [{ upgrade_type: "CONNECT", connect_config: { allow_post: true } }],
              },
            },
          ]),
        ),
        listener("forward1", ports.forward1, manager("forward1", [connecting("end1", undefined)])),
        listener("forward2", ports.forward2, manager("forward2", [connecting("end2", undefined)])),
        listener("tcp1", ports.tcp1, tunnelling("tcp1", "end1", { hostname: "far.test:1" })),
        listener(
          "tcp2",
          ports.tcp2,
          tunnelling("tcp2", "end2", {
            hostname: "far.test:1",
            headers_to_add: [{ header: { key: "x-kind", value: "proxied" } }],
          }),
        ),
        listener(
          "tcpPost",
          ports.tcpPost,
          tunnelling("tcpPost", "end1", { hostname: "far.test:1", use_post: true, post_path: "/post" }),
        ),
      ],
      clusters: [
        cluster("application", ports.application),
        cluster("dead", 1),
        cluster("end1", ports.end),
        cluster("end2", ports.end, true),
      ],
    },
  };
}
