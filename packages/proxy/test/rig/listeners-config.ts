import { cluster, HTTP_INSPECTOR, httpFilterChain, type Json, TLS_INSPECTOR, tcpFilterChain } from "./bootstrap.ts";

const EXT = "type.googleapis.com/envoy.extensions";

/** Every listener of the bootstrap; each shows one feature at the edge of the proxy. */
export const LISTENERS = [
  "allow",
  "drop",
  "reject",
  "edge",
  "hop",
  "inner",
  "detected",
  "straight",
  "old",
  "places",
  "proxied",
  "optional",
  "v1only",
  "v2only",
  "limited",
  "idle",
  "shadow",
  "rated",
  "direct",
  "source",
  "sni",
  "tls13",
  "cipher",
  "sealed",
  "sealedWord",
  "out1",
  "out2",
  "told",
  "toldHttp",
  "toldDenied",
  "toldDirect",
  "named",
  "small",
  "merged",
  "reject2f",
  "keep2f",
  "kept",
  "added",
  "passed",
] as const;
export type ListenerName = (typeof LISTENERS)[number];
export type ListenerPorts = Readonly<Record<ListenerName, number>>;

/** Filter chains of the listener `named`, with what they match. */
export const NAMED_CHAINS = {
  exact: { server_names: ["one.sni.test"] },
  wild: { server_names: ["*.sni.test"] },
  "wild-h2": { server_names: ["*.sni.test"], application_protocols: ["h2"] },
  "any-h2": { transport_protocol: "tls", application_protocols: ["h2"] },
  tls: { transport_protocol: "tls" },
  "http-1.0": { transport_protocol: "raw_buffer", application_protocols: ["http/1.0"] },
  "http-1.1": { transport_protocol: "raw_buffer", application_protocols: ["http/1.1"] },
  h2c: { transport_protocol: "raw_buffer", application_protocols: ["h2c"] },
  plain: { transport_protocol: "raw_buffer" },
} as const satisfies Readonly<Record<string, Json>>;
export type NamedChain = keyof typeof NAMED_CHAINS;

export interface ListenersPlan {
  readonly ports: ListenerPorts;
  /** Answers with the headers that it got. */
  readonly web: number;
  /** Sends every byte back. */
  readonly echo: number;
  /** TLS, one for each name. */
  readonly secure: Readonly<Record<"one.sni.test" | "two.sni.test", number>>;
  /** Servers that say the chain's name. */
  readonly talkers: Readonly<Record<NamedChain, number>>;
  readonly certificate: { readonly cert: string; readonly key: string };
  /** File of the listeners' own access logs. */
  readonly log: string;
}

/** What the listeners' own access logs tell. */
const TOLD = [
  "LISTENER_NAME",
  "FILTER_CHAIN_NAME",
  "RESPONSE_FLAGS",
  "RESPONSE_CODE",
  "RESPONSE_CODE_DETAILS",
  "CONNECTION_TERMINATION_DETAILS",
  "REQUESTED_SERVER_NAME",
  "PROTOCOL",
  "BYTES_RECEIVED",
  "BYTES_SENT",
  "UPSTREAM_CLUSTER",
  "DOWNSTREAM_TLS_VERSION",
  "DOWNSTREAM_TRANSPORT_FAILURE_REASON",
  "ACCESS_LOG_TYPE",
] as const;

/** A listener that writes a line for each connection, or for those with one of `flags`. */
const told = (path: string, flags: readonly string[] = []): Json => ({
  access_log: [
    {
      name: "file",
      ...(flags.length === 0 ? {} : { filter: { response_flag_filter: { flags } } }),
      typed_config: {
        "@type": `${EXT}.access_loggers.file.v3.FileAccessLog`,
        path,
        log_format: { json_format: Object.fromEntries(TOLD.map((name) => [name, `%${name}%`])) },
      },
    },
  ],
});

const says = (text: string): Json => ({
  filters: [
    {
      name: "direct",
      typed_config: {
        "@type": `${EXT}.filters.network.direct_response.v3.Config`,
        response: { inline_string: text },
      },
    },
  ],
});
const range = (prefix: string, length: number): Json => ({ address_prefix: prefix, prefix_len: length });
const chain = (name: string, match: Json): Json => ({ name, filter_chain_match: match, ...says(name) });
const proxyProtocol = (fields: Json = {}): Json => ({
  name: "proxy_protocol",
  typed_config: { "@type": `${EXT}.filters.listener.proxy_protocol.v3.ProxyProtocol`, ...fields },
});
const gated = (gate: Json, target: Json): Json => ({
  filters: [{ name: "gate", typed_config: gate }, ...(target["filters"] as readonly Json[])],
});

function tlsChain(plan: ListenersPlan, params: Json, alpn: readonly string[] = []): Json {
  return {
    ...tcpFilterChain("echo"),
    transport_socket: {
      name: "tls",
      typed_config: {
        "@type": `${EXT}.transport_sockets.tls.v3.DownstreamTlsContext`,
        common_tls_context: {
          tls_params: params,
          alpn_protocols: alpn,
          tls_certificates: [
            {
              certificate_chain: { inline_string: plan.certificate.cert },
              private_key: { inline_string: plan.certificate.key },
            },
          ],
        },
      },
    },
  };
}

