import { cluster, type Json, listener, tcpFilterChain } from "./bootstrap.ts";
import type { WorkloadFiles } from "./workloads.ts";

const TYPE = "type.googleapis.com/envoy.extensions";

const PLAIN = [
  "START_TIME START_TIME_LOCAL EMIT_TIME EMIT_TIME_LOCAL DURATION REQUEST_DURATION REQUEST_TX_DURATION",
  "RESPONSE_DURATION RESPONSE_TX_DURATION DOWNSTREAM_HANDSHAKE_DURATION ROUNDTRIP_DURATION",
  "UPSTREAM_CONNECTION_POOL_READY_DURATION",
  "PROTOCOL UPSTREAM_PROTOCOL RESPONSE_CODE RESPONSE_CODE_DETAILS RESPONSE_FLAGS RESPONSE_FLAGS_LONG",
  "CONNECTION_TERMINATION_DETAILS UPSTREAM_TRANSPORT_FAILURE_REASON DOWNSTREAM_TRANSPORT_FAILURE_REASON",
  "BYTES_RECEIVED BYTES_SENT BYTES_RETRANSMITTED PACKETS_RETRANSMITTED",
  "REQUEST_HEADERS_BYTES RESPONSE_HEADERS_BYTES RESPONSE_TRAILERS_BYTES",
  "UPSTREAM_WIRE_BYTES_SENT UPSTREAM_WIRE_BYTES_RECEIVED UPSTREAM_HEADER_BYTES_SENT UPSTREAM_HEADER_BYTES_RECEIVED",
  "UPSTREAM_DECOMPRESSED_HEADER_BYTES_SENT UPSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED",
  "DOWNSTREAM_WIRE_BYTES_SENT DOWNSTREAM_WIRE_BYTES_RECEIVED DOWNSTREAM_HEADER_BYTES_SENT",
  "DOWNSTREAM_HEADER_BYTES_RECEIVED DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_SENT",
  "DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED",
  "UPSTREAM_HOST UPSTREAM_HOST_NAME UPSTREAM_HOST_NAME_WITHOUT_PORT UPSTREAM_CLUSTER UPSTREAM_CLUSTER_RAW",
  "UPSTREAM_LOCAL_ADDRESS UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT UPSTREAM_LOCAL_PORT UPSTREAM_REMOTE_ADDRESS",
  "UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT UPSTREAM_REMOTE_PORT UPSTREAM_CONNECTION_ID UPSTREAM_REQUEST_ATTEMPT_COUNT",
  "UPSTREAM_TLS_VERSION UPSTREAM_TLS_CIPHER UPSTREAM_TLS_SESSION_ID UPSTREAM_TLS_GROUP UPSTREAM_PEER_SUBJECT UPSTREAM_PEER_ISSUER",
  "UPSTREAM_PEER_CERT UPSTREAM_PEER_CERT_V_START UPSTREAM_PEER_CERT_V_END UPSTREAM_PEER_URI_SAN UPSTREAM_PEER_DNS_SAN",
  "UPSTREAM_PEER_IP_SAN UPSTREAM_LOCAL_URI_SAN UPSTREAM_LOCAL_DNS_SAN UPSTREAM_LOCAL_IP_SAN UPSTREAM_SERVER_NAME",
  "UPSTREAM_HOSTS_ATTEMPTED UPSTREAM_HOSTS_ATTEMPTED_WITHOUT_PORT UPSTREAM_HOST_NAMES_ATTEMPTED",
  "UPSTREAM_HOST_NAMES_ATTEMPTED_WITHOUT_PORT UPSTREAM_CONNECTION_IDS_ATTEMPTED UPSTREAM_DETECTED_CLOSE_TYPE UPSTREAM_LOCAL_CLOSE_REASON",
  "DOWNSTREAM_LOCAL_ADDRESS DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT DOWNSTREAM_LOCAL_PORT",
  "DOWNSTREAM_DIRECT_LOCAL_ADDRESS DOWNSTREAM_DIRECT_LOCAL_ADDRESS_WITHOUT_PORT DOWNSTREAM_DIRECT_LOCAL_PORT",
  "DOWNSTREAM_REMOTE_ADDRESS DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT DOWNSTREAM_REMOTE_PORT",
  "DOWNSTREAM_DIRECT_REMOTE_ADDRESS DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT DOWNSTREAM_DIRECT_REMOTE_PORT",
  "DOWNSTREAM_LOCAL_ADDRESS_ENDPOINT_ID DOWNSTREAM_DIRECT_LOCAL_ADDRESS_ENDPOINT_ID UPSTREAM_REMOTE_ADDRESS_ENDPOINT_ID",
  "DOWNSTREAM_TLS_VERSION DOWNSTREAM_TLS_CIPHER DOWNSTREAM_TLS_SESSION_ID DOWNSTREAM_TLS_GROUP DOWNSTREAM_PEER_SUBJECT DOWNSTREAM_PEER_ISSUER",
  "DOWNSTREAM_PEER_URI_SAN DOWNSTREAM_PEER_DNS_SAN DOWNSTREAM_PEER_IP_SAN DOWNSTREAM_PEER_EMAIL_SAN",
  "DOWNSTREAM_PEER_OTHERNAME_SAN DOWNSTREAM_LOCAL_URI_SAN DOWNSTREAM_LOCAL_DNS_SAN DOWNSTREAM_LOCAL_IP_SAN",
  "DOWNSTREAM_LOCAL_EMAIL_SAN DOWNSTREAM_LOCAL_OTHERNAME_SAN",
  "DOWNSTREAM_LOCAL_SUBJECT DOWNSTREAM_PEER_CERT DOWNSTREAM_PEER_CERT_V_START DOWNSTREAM_PEER_CERT_V_END",
  "DOWNSTREAM_PEER_FINGERPRINT_256 DOWNSTREAM_PEER_FINGERPRINT_1 DOWNSTREAM_PEER_SERIAL",
  "DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_256 DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_1 DOWNSTREAM_PEER_CHAIN_SERIALS",
  "DOWNSTREAM_DETECTED_CLOSE_TYPE DOWNSTREAM_LOCAL_CLOSE_REASON",
  "TLS_JA3_FINGERPRINT TLS_JA4_FINGERPRINT REQUESTED_SERVER_NAME",
  "ROUTE_NAME VIRTUAL_CLUSTER_NAME FILTER_CHAIN_NAME CONNECTION_ID STREAM_ID UNIQUE_ID TRACE_ID SPAN_ID ACCESS_LOG_TYPE CUSTOM_FLAGS",
  "GRPC_STATUS GRPC_STATUS_NUMBER LOCAL_REPLY_BODY HOSTNAME QUERY_PARAMS PATH LISTENER_NAME DOWNSTREAM_PEER_ISSUER_FINGERPRINT_256 DOWNSTREAM_PEER_ISSUER_SERIAL DOWNSTREAM_CX_RTT",
].flatMap((line) => line.split(" "));

