import { beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fromBinary, type Registry } from "@bufbuild/protobuf";
import { loadTypeRegistry, typeUrls } from "@heddle/xds-api";
import { type BootstrapSettings, parseBootstrap, readBootstrap } from "./bootstrap.ts";
import { ClusterSchema } from "./config/proto.ts";
import { decodeResource } from "./config/resources.ts";

let registry: Registry;
beforeAll(async () => {
  registry = await loadTypeRegistry();
});

const read = (text: string) => parseBootstrap(text, "front.yaml", registry);

/** What each resource of the bootstrap says when it is decoded, without the good ones. */
function refusals(settings: BootstrapSettings): string[] {
  return settings.resources.flatMap(({ typeUrl, resources }) =>
    resources.flatMap((r) => {
      const decoded = decodeResource(typeUrl, r.bytes);
      return decoded.ok ? [] : decoded.error.map((p) => `${p.path}: ${p.reason}`);
    }),
  );
}

const V2 = `
static_resources:
  listeners:
  - address: {socket_address: {address: 0.0.0.0, port_value: 80}}
    filter_chains:
    - filters:
      - name: envoy.tcp_proxy
        config:
          stat_prefix: ingress_tcp
          cluster: http_target
          access_log: [{name: envoy.file_access_log, config: {path: /dev/stdout}}]
  - address: {socket_address: {address: 0.0.0.0, port_value: 443}}
    filter_chains:
    - filters: [{name: envoy.tcp_proxy, config: {stat_prefix: ingress_tls, cluster: http_target}}]
  clusters:
  - name: http_target
    connect_timeout: 0.25s
    type: strict_dns
    lb_policy: round_robin
    hosts: [{socket_address: {address: istio-ingressgateway.istio-system, port_value: 80}}]
admin:
  access_log_path: /tmp/admin.log
  address: {socket_address: {address: 0.0.0.0, port_value: 8001}}
`;

/** What Istio's agent writes for real Envoy: same fields, fewer tags. */
const ISTIO = `
node: {id: "sidecar~10.0.0.1~a.b~b.svc.cluster.local", cluster: a.b, locality: {region: r, zone: z}, metadata: {NAMESPACE: b}}
layered_runtime:
  layers:
    - {name: global config, static_layer: {"re2.max_program_size.error_level": "32768"}}
    - {name: admin, admin_layer: {}}
bootstrap_extensions:
  - name: envoy.bootstrap.internal_listener
    typed_config:
      "@type": type.googleapis.com/udpa.type.v1.TypedStruct
      type_url: type.googleapis.com/envoy.extensions.bootstrap.internal_listener.v3.InternalListener
      value: {buffer_size_kb: 64}
stats_config:
  use_all_default_tags: false
  stats_tags:
    - {tag_name: http_conn_manager_listener_prefix, regex: '^listener(?=\\.).*?\\.http\\.(((?:[_.[:digit:]]*|[_\\[\\]aAbBcCdDeEfF[:digit:]]*))\\.)'}
  stats_matcher: {inclusion_list: {patterns: [{prefix: "reporter="}, {prefix: istio}]}}
admin:
  access_log:
    - name: envoy.access_loggers.file
      typed_config: {"@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog, path: /dev/null}
  profile_path: /var/lib/istio/data/envoy.prof
  address: {socket_address: {address: 127.0.0.1, port_value: 15000}}
dynamic_resources:
  lds_config: {ads: {}, initial_fetch_timeout: 0s, resource_api_version: V3}
  cds_config: {ads: {}, initial_fetch_timeout: 0s, resource_api_version: V3}
  ads_config:
    api_type: DELTA_GRPC
    set_node_on_first_message_only: true
    transport_api_version: V3
    grpc_services: [{envoy_grpc: {cluster_name: xds-grpc}}]
static_resources:
  clusters:
    - name: xds-grpc
      type: STATIC
      connect_timeout: 1s
      lb_policy: ROUND_ROBIN
      load_assignment:
        cluster_name: xds-grpc
        endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: ./etc/istio/proxy/XDS}}}}]}]
      circuit_breakers: {thresholds: [{priority: DEFAULT, max_connections: 100000, max_pending_requests: 100000, max_requests: 100000}]}
      upstream_connection_options: {tcp_keepalive: {keepalive_time: 300}}
      max_requests_per_connection: 1
      typed_extension_protocol_options:
        envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
          "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
          explicit_http_config: {http2_protocol_options: {}}
    - name: zipkin
      type: STRICT_DNS
      respect_dns_ttl: true
      dns_lookup_family: V4_ONLY
      dns_refresh_rate: 30s
      connect_timeout: 1s
      load_assignment:
        cluster_name: zipkin
        endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: zipkin.istio-system, port_value: 9411}}}}]}]
`;

test("the bootstrap of Istio's agent is taken whole", () => {
  const read1 = read(ISTIO);
  if (!read1.ok) throw new Error(read1.error.join("; "));
  expect(refusals(read1.value)).toEqual([]);
  expect(read1.value.ads).toEqual({ cluster: "xds-grpc", dialect: "delta", authority: "", metadata: [] });
});