/** What each listener does with its connections. */
function listenerParts(plan: ListenersPlan): Readonly<Record<ListenerName, Json>> {
  const web = (fields: Json): Json => ({
    filter_chains: [httpFilterChain("web", { delayed_close_timeout: "0s", ...fields })],
  });
  const underscores = (action: string): Json =>
    web({ common_http_protocol_options: { headers_with_underscores_action: action } });
  const balanced = (fields: Json): Json => ({ ...web(fields), listener_filters: [proxyProtocol()] });
  const headed = (fields: Json): Json => ({
    listener_filters: [proxyProtocol(fields)],
    filter_chains: [says("served")],
  });
  /** Behind a balancer: 10.1.2.3 may come in, by the address that `principal` looks at. */
  const onlyFrom = (principal: string): Json => ({
    listener_filters: [proxyProtocol()],
    filter_chains: [
      gated(
        {
          "@type": `${EXT}.filters.network.rbac.v3.RBAC`,
          stat_prefix: `${principal}.`,
          rules: {
            action: "ALLOW",
            policies: { it: { permissions: [{ any: true }], principals: [{ [principal]: range("10.1.2.3", 32) }] } },
          },
        },
        tcpFilterChain("echo"),
      ),
    ],
  });
  return {
    allow: underscores("ALLOW"),
    drop: underscores("DROP_HEADER"),
    reject: underscores("REJECT_REQUEST"),
    edge: balanced({ use_remote_address: true, via: "edge" }),
    hop: balanced({ use_remote_address: true, xff_num_trusted_hops: 1 }),
    inner: balanced({ use_remote_address: false, xff_num_trusted_hops: 1 }),
    detected: balanced({
      use_remote_address: false,
      original_ip_detection_extensions: [
        {
          name: "envoy.http.original_ip_detection.xff",
          typed_config: {
            "@type": `${EXT}.http.original_ip_detection.xff.v3.XffConfig`,
            xff_num_trusted_hops: 1,
          },
        },
      ],
      route_config: {
        name: "local",
        request_headers_to_remove: ["x-forwarded-for"],
        request_headers_to_add: [{ header: { key: "x-client", value: "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%" } }],
        virtual_hosts: [
          { name: "all", domains: ["*"], routes: [{ match: { prefix: "/" }, route: { cluster: "web" } }] },
        ],
      },
    }),
    straight: web({
      use_remote_address: true,
      normalize_path: true,
      path_with_escaped_slashes_action: "UNESCAPE_AND_REDIRECT",
      http_protocol_options: { accept_http_10: true },
    }),
    old: web({ http_protocol_options: { accept_http_10: true, default_host_for_http_10: "old.test" } }),
    places: {
      filter_chains: [
        chain("to-two", { prefix_ranges: [range("127.0.0.2", 32)] }),
        chain("to-three-from-five", {
          prefix_ranges: [range("127.0.0.3", 32)],
          source_prefix_ranges: [range("127.0.0.5", 32)],
        }),
        chain("wide", { prefix_ranges: [range("127.0.0.0", 8)] }),
        chain("from-six", { prefix_ranges: [range("127.0.0.0", 8)], source_prefix_ranges: [range("127.0.0.6", 32)] }),
        chain("from-direct-seven", {
          prefix_ranges: [range("127.0.0.0", 8)],
          direct_source_prefix_ranges: [range("127.0.0.7", 32)],
        }),
      ],
    },
    proxied: {
      listener_filters: [proxyProtocol()],
      filter_chains: [
        chain("port-4242", { source_type: "EXTERNAL", source_ports: [4242] }),
        chain("ten-one", { source_prefix_ranges: [range("10.1.0.0", 16)] }),
        chain("external", { source_type: "EXTERNAL" }),
        chain("local", { source_type: "SAME_IP_OR_LOOPBACK" }),
        chain("external-ten-two", { source_type: "EXTERNAL", source_prefix_ranges: [range("10.2.0.0", 16)] }),
        chain("direct", { direct_source_prefix_ranges: [range("127.0.0.9", 32)] }),
        chain("to-ten-nine", { prefix_ranges: [range("10.9.0.0", 16)] }),
        chain("to-443", { destination_port: 443 }),
        chain("rest", {}),
      ],
    },
    optional: headed({ allow_requests_without_proxy_protocol: true }),
    v1only: headed({ disallowed_versions: ["V2"] }),
    v2only: headed({ disallowed_versions: ["V1"] }),
    limited: {
      filter_chains: [
        gated(
          {
            "@type": `${EXT}.filters.network.connection_limit.v3.ConnectionLimit`,
            stat_prefix: "narrow",
            max_connections: 1,
          },
          tcpFilterChain("echo"),
        ),
      ],
    },
    idle: { filter_chains: [tcpFilterChain("echo", { stat_prefix: "idle", idle_timeout: "3s" })] },
    shadow: {
      filter_chains: [
        gated(
          {
            "@type": `${EXT}.filters.network.rbac.v3.RBAC`,
            stat_prefix: "gate.",
            shadow_rules: {
              action: "DENY",
              policies: {
                six: {
                  permissions: [{ any: true }],
                  principals: [{ direct_remote_ip: range("127.0.0.6", 32) }],
                },
              },
            },
          },
          tcpFilterChain("echo"),
        ),
      ],
    },
    rated: {
      filter_chains: [
        gated(
          {
            "@type": `${EXT}.filters.network.local_ratelimit.v3.LocalRateLimit`,
            stat_prefix: "slow",
            token_bucket: { max_tokens: 1, tokens_per_fill: 1, fill_interval: "3600s" },
          },
          tcpFilterChain("echo"),
        ),
      ],
    },
    direct: onlyFrom("direct_remote_ip"),
    source: onlyFrom("source_ip"),
    sni: {
      listener_filters: [TLS_INSPECTOR],
      filter_chains: [
        gated({ "@type": `${EXT}.filters.network.sni_cluster.v3.SniCluster` }, tcpFilterChain("one.sni.test")),
      ],
    },
    // What a client offers stands behind its PROXY header, and nothing inspects it.
    sealedWord: { filter_chains: [{ ...tlsChain(plan, {}), ...says("word") }] },
    sealed: { listener_filters: [proxyProtocol()], filter_chains: [tlsChain(plan, {}, ["h2"])] },
    tls13: { filter_chains: [tlsChain(plan, { tls_minimum_protocol_version: "TLSv1_3" })] },
    cipher: {
      filter_chains: [
        tlsChain(plan, {
          tls_maximum_protocol_version: "TLSv1_2",
          cipher_suites: ["ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"],
        }),
      ],
    },
    told: {
      ...told(plan.log),
      listener_filters: [TLS_INSPECTOR],
      filter_chains: [
        {
          name: "secure",
          ...tlsChain(plan, { tls_minimum_protocol_version: "TLSv1_3" }),
          filter_chain_match: { transport_protocol: "tls", server_names: ["one.sni.test"] },
        },
      ],
    },
    toldHttp: { ...told(plan.log), ...web({}) },
    toldDirect: { ...told(plan.log), filter_chains: [says("told")] },
    toldDenied: {
      ...told(plan.log),
      filter_chains: [
        gated(
          {
            "@type": `${EXT}.filters.network.rbac.v3.RBAC`,
            stat_prefix: "told.",
            rules: {
              action: "ALLOW",
              policies: { six: { permissions: [{ any: true }], principals: [{ source_ip: range("127.0.0.6", 32) }] } },
            },
          },
          tcpFilterChain("echo"),
        ),
      ],
    },
    out1: { filter_chains: [tcpFilterChain("out1")] },
    out2: { filter_chains: [tcpFilterChain("out2")] },
    named: {
      listener_filters: [TLS_INSPECTOR, HTTP_INSPECTOR],
      filter_chains: Object.entries(NAMED_CHAINS).map(([name, match]) => ({
        name,
        filter_chain_match: match,
        ...tcpFilterChain(name),
      })),
    },
    small: web({ max_request_headers_kb: 1, common_http_protocol_options: { max_headers_count: 8 } }),
    merged: web({
      normalize_path: true,
      merge_slashes: true,
      path_with_escaped_slashes_action: "UNESCAPE_AND_FORWARD",
    }),
    reject2f: web({ normalize_path: true, path_with_escaped_slashes_action: "REJECT_REQUEST" }),
    keep2f: web({ normalize_path: true, path_with_escaped_slashes_action: "KEEP_UNCHANGED" }),
    kept: balanced({
      use_remote_address: true,
      preserve_external_request_id: true,
      always_set_request_id_in_response: true,
    }),
    added: web({ server_name: "gate", server_header_transformation: "APPEND_IF_ABSENT" }),
    passed: web({ server_name: "gate", server_header_transformation: "PASS_THROUGH" }),
  };
}

/** A bootstrap with one listener for each feature. */
export function listenersBootstrap(plan: ListenersPlan): Json {
  const parts = listenerParts(plan);
  const outgoing = (version: string): Json => ({
    transport_socket: {
      name: "proxy",
      typed_config: {
        "@type": `${EXT}.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport`,
        config: { version },
        transport_socket: {
          name: "raw",
          typed_config: { "@type": `${EXT}.transport_sockets.raw_buffer.v3.RawBuffer` },
        },
      },
    },
  });
  return {
    static_resources: {
      listeners: LISTENERS.map((name) => ({
        name,
        stat_prefix: name,
        address: { socket_address: { address: "0.0.0.0", port_value: plan.ports[name] } },
        ...parts[name],
      })),
      clusters: [
        cluster("web", [plan.web], "http1"),
        cluster("echo", [plan.echo]),
        cluster("out1", [plan.echo], "http1", outgoing("V1")),
        cluster("out2", [plan.echo], "http1", outgoing("V2")),
        ...Object.entries(plan.talkers).map(([name, port]) => cluster(name, [port])),
        cluster("one.sni.test", [plan.secure["one.sni.test"]]),
        cluster("two.sni.test", [plan.secure["two.sni.test"]]),
      ],
    },
  };
}
