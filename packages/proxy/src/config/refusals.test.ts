import { beforeAll, describe, expect, test } from "bun:test";
import { fromJson, type JsonValue, type Registry, toBinary } from "@bufbuild/protobuf";
import { loadTypeRegistry, typeUrls } from "@heddle/xds-api";
import { type ResourceKind, verdictOf } from "../../test/rig/verdict.ts";
import { ClusterSchema } from "./proto.ts";
import { decodeResource } from "./resources.ts";

let registry: Registry;
beforeAll(async () => {
  registry = await loadTypeRegistry();
});

const verdict = (kind: ResourceKind, json: JsonValue) => verdictOf(registry, kind, json);

const EXT = "type.googleapis.com/envoy.extensions";
const route = (fields: JsonValue): JsonValue => ({
  name: "r",
  virtual_hosts: [{ name: "v", domains: ["*"], routes: [{ match: { prefix: "/" }, ...(fields as object) }] }],
});
const listener = (filter: JsonValue): JsonValue => ({
  name: "l",
  address: { socket_address: { address: "127.0.0.1", port_value: 1 } },
  filter_chains: [{ filters: [filter] }],
});
const tcp = (fields: object): JsonValue => ({
  name: "t",
  typed_config: { "@type": `${EXT}.filters.network.tcp_proxy.v3.TcpProxy`, stat_prefix: "a", cluster: "c", ...fields },
});
const manager = (fields: object): JsonValue =>
  listener({
    name: "h",
    typed_config: {
      "@type": `${EXT}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
      stat_prefix: "a",
      ...fields,
    },
  });
const pings = (fields: JsonValue): JsonValue => ({
  name: "c",
  typed_extension_protocol_options: {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
      "@type": `${EXT}.upstreams.http.v3.HttpProtocolOptions`,
      explicit_http_config: { http2_protocol_options: { connection_keepalive: fields } },
    },
  },
});
const priority = (frequency: number): JsonValue =>
  route({
    route: {
      cluster: "a",
      retry_policy: {
        retry_priority: {
          name: "envoy.retry_priorities.previous_priorities",
          typed_config: {
            "@type": `${EXT}.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig`,
            update_frequency: frequency,
          },
        },
      },
    },
  });
const sessionKeys = (max: number): JsonValue => ({
  name: "c",
  transport_socket: {
    name: "envoy.transport_sockets.tls",
    typed_config: { "@type": `${EXT}.transport_sockets.tls.v3.UpstreamTlsContext`, max_session_keys: max },
  },
});
const plain: JsonValue = {
  name: "r",
  typed_config: { "@type": `${EXT}.transport_sockets.raw_buffer.v3.RawBuffer` },
};
const introducing: JsonValue = {
  name: "envoy.transport_sockets.upstream_proxy_protocol",
  typed_config: {
    "@type": `${EXT}.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport`,
    config: { version: "V2" },
    transport_socket: plain,
  },
};
const withAddresses = (type: string, other: JsonValue): JsonValue => ({
  name: "c",
  type,
  load_assignment: {
    cluster_name: "c",
    endpoints: [
      {
        lb_endpoints: [
          {
            endpoint: {
              address: { socket_address: { address: "10.0.0.1", port_value: 1 } },
              additional_addresses: [{ address: other }],
            },
          },
        ],
      },
    ],
  },
});
const PLACE = "virtual_hosts[0].routes[0]";

describe("what the proxy can't do is refused with its path", () => {
  test.each<[name: string, kind: ResourceKind, json: JsonValue, says: string]>([
    [
      "filters of an upgrade",
      "listener",
      manager({
        upgrade_configs: [
          {
            upgrade_type: "websocket",
            filters: [{ name: "r", typed_config: { "@type": `${EXT}.filters.http.router.v3.Router` } }],
          },
        ],
      }),
      "upgrade_configs[0].filters: refused: upgrades pass the same filters",
    ],
    [
      "the upstream's scheme",
      "listener",
      manager({ scheme_header_transformation: { match_upstream: true } as object, route_config: {} }),
      "scheme_header_transformation.match_upstream: refused",
    ],
    [
      "sorted JSON",
      "listener",
      manager({
        route_config: {},
        local_reply_config: { body_format: { json_format: {}, json_format_options: { sort_properties: true } } },
      }),
      "local_reply_config.body_format.json_format_options: refused: {…} is not {}",
    ],
    [
      "another form of COALESCE",
      "listener",
      manager({
        route_config: {},
        local_reply_config: { body_format: { text_format: '%COALESCE({"operators": []})%' } },
      }),
      "text_format: %COALESCE(…)% takes",
    ],
    [
      "an unknown command inside COALESCE",
      "listener",
      manager({
        route_config: {},
        local_reply_config: { body_format: { text_format: '%COALESCE({"operators": ["NOTHING"]})%' } },
      }),
      "text_format: %NOTHING% is not a command operator",
    ],
    [
      "another offset of the caller's time",
      "route",
      route({ route: { cluster: "a", max_stream_duration: { grpc_timeout_header_offset: "1s" } } }),
      `${PLACE}.route.max_stream_duration.grpc_timeout_header_offset: refused`,
    ],
    [
      "values of the client's PROXY header",
      "route",
      route({
        route: {
          cluster: "a",
          upgrade_configs: [
            { upgrade_type: "CONNECT", connect_config: { proxy_protocol_config: { pass_through_tlvs: {} } } },
          ],
        },
      }),
      "upgrade_configs[0].connect_config.proxy_protocol_config.pass_through_tlvs: refused",
    ],
    [
      "more source addresses",
      "cluster",
      {
        name: "c",
        upstream_bind_config: {
          source_address: { address: "127.0.0.1", port_value: 0 },
          extra_source_addresses: [{ address: { address: "127.0.0.2", port_value: 0 } }],
        },
      },
      "upstream_bind_config.extra_source_addresses[0]: refused: connections come from one address of each family",
    ],
    [
      "clients introduced to some hosts",
      "cluster",
      {
        name: "c",
        transport_socket_matches: [
          { name: "a", match: { a: "b" }, transport_socket: introducing },
          { name: "b", match: {}, transport_socket: plain },
        ],
      },
      "transport_socket_matches: refused: a cluster introduces clients to all",
    ],
    [
      "no address of the family that begins",
      "cluster",
      { name: "c", upstream_connection_options: { happy_eyeballs_config: { first_address_family_count: 0 } } },
      "upstream_connection_options.happy_eyeballs_config.first_address_family_count: must be at least 1",
    ],
    [
      "another address that is a name",
      "cluster",
      withAddresses("STATIC", { socket_address: { address: "b.test", port_value: 1 } }),
      "lb_endpoints[0].endpoint.additional_addresses[0].address: must be an IP address with a port",
    ],
    [
      "another address that is a path",
      "cluster",
      withAddresses("STATIC", { pipe: { path: "/tmp/a" } }),
      "lb_endpoints[0].endpoint.additional_addresses[0].address: must be an IP address with a port",
    ],
    [
      "another address beside a name",
      "cluster",
      withAddresses("STRICT_DNS", { socket_address: { address: "10.0.0.2", port_value: 1 } }),
      "lb_endpoints[0].endpoint.additional_addresses: refused: names say which addresses there are",
    ],
    [
      "HTTP/1 options of a cluster",
      "cluster",
      { name: "c", http_protocol_options: { header_key_format: { proper_case_words: {} } } },
      "http_protocol_options.header_key_format.proper_case_words: refused",
    ],
    [
      "a longest ejection below the shortest",
      "cluster",
      { name: "c", outlier_detection: { base_ejection_time: "60s", max_ejection_time: "30s" } },
      "outlier_detection.max_ejection_time: must not be below base_ejection_time",
    ],
    [
      "endpoints that go stale",
      "cluster",
      { name: "c", load_assignment: { cluster_name: "c", policy: { endpoint_stale_after: "1s" } } },
      "load_assignment.policy.endpoint_stale_after: refused",
    ],
    [
      "a script",
      "listener",
      manager({ http_filters: [{ name: "lua", typed_config: { "@type": `${EXT}.filters.http.lua.v3.Lua` } }] }),
      "http_filters[0].typed_config: refused: envoy.extensions.filters.http.lua.v3.Lua is not an extension that this proxy has: the proxy runs no scripts",
    ],
    [
      "a buffer without a limit",
      "listener",
      manager({ http_filters: [{ name: "b", typed_config: { "@type": `${EXT}.filters.http.buffer.v3.Buffer` } }] }),
      "http_filters[0].typed_config.max_request_bytes: is required",
    ],
    [
      "a route's buffer that says nothing",
      "route",
      route({
        route: { cluster: "a" },
        typed_per_filter_config: { b: { "@type": `${EXT}.filters.http.buffer.v3.BufferPerRoute`, disabled: false } },
      }),
      "typed_per_filter_config[b]: say disabled: true",
    ],
    [
      "CONNECT settings of another upgrade",
      "route",
      route({ route: { cluster: "a", upgrade_configs: [{ upgrade_type: "websocket", connect_config: {} }] } }),
      `${PLACE}.route.upgrade_configs[0].connect_config: only CONNECT`,
    ],
    [
      "a share with two names",
      "route",
      route({
        route: { weighted_clusters: { clusters: [{ name: "a", cluster_header: "x", weight: 1 }] } },
      }),
      "clusters[0].name: a weighted cluster needs one of",
    ],
    [
      "filter state that nothing reads",
      "listener",
      listener({
        name: "f",
        typed_config: {
          "@type": `${EXT}.filters.network.set_filter_state.v3.Config`,
          on_new_connection: [
            {
              object_key: "envoy.network.upstream_server_name",
              format_string: { text_format_source: { inline_string: "a.example" } },
            },
          ],
        },
      }),
      "on_new_connection[0].object_key: the proxy does not read",
    ],
    [
      "an unknown retry host predicate",
      "route",
      route({ route: { cluster: "a", retry_policy: { retry_host_predicate: [{ name: "x.y" }] } } }),
      "retry_host_predicate[0]: x.y is not implemented",
    ],
    [
      "rate limits from metadata",
      "route",
      route({ route: { cluster: "a", rate_limits: [{ actions: [{ remote_address: {} }], limit: {} }] } }),
      `${PLACE}.route.rate_limits[0].limit: refused`,
    ],
    [
      "look-around",
      "route",
      route({ match: { safe_regex: { regex: "(?=a)" } }, route: { cluster: "a" } }),
      `${PLACE}.match.safe_regex.regex: "(?=a)" is not`,
    ],
    [
      "an unknown retry condition",
      "route",
      route({ route: { cluster: "a", retry_policy: { retry_on: "5xx,often" } } }),
      "retry_policy.retry_on: often is not",
    ],
    [
      "weights of zero",
      "route",
      route({ route: { weighted_clusters: { clusters: [{ name: "a", weight: 0 }] } } }),
      "weighted_clusters.clusters: the weights",
    ],
    [
      "a rewrite without its template",
      "route",
      route({
        route: {
          cluster: "a",
          path_rewrite_policy: {
            name: "x",
            typed_config: {
              "@type": `${EXT}.path.rewrite.uri_template.v3.UriTemplateRewriteConfig`,
              path_template_rewrite: "/{a}",
            },
          },
        },
      }),
      "{a} is not a variable",
    ],
    [
      "filter state of another kind",
      "listener",
      listener({
        name: "f",
        typed_config: {
          "@type": `${EXT}.filters.network.set_filter_state.v3.Config`,
          on_new_connection: [
            {
              object_key: "mine",
              factory_key: "envoy.network.ip",
              format_string: { text_format_source: { inline_string: "a" } },
            },
          ],
        },
      }),
      "on_new_connection[0].factory_key: only envoy.string and envoy.hashable_string",
    ],
    [
      "a filter that routes can't have",
      "route",
      route({
        route: { cluster: "a" },
        typed_per_filter_config: { lua: { "@type": `${EXT}.filters.http.lua.v3.LuaPerRoute`, disabled: true } },
      }),
      "typed_per_filter_config[lua]: refused: envoy.extensions.filters.http.lua.v3.LuaPerRoute is not",
    ],
    [
      "CEL in RBAC",
      "route",
      route({
        route: { cluster: "a" },
        typed_per_filter_config: {
          rbac: {
            "@type": `${EXT}.filters.http.rbac.v3.RBACPerRoute`,
            rbac: {
              rules: { policies: { p: { permissions: [{ any: true }], principals: [{ any: true }], condition: {} } } },
            },
          },
        },
      }),
      "policies[p].condition: refused: CEL",
    ],
    [
      "a token bucket that never fills",
      "route",
      route({
        route: { cluster: "a" },
        typed_per_filter_config: {
          rl: {
            "@type": `${EXT}.filters.http.local_ratelimit.v3.LocalRateLimit`,
            token_bucket: { max_tokens: 1, fill_interval: "0s" },
          },
        },
      }),
      "token_bucket.fill_interval",
    ],
    [
      "custom clusters",
      "cluster",
      { name: "c", cluster_type: { name: "envoy.clusters.redis" } },
      "cluster_type: there is no cluster type envoy.clusters.redis without typed_config; there are envoy.cluster.static",
    ],
    [
      "a name in a static cluster",
      "cluster",
      {
        name: "c",
        type: "STATIC",
        load_assignment: {
          endpoints: [
            { lb_endpoints: [{ endpoint: { address: { socket_address: { address: "a.b", port_value: 1 } } } }] },
          ],
        },
      },
      "STRICT_DNS",
    ],
    [
      "other limits per host than connections",
      "cluster",
      { name: "c", circuit_breakers: { per_host_thresholds: [{ max_requests: 1 }] } },
      "circuit_breakers.per_host_thresholds[0].max_requests: refused",
    ],
    [
      "another hash",
      "cluster",
      { name: "c", lb_policy: "RING_HASH", ring_hash_lb_config: { hash_function: "MURMUR_HASH_2" } },
      "ring_hash_lb_config.hash_function",
    ],
    [
      "a health check without interval",
      "cluster",
      { name: "c", health_checks: [{ timeout: "1s", tcp_health_check: {} }] },
      "health_checks[0].interval",
    ],
    [
      "a health check with text that is not hexadecimal",
      "cluster",
      { name: "c", health_checks: [{ timeout: "1s", interval: "1s", tcp_health_check: { send: { text: "xyz" } } }] },
      "tcp_health_check.send[0].text",
    ],
    [
      "a destination from metadata",
      "cluster",
      {
        name: "c",
        type: "ORIGINAL_DST",
        lb_policy: "CLUSTER_PROVIDED",
        original_dst_lb_config: { metadata_key: { key: "a" } },
      },
      "original_dst_lb_config.metadata_key: refused",
    ],
    ...[0.5, 3.5, -1].map((ratio): [string, ResourceKind, JsonValue, string] => [
      `${ratio} connections ahead`,
      "cluster",
      { name: "c", preconnect_policy: { per_upstream_preconnect_ratio: ratio } },
      "preconnect_policy.per_upstream_preconnect_ratio: a ratio is between 1 and 3",
    ]),
    [
      "too many connections foreseen",
      "cluster",
      { name: "c", preconnect_policy: { predictive_preconnect_ratio: 3.01 } },
      "preconnect_policy.predictive_preconnect_ratio: a ratio is between 1 and 3",
    ],
    [
      "PINGs without a timeout",
      "cluster",
      pings({ interval: "1s" }),
      "connection_keepalive.timeout: connection_keepalive needs",
    ],
    ["PINGs all the time", "cluster", pings({ interval: "0.0001s", timeout: "1s" }), "interval: at least 1 ms"],
    [
      "PINGs that can't be answered",
      "cluster",
      pings({ timeout: "0s" }),
      "connection_keepalive.timeout: at least 1 ms",
    ],
    [
      "PINGs after no time",
      "cluster",
      pings({ timeout: "1s", connection_idle_interval: "0s" }),
      "connection_idle_interval: at least 1 ms",
    ],
    [
      "an unknown retry priority",
      "route",
      route({ route: { cluster: "a", retry_policy: { retry_priority: { name: "x.y" } } } }),
      "retry_policy.retry_priority: x.y is not implemented; envoy.retry_priorities.previous_priorities",
    ],
    ["a retry priority that is never new", "route", priority(0), "typed_config.update_frequency: at least 1"],
    ["a retry priority of less than never", "route", priority(-1), "typed_config.update_frequency: at least 1"],
    [
      "a tunnel to nowhere",
      "listener",
      listener(tcp({ tunneling_config: { post_path: "/a" } })),
      "tunneling_config.hostname: a tunnel needs",
    ],
    [
      "a chain without its last filter",
      "listener",
      listener({ name: "s", typed_config: { "@type": `${EXT}.filters.network.sni_cluster.v3.SniCluster` } }),
      "filters[0]: the last network filter",
    ],
    [
      "a connection limit of none",
      "listener",
      listener({
        name: "s",
        typed_config: {
          "@type": `${EXT}.filters.network.connection_limit.v3.ConnectionLimit`,
          stat_prefix: "a",
          max_connections: "0",
        },
      }),
      "max_connections",
    ],
  ])("%s", (_name, kind, json, says) => {
    expect(verdict(kind, json)).toContain(says);
  });
});

test("fields of a newer API are refused, not skipped", () => {
  // Field 1000, a varint.
  const bytes = Buffer.concat([
    toBinary(ClusterSchema, fromJson(ClusterSchema, { name: "c" })),
    Buffer.from([0xc0, 0x3e, 1]),
  ]);
  const decoded = decodeResource(typeUrls.cluster, bytes);
  expect(decoded.ok ? "" : decoded.error[0]?.reason).toContain("newer than this proxy");
});

test("a field that is not implemented passes with Envoy's default, and no other value", () => {
  const cluster = (fields: object): JsonValue => ({ name: "c", ...fields });
  expect(verdict("cluster", cluster({ track_timeout_budgets: false, track_cluster_stats: {} }))).toBe("");
  expect(verdict("cluster", cluster({ track_cluster_stats: { timeout_budgets: true } }))).toBe(
    "track_cluster_stats: refused: {…} is not {}: sizes, timeout budgets and endpoints are not counted apart",
  );
  const tunnel = (fields: object) => ({ tunneling_config: { hostname: "a:1", ...fields } });
  expect(verdict("listener", listener(tcp(tunnel({ propagate_response_headers: false }))))).toBe("");
  expect(verdict("listener", listener(tcp(tunnel({ propagate_response_headers: true }))))).toContain(
    "propagate_response_headers: refused: true is not false: the far end's headers",
  );
  const http = (fields: object): JsonValue =>
    listener({
      name: "h",
      typed_config: {
        "@type": `${EXT}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
        stat_prefix: "a",
        rds: { route_config_name: "r", config_source: { ads: {} } },
        ...fields,
      },
    });
  expect(verdict("listener", http({ drain_timeout: "0.25s", add_proxy_protocol_connection_state: true }))).toBe("");
  expect(verdict("listener", http({ http_protocol_options: { allow_absolute_url: false } }))).toContain(
    "http_protocol_options.allow_absolute_url: refused: false is not true",
  );
});