const WITH_ARGUMENTS: readonly string[] = [
  ...[
    "DS_RX_BEG:DS_RX_END",
    "DS_RX_BEG:US_CX_BEG",
    "US_CX_BEG:US_CX_END",
    "US_CX_END:US_HS_END",
    "DS_RX_BEG:US_TX_BEG",
    "US_TX_BEG:US_TX_END",
    "US_TX_END:US_RX_BEG",
    "US_RX_BEG:US_RX_END",
    "US_RX_END:DS_TX_BEG",
    "DS_TX_BEG:DS_TX_END",
  ].map((points) => `COMMON_DURATION(${points}:us)`),
  "REQ(X-ONE)",
  "REQ_WITHOUT_QUERY(X-QUERY)",
  "REQ_WITHOUT_QUERY(NONE?X-QUERY):2",
  "REQUEST_HEADER(NONE)",
  "RESP(X-ORIGIN)",
  "RESPONSE_HEADER(NONE)",
  "TRAILER(GRPC-MESSAGE)",
  "RESPONSE_TRAILER(GRPC-STATUS)",
  "PATH(NQ:ORIG)",
  "PATH(WQ:PATH)",
  "QUERY_PARAM(a)",
  "METADATA(ROUTE:place:shelf)",
  "METADATA(CLUSTER:place:shelf)",
  "METADATA(LISTENER:place:shelf)",
  "METADATA(VIRTUAL_HOST:place:shelf)",
  "METADATA(UPSTREAM_HOST:place:shelf)",
  "METADATA(LISTENER_FILTER_CHAIN:place:shelf)",
  "CEL(request.method)",
  "CEL(connection.requested_server_name)",
  "CEL(response.code)",
  "CLUSTER_METADATA(place:shelf)",
  "CLUSTER_METADATA(place)",
  "UPSTREAM_METADATA(place:shelf)",
  "DYNAMIC_METADATA(none:a)",
  "FILTER_STATE(one:PLAIN)",
  "FILTER_STATE(two:PLAIN)",
  "FILTER_STATE(one)",
  "UPSTREAM_FILTER_STATE(one:PLAIN)",
  "ENVIRONMENT(HOME)",
  "ENVIRONMENT(HEDDLE_NOTHING):3",
  'COALESCE({"operators": [{"command": "REQ", "param": "NONE"}, {"command": "REQ", "param": ":method"}]})',
  'COALESCE({"operators": [{"command": "REQ", "param": "X-ONE"}, {"command": "PROTOCOL"}]}):4',
  'COALESCE({"operators": [{"command": "REQ", "param": "X-QUERY", "max_length": 3}, "LISTENER_NAME"]})',
  'COALESCE({"operators": ["VIRTUAL_CLUSTER_NAME", "HOSTNAME"]})',
  'COALESCE({"operators": ["LOCAL_REPLY_BODY", "HOSTNAME"]})',
  'COALESCE({"operators": ["CUSTOM_FLAGS", "HOSTNAME"]})',
  'COALESCE({"operators": [{"command": "ENVIRONMENT", "param": "HEDDLE_NOTHING"}, {"command": "ENVIRONMENT", "param": "HOME", "max_length": 2}]})',
  'COALESCE({"operators": [{"command": "COALESCE", "param": "{\\"operators\\": [\\"GRPC_STATUS_NUMBER\\", \\"ROUTE_NAME\\"]}"}, "RESPONSE_CODE"]})',
  'COALESCE({"operators": ["RESPONSE_CODE"]}):2',
  "RESPONSE_CODE_DETAILS(ALLOW_WHITESPACES)",
  "UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT(16)",
  "UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(7)",
  "DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT(31)",
  "DOWNSTREAM_DIRECT_LOCAL_ADDRESS_WITHOUT_PORT(32)",
  "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(0)",
  "DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT(8)",
  "REQUESTED_SERVER_NAME(SNI_ONLY)",
  "REQUESTED_SERVER_NAME(SNI_FIRST)",
  "REQUESTED_SERVER_NAME(HOST_FIRST)",
  "REQUESTED_SERVER_NAME(HOST_FIRST:HOST)",
  "REQUESTED_SERVER_NAME(HOST_FIRST:ORIG)",
  "REQUESTED_SERVER_NAME(SNI_FIRST:ORIG_OR_HOST)",
  "COMMON_DURATION(US_RX_BEG:US_RX_BODY_BEG:us)",
  "GRPC_STATUS(CAMEL_STRING)",
  "GRPC_STATUS(NUMBER)",
  "GRPC_STATUS(SNAKE_STRING)",
];