describe("the v2 form", () => {
  test("is read as its v3 form", () => {
    const old = read(V2);
    if (!old.ok) throw new Error(old.error.join("; "));
    expect(refusals(old.value)).toEqual([]);
    expect(old.value.admin).toEqual({ ip: "0.0.0.0", port: 8001 });
    const { deprecated } = old.value;
    expect(deprecated?.v3).toContain("envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy");
    // What the warning shows is a file that needs no warning, and means the same.
    const again = read(deprecated?.v3 ?? "");
    if (!again.ok) throw new Error(again.error.join("; "));
    expect(again.value.deprecated).toBeUndefined();
    expect(again.value.resources).toEqual(old.value.resources);
  });

  test.each([
    [
      "a tls_context",
      "clusters: [{name: a, hosts: [{socket_address: {address: 1.2.3.4, port_value: 1}}], tls_context: {sni: x}}]",
    ],
    [
      "an HTTP listener",
      `listeners: [{address: {socket_address: {address: 0.0.0.0, port_value: 1}}, filter_chains: [{filters: [{name: envoy.http_connection_manager,
        config: {stat_prefix: a, route_config: {virtual_hosts: [{name: a, domains: ["*"], routes: [{match: {regex: "/a.*"}, route: {cluster: a, host_rewrite: b}}]}]},
        http_filters: [{name: envoy.router}]}}]}]}]`,
    ],
    [
      "PROXY protocol",
      `listeners: [{address: {socket_address: {address: 0.0.0.0, port_value: 1}}, filter_chains: [{use_proxy_proto: true, filters: [
        {name: envoy.tcp_proxy, config: {stat_prefix: a, cluster: a}}]}]}]`,
    ],
  ])("has %s", (_name, resources) => {
    const settings = read(`static_resources: {${resources}}`);
    if (!settings.ok) throw new Error(settings.error.join("; "));
    expect(refusals(settings.value)).toEqual([]);
    expect(settings.value.deprecated).toBeDefined();
  });

  test("is told of also where it stands in --config-yaml", () => {
    const path = join(mkdtempSync(join(tmpdir(), "heddle-bootstrap-test-")), "b.yaml");
    const more = `static_resources: {clusters: [{name: more, hosts: [{socket_address: {address: 1.2.3.4, port_value: 1}}]}]}`;
    const changes = (text: string) => {
      writeFileSync(path, text);
      const settings = readBootstrap(path, more, registry);
      if (!settings.ok) throw new Error(settings.error.join("; "));
      return settings.value.deprecated;
    };
    const alone = changes("{}");
    expect(alone?.v3).toContain("more");
    const both = changes(V2);
    expect(both?.changes.slice(-1)).toEqual([`--config-yaml: ${alone?.changes.at(-1)}`]);
    expect(both?.v3).toEndWith(`---\n${alone?.v3}`);
    rmSync(dirname(path), { recursive: true });
  });

  test("the v3 form in the warning holds no keys", () => {
    const settings = read(
      `static_resources: {clusters: [{name: a, hosts: [], tls_context: {common_tls_context: {tls_certificates: [
        {certificate_chain: {inline_string: C}, private_key: {inline_string: SECRET}}]}}}]}`,
    );
    if (!settings.ok) throw new Error(settings.error.join("; "));
    expect(settings.value.deprecated?.v3).not.toContain("SECRET");
  });
});

describe("what is wrong is named", () => {
  test.each([
    [
      "an unknown v2 extension",
      "static_resources: {listeners: [{filter_chains: [{filters: [{name: envoy.redis_proxy, config: {}}]}]}]}",
      "static_resources.listeners[0].filter_chains[0].filters[0].config: the extension envoy.redis_proxy",
    ],
    [
      "an unknown field",
      "static_resources: {cluster: []}",
      "static_resources.cluster: no such field in envoy.config.bootstrap.v3.Bootstrap.StaticResources; did you mean clusters?",
    ],
    ["ADS without a server", "dynamic_resources: {lds_config: {ads: {}}}", "ads_config is missing"],
    [
      "a stream without a server",
      "dynamic_resources: {cds_config: {api_config_source: {api_type: GRPC}}}",
      "dynamic_resources.cds_config.api_config_source.grpc_services: the discovery server must be named",
    ],
    [
      "REST",
      "dynamic_resources: {cds_config: {api_config_source: {api_type: REST, cluster_names: [a]}}}",
      "dynamic_resources.cds_config.api_config_source.api_type: REST is not implemented",
    ],
    ...(
      [
        ["{key: x y, value: a}", "key: must be a header name"],
        ["{key: x-bin, value: a}", "key: must be a header name"],
        ['{key: x, value: "a\\nb"}', "value: must be printable ASCII"],
      ] as const
    ).map(([header, reason]): [string, string, string] => [
      `a stream's header ${header}`,
      `dynamic_resources: {ads_config: {api_type: GRPC, grpc_services: [{envoy_grpc: {cluster_name: a}, initial_metadata: [${header}]}]}}`,
      `dynamic_resources.ads_config.grpc_services[0].initial_metadata[0].${reason}`,
    ]),
    ["no YAML", "a: [", "neither YAML nor JSON"],
  ])("%s", (_name, text, message) => {
    const settings = read(text);
    expect(settings.ok ? "accepted" : settings.error.join("; ")).toContain(message);
  });
});