test("clients are introduced to all hosts of a cluster, by its socket, its matches, or both", () => {
  const matches = (...labels: JsonValue[]) => ({
    transport_socket_matches: labels.map((match, i) => ({ name: `m${i}`, match, transport_socket: introducing })),
  });
  for (const fields of [
    { transport_socket: introducing },
    // As real istiod writes it, and as we do.
    matches({ tlsMode: "istio" }, {}),
    { transport_socket: introducing, ...matches({ tlsMode: "istio" }, {}) },
  ]) {
    const bytes = toBinary(ClusterSchema, fromJson(ClusterSchema, { name: "c", ...fields }, { registry }));
    expect(decodeResource(typeUrls.cluster, bytes)).toMatchObject({
      ok: true,
      value: { config: { proxyProtocol: "v2" } },
    });
  }
});

test("a source address for each family, as istiod writes it where there are two", () => {
  const json = {
    name: "c",
    upstream_bind_config: {
      source_address: { address: "127.0.0.6", port_value: 0 },
      extra_source_addresses: [{ address: { address: "::6", port_value: 0 } }],
    },
  };
  const decoded = decodeResource(typeUrls.cluster, toBinary(ClusterSchema, fromJson(ClusterSchema, json)));
  expect(decoded).toMatchObject({ ok: true, value: { config: { sourceIps: ["127.0.0.6", "::6"] } } });
});

test("a field without effect on traffic passes whatever it says", () => {
  expect(verdict("cluster", { name: "c", per_connection_buffer_limit_bytes: 1, respect_dns_ttl: true })).toBe("");
});

test("a direct response above its route configuration's limit is refused, as by Envoy", () => {
  const answer = (bytes: number) =>
    route({ direct_response: { status: 200, body: { inline_string: "x".repeat(bytes) } } });
  expect(verdict("route", answer(4096))).toBe("");
  expect(verdict("route", answer(4097))).toContain(`${PLACE}.direct_response.body: has 4097 bytes, above`);
  expect(verdict("route", { ...(answer(4097) as object), max_direct_response_body_size_bytes: 5000 })).toBe("");
});

test("any number of TLS sessions may be kept; nothing is set aside for them", () => {
  for (const max of [0, 1, 4_294_967_295]) expect(verdict("cluster", sessionKeys(max))).toBe("");
});
