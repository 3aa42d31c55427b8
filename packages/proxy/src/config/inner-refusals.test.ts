/** Fields deep inside of messages that many resources share: what can't be done is refused with its path. */
import { beforeAll, expect, test } from "bun:test";
import type { JsonObject, JsonValue, Registry } from "@bufbuild/protobuf";
import { loadTypeRegistry } from "@heddle/xds-api";
import { type ResourceKind, verdictOf } from "../../test/rig/verdict.ts";

let registry: Registry;
beforeAll(async () => {
  registry = await loadTypeRegistry();
});

const EXT = "type.googleapis.com/envoy.extensions";
const CRL = "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n";

const listener = (fields: JsonObject): JsonValue => ({
  name: "l",
  address: { socket_address: { address: "127.0.0.1", port_value: 1 } },
  ...fields,
});
const at = (address: JsonObject): JsonValue =>
  listener({ address: { socket_address: { address: "127.0.0.1", port_value: 1, ...address } } });
const filter = (filter: JsonObject): JsonValue =>
  listener({
    filter_chains: [
      {
        filters: [
          {
            name: "h",
            typed_config: {
              "@type": `${EXT}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
              stat_prefix: "a",
              route_config: {},
              http_filters: [
                { name: "f", typed_config: filter },
                { name: "r", typed_config: { "@type": `${EXT}.filters.http.router.v3.Router` } },
              ],
            },
          },
        ],
      },
    ],
  });
const logs = (common: JsonObject): JsonValue =>
  listener({
    filter_chains: [
      {
        filters: [
          {
            name: "t",
            typed_config: {
              "@type": `${EXT}.filters.network.tcp_proxy.v3.TcpProxy`,
              stat_prefix: "a",
              cluster: "c",
            },
          },
        ],
      },
    ],
    access_log: [
      {
        name: "als",
        typed_config: {
          "@type": `${EXT}.access_loggers.grpc.v3.TcpGrpcAccessLogConfig`,
          common_config: { log_name: "a", ...common },
        },
      },
    ],
  });
const tls = (common: JsonObject): JsonValue => ({
  name: "c",
  transport_socket: {
    name: "tls",
    typed_config: { "@type": `${EXT}.transport_sockets.tls.v3.UpstreamTlsContext`, common_tls_context: common },
  },
});
const validation = (context: JsonObject): JsonValue => tls({ validation_context: context });
const asked = (service: JsonObject): JsonValue =>
  filter({ "@type": `${EXT}.filters.http.ext_authz.v3.ExtAuthz`, transport_api_version: "V3", grpc_service: service });
const processed = (more: JsonObject): JsonValue =>
  filter({ "@type": `${EXT}.filters.http.ext_proc.v3.ExternalProcessor`, grpc_service: server(), ...more });
const limited = (service: JsonObject): JsonValue =>
  filter({
    "@type": `${EXT}.filters.http.ratelimit.v3.RateLimit`,
    domain: "d",
    rate_limit_service: { grpc_service: service, transport_api_version: "V3" },
  });
const raw: JsonObject = { name: "raw", typed_config: { "@type": `${EXT}.transport_sockets.raw_buffer.v3.RawBuffer` } };
const introducing: JsonObject = {
  name: "proxy",
  typed_config: {
    "@type": `${EXT}.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport`,
    config: { version: "V2" },
    transport_socket: raw,
  },
};
const server = (more: JsonObject = {}): JsonObject => ({ envoy_grpc: { cluster_name: "c", ...more } });

test.each<[name: string, kind: ResourceKind, json: JsonValue, says: string]>([
  ["a resolver", "listener", at({ resolver_name: "r" }), "address.socket_address.resolver_name: refused"],
  ["IPv4 in IPv6", "listener", at({ ipv4_compat: true }), "address.socket_address.ipv4_compat: refused"],
  ["processing over HTTP", "listener", processed({ http_service: {} }), "typed_config.http_service: refused"],
  [
    "processing of gRPC messages",
    "listener",
    processed({ processing_mode: { request_body_mode: "GRPC" } }),
    "processing_mode.request_body_mode: refused: GRPC is not NONE",
  ],
  [
    "a duplex body without trailers",
    "listener",
    processed({ processing_mode: { response_body_mode: "FULL_DUPLEX_STREAMED" } }),
    "processing_mode.response_trailer_mode: must be SEND",
  ],
  [
    "typed metadata for a processor",
    "listener",
    processed({ metadata_options: { forwarding_namespaces: { typed: ["a"] } } }),
    "metadata_options.forwarding_namespaces.typed: refused",
  ],
  [
    "an attribute that is not there",
    "listener",
    processed({ request_attributes: ["request.weather"] }),
    "request_attributes[0]: cannot be read at character 8",
  ],
  [
    "two words about the route",
    "listener",
    processed({ disable_clear_route_cache: true, route_cache_action: "CLEAR" }),
    "route_cache_action: can't be set together",
  ],
  [
    "a watched folder",
    "cluster",
    validation({ trusted_ca: { filename: "/no", watched_directory: { path: "/" } } }),
    "validation_context.trusted_ca.watched_directory: refused",
  ],
  [
    "a watched folder outside of secrets",
    "cluster",
    validation({ trusted_ca: { inline_string: "a" }, watched_directory: { path: "/" } }),
    "validation_context.watched_directory: refused: acts only in a secret",
  ],
  [
    "a PROXY header for some",
    "listener",
    listener({
      listener_filters: [
        {
          name: "p",
          typed_config: { "@type": `${EXT}.filters.listener.proxy_protocol.v3.ProxyProtocol` },
          filter_disabled: { any_match: true },
        },
      ],
    }),
    "listener_filters[0].filter_disabled: refused",
  ],
  [
    "a PROXY header to some hosts",
    "cluster",
    {
      name: "c",
      transport_socket_matches: [
        { name: "a", match: { a: "b" }, transport_socket: introducing },
        { name: "b", match: {}, transport_socket: raw },
      ],
    },
    "transport_socket_matches",
  ],
  [
    "a certificate provider",
    "cluster",
    tls({
      combined_validation_context: {
        default_validation_context: {},
        validation_context_certificate_provider_instance: { instance_name: "i" },
      },
    }),
    "combined_validation_context.validation_context_certificate_provider_instance: refused",
  ],
  [
    "other names",
    "cluster",
    validation({ match_typed_subject_alt_names: [{ san_type: "OTHER_NAME", oid: "1.2.3", matcher: { exact: "a" } }] }),
    "match_typed_subject_alt_names[0].oid: refused",
  ],
  [
    "HTTP/3 beside others",
    "cluster",
    {
      name: "c",
      typed_extension_protocol_options: {
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
          "@type": `${EXT}.upstreams.http.v3.HttpProtocolOptions`,
          auto_config: { alternate_protocols_cache_options: { name: "a" } },
        },
      },
    },
    "auto_config.alternate_protocols_cache_options: HTTP/3 is not implemented",
  ],
  [
    "a revocation list without roots",
    "cluster",
    validation({ crl: { inline_string: CRL } }),
    "validation_context.crl: a revocation list acts only beside trusted_ca",
  ],
  [
    "a revocation list that is none",
    "cluster",
    validation({ trusted_ca: { inline_string: "a" }, crl: { inline_string: "words" } }),
    "validation_context.crl: holds no PEM block X509 CRL",
  ],
  [
    "a broken revocation list",
    "cluster",
    validation({ trusted_ca: { inline_string: "a" }, crl: { inline_string: CRL } }),
    "validation_context.crl: list 1 is not a PEM certificate revocation list",
  ],
  ["no service", "listener", asked({}), "http_filters[0].typed_config.grpc_service: the service must be named by"],
  [
    "Google's client",
    "listener",
    asked({ google_grpc: { target_uri: "a", stat_prefix: "b" } }),
    "grpc_service.google_grpc: refused: name a cluster",
  ],
  [
    "calls that are repeated",
    "listener",
    limited({ ...server(), retry_policy: {} }),
    "rate_limit_service.grpc_service.retry_policy: refused",
  ],
  [
    "a limit of messages",
    "listener",
    asked(server({ max_receive_message_length: 1 })),
    "grpc_service.envoy_grpc.max_receive_message_length: refused",
  ],
  [
    "values of requests in a call's head",
    "listener",
    limited({ ...server(), initial_metadata: [{ key: "a", value: "%REQ(b)%" }] }),
    "grpc_service.initial_metadata[0].value: refused",
  ],
  [
    "a name that is no header's",
    "listener",
    logs({ grpc_service: { ...server(), initial_metadata: [{ key: "a b", value: "c" }] } }),
    "common_config.grpc_service.initial_metadata[0].key: must be a header name",
  ],
])("%s", (_name, kind, json, says) => {
  expect(verdictOf(registry, kind, json)).toContain(says);
});

test("what a call may say passes", () => {
  const service = { ...server({ authority: "a" }), timeout: "1s", initial_metadata: [{ key: "X-A", value: "b" }] };
  for (const json of [asked(service), limited(service), logs({ grpc_service: service })])
    expect(verdictOf(registry, "listener", json)).toBe("");
});