test("enum names are read in any case, as by Envoy", () => {
  const settings = read("static_resources: {clusters: [{name: a, type: logical_dns, lb_policy: Least_Request}]}");
  if (!settings.ok) throw new Error(settings.error.join("; "));
  const bytes = settings.value.resources.find((r) => r.typeUrl === typeUrls.cluster)?.resources[0]?.bytes;
  expect(fromBinary(ClusterSchema, bytes ?? new Uint8Array(0)).lbPolicy).toBe(1);
});

test("runtime and statistics settings are accepted without effect", () => {
  const settings = read("layered_runtime: {layers: [{name: a, static_layer: {x: 1}}]}\nstats_flush_interval: 5s");
  expect(settings.ok ? [] : settings.error).toEqual([]);
});

test("the local cluster is one of those that the bootstrap defines", () => {
  const text = (clusters: string) =>
    `{cluster_manager: {local_cluster_name: proxies}, static_resources: {clusters: [${clusters}]}}`;
  const missing = read(text(""));
  expect(missing.ok ? "" : JSON.stringify(missing.error)).toContain("there is no cluster proxies in static_resources");
  const there = read(text("{name: proxies, type: STATIC}"));
  expect(there.ok && there.value.localCluster).toBe("proxies");
  const none = read("{static_resources: {}}");
  expect(none.ok && none.value.localCluster).toBe("");
});

test("everything that is wrong is told in one run, unknown extensions by their place and reason", () => {
  const http = "type.googleapis.com/envoy.extensions.filters.http";
  const manager = {
    "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
    stat_prefx: "a",
    stream_idle_timeout: 5,
    route_config: { name: "r" },
    http_filters: [
      { name: "cache", typed_config: { "@type": `${http}.cache.v3.CacheConfig`, typed_config: { "@type": "x/y.Z" } } },
      { name: "own", typed_config: { "@type": "type.googleapis.com/my.own.Filter", a: [1, { b: null }] } },
      { name: "router", typed_config: { "@type": `${http}.router.v3.Routr` } },
    ],
  };
  const settings = read(
    JSON.stringify({
      static_resources: {
        listeners: [
          {
            address: { socket_address: { address: "127.0.0.1", port_value: "web" } },
            filter_chains: [{ filters: [{ name: "http", typed_config: manager }] }],
          },
        ],
        clusters: [
          {
            name: "c",
            typed_extension_protocol_options: {
              "envoy.filters.network.redis_proxy": {
                "@type": "type.googleapis.com/envoy.extensions.filters.network.redis_proxy.v3.RedisProtocolOptions",
              },
            },
          },
        ],
      },
    }),
  );
  const filter = "front.yaml: static_resources.listeners[0].filter_chains[0].filters[0].typed_config";
  const envoy = "or run the workload with Envoy (heddle.io/data-plane: envoy)";
  expect(settings.ok ? [] : settings.error).toEqual([
    'front.yaml: static_resources.listeners[0].address.socket_address.port_value: wants a whole number from 0 to 4294967295, not "web"',
    `${filter}.stat_prefx: no such field in envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager; did you mean stat_prefix?`,
    `${filter}.stream_idle_timeout: wants a time in seconds such as 5s or 0.25s (google.protobuf.Duration), not 5`,
    `front.yaml: static_resources.clusters[0].typed_extension_protocol_options[envoy.filters.network.redis_proxy]: refused: envoy.extensions.filters.network.redis_proxy.v3.RedisProtocolOptions is not an extension that this proxy has: Redis passes as bytes; use tcp_proxy, ${envoy}`,
    `${filter}.http_filters[0].typed_config: refused: envoy.extensions.filters.http.cache.v3.CacheConfig is not an extension that this proxy has: answers are not kept; put a cache behind the proxy, ${envoy}`,
    `${filter}.http_filters[1].typed_config: my.own.Filter is not an extension that this proxy has; remove it, ${envoy}`,
    `${filter}.http_filters[2].typed_config: envoy.extensions.filters.http.router.v3.Routr is not an extension that this proxy has here; did you mean envoy.extensions.filters.http.router.v3.Router?`,
  ]);
});

test("keys with the tag !ignore only hold anchors, as for Envoy", () => {
  const settings = read(
    "!ignore shared:\n- &at {socket_address: {address: 127.0.0.1, port_value: 7}}\nadmin: {address: *at}\n",
  );
  expect(settings.ok ? settings.value.admin : settings.error).toEqual({ ip: "127.0.0.1", port: 7 });
});