/** Keys of a log line and their formats. */
export const OPERATORS: Readonly<Record<string, string>> = Object.fromEntries(
  [...PLAIN, ...WITH_ARGUMENTS].map((operator) => [operator, `%${operator}%`]),
);

function tls(own: WorkloadFiles, alpn: readonly string[]): Json {
  return {
    alpn_protocols: alpn,
    tls_params: { tls_minimum_protocol_version: "TLSv1_2", tls_maximum_protocol_version: "TLSv1_3" },
    tls_certificates: [{ certificate_chain: { filename: own.chain }, private_key: { filename: own.key } }],
    validation_context: { trusted_ca: { filename: own.root } },
  };
}

/** What Envoy needs for an operator that is built in here. */
export const ENVOY_FORMATTERS: readonly Json[] = [
  {
    name: "envoy.formatter.req_without_query",
    typed_config: { "@type": `${TYPE}.formatter.req_without_query.v3.ReqWithoutQuery` },
  },
];

/** Both proxies in front of a server with TLS: HTTP on one port, TCP on another. */
export function operatorsBootstrap(
  ports: { readonly http: number; readonly tcp: number },
  origin: number,
  log: string,
  files: Readonly<Record<"proxy", WorkloadFiles>>,
  formatters: readonly Json[],
): Json {
  const logs = [
    {
      name: "file",
      typed_config: {
        "@type": `${TYPE}.access_loggers.file.v3.FileAccessLog`,
        path: log,
        log_format: { json_format: OPERATORS, formatters },
      },
    },
  ];
  const inspector = {
    "@type": `${TYPE}.filters.listener.tls_inspector.v3.TlsInspector`,
    enable_ja3_fingerprinting: true,
    enable_ja4_fingerprinting: true,
  };
  const inspected = { listener_filters: [{ name: "tls", typed_config: inspector }] };
  const place = { metadata: { filter_metadata: { place: { shelf: "top", row: 1 } } } };
  const state = (message: string, field: string, key: string): Json => ({
    name: `state-${key}`,
    typed_config: {
      "@type": `${TYPE}.filters.${message}`,
      [field]: [
        {
          object_key: key,
          factory_key: "envoy.string",
          format_string: {
            text_format_source: {
              inline_string: `${key} %PROTOCOL% %REQUESTED_SERVER_NAME% %DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT%`,
            },
          },
          shared_with_upstream: "ONCE",
        },
      ],
    },
  });
  const manager = {
    "@type": `${TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: "operators",
    access_log: logs,
    http_filters: [
      state("http.set_filter_state.v3.Config", "on_request_headers", "one"),
      {
        name: "router",
        typed_config: { "@type": `${TYPE}.filters.http.router.v3.Router`, suppress_envoy_headers: true },
      },
    ],
    route_config: {
      name: "table",
      virtual_hosts: [
        {
          name: "all",
          domains: ["*"],
          ...place,
          virtual_clusters: [{ name: "posts", headers: [{ name: ":method", string_match: { exact: "POST" } }] }],
          routes: [
            { match: { prefix: "/dead" }, route: { cluster: "dead" } },
            { name: "grpc", match: { prefix: "/pkg" }, route: { cluster: "h2" }, ...place },
            {
              name: "here",
              match: { prefix: "/plain" },
              route: { cluster: "origin", prefix_rewrite: "/there" },
              ...place,
            },
          ],
        },
      ],
    },
  };
  const secured = {
    name: "envoy.transport_sockets.tls",
    typed_config: {
      "@type": `${TYPE}.transport_sockets.tls.v3.DownstreamTlsContext`,
      require_client_certificate: true,
      common_tls_context: tls(files.proxy, ["h2", "http/1.1"]),
    },
  };
  const upstream = (alpn: readonly string[]): Json => ({
    ...place,
    transport_socket: {
      name: "envoy.transport_sockets.tls",
      typed_config: {
        "@type": `${TYPE}.transport_sockets.tls.v3.UpstreamTlsContext`,
        sni: "server.test",
        common_tls_context: tls(files.proxy, alpn),
      },
    },
  });
  const network = state("network.set_filter_state.v3.Config", "on_new_connection", "two");
  const tcp = tcpFilterChain("origin", { access_log: logs }) as { filters: Json[] };
  return {
    node: { id: "n", cluster: "tests" },
    static_resources: {
      listeners: [
        listener(
          "http",
          ports.http,
          [
            {
              name: "secure",
              filters: [network, { name: "http", typed_config: manager }],
              transport_socket: secured,
              ...place,
            },
          ],
          { ...place, ...inspected },
        ),
        listener("tcp", ports.tcp, [{ name: "raw", filters: [network, ...tcp.filters], transport_socket: secured }], {
          ...place,
          ...inspected,
        }),
      ],
      clusters: [
        cluster("origin", [origin], "http1", upstream(["http/1.1"])),
        cluster("h2", [origin], "http2", upstream(["h2"])),
        cluster("dead", [1], "http1"),
      ],
    },
  };
}

/** Values of time, chance or ports: both are of one kind, and both there or not. */
export const OWN_VALUES =
  /^(?:START_TIME|EMIT_TIME|UNIQUE_ID|.*DURATION|.*_PORT$|.*_ADDRESS$|.*CONNECTION_ID|.*CX_RTT|DOWNSTREAM_TLS_SESSION_ID|STREAM_ID$)/;
