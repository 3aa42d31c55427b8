import { describe, expect, test } from "bun:test";
import { fromJson, type JsonValue } from "@bufbuild/protobuf";
import { StatsConfigSchema } from "@heddle/xds-api/envoy/config/metrics/v3/stats";
import { createScope, problemText } from "../../config/scope.ts";
import { decodeStats } from "../../config/stats-config.ts";
import { whyAbsent } from "./absent.ts";
import { counter, histogram } from "./stat.ts";
import { createStatsView } from "./stats-view.ts";

function decode(json: JsonValue) {
  const scope = createScope();
  const settings = decodeStats(fromJson(StatsConfigSchema, json), scope.field("stats_config"));
  return { settings, problems: problemText(scope.problems) };
}

function shown(name: string, json: JsonValue = {}): string {
  return (
    createStatsView(decode(json).settings)
      .expose([counter(name, 1)])
      .split("\n")[1] ?? ""
  );
}

test.each([
  ["cluster.app.upstream_rq_200", 'envoy_cluster_upstream_rq{envoy_response_code="200",envoy_cluster_name="app"} 1'],
  [
    "cluster.app.upstream_rq_5xx",
    'envoy_cluster_upstream_rq_xx{envoy_response_code_class="5",envoy_cluster_name="app"} 1',
  ],
  [
    "listener.127.0.0.1_80.worker_0.downstream_cx_total",
    'envoy_listener_worker_downstream_cx_total{envoy_worker_id="0",envoy_listener_address="127.0.0.1_80"} 1',
  ],
  ["http.web.rbac.allowed", 'envoy_http_rbac_allowed{envoy_http_conn_manager_prefix="web"} 1'],
  [
    "listener.0.0.0.0_80.http.web.downstream_rq_2xx",
    'envoy_listener_http_downstream_rq_xx{envoy_response_code_class="2",envoy_http_conn_manager_prefix="web",envoy_listener_address="0.0.0.0_80"} 1',
  ],
  [
    "vhost.shop.vcluster.cart.upstream_rq_retry",
    'envoy_vhost_vcluster_upstream_rq_retry{envoy_virtual_cluster="cart",envoy_virtual_host="shop"} 1',
  ],
  ["listener_manager.listener_added", "envoy_listener_manager_listener_added 1"],
])("Envoy's own tags: %s", (name, line) => {
  expect(shown(name)).toBe(line);
});

describe("stats_config", () => {
  test("tags of one's own, before the default ones or alone, and for all", () => {
    const stats_tags = [{ tag_name: "team", regex: "^cluster\\.((\\w+)-)" }];
    expect(shown("cluster.red-app.x", { stats_tags })).toBe(
      'envoy_cluster_x{team="red",envoy_cluster_name="red-app"} 1',
    );
    expect(shown("cluster.red-app.x", { stats_tags, use_all_default_tags: false })).toBe(
      'envoy_cluster_app_x{team="red"} 1',
    );
    expect(shown("server.live", { stats_tags: [{ tag_name: "zone", fixed_value: "a" }] })).toBe(
      'envoy_server_live{zone="a"} 1',
    );
  });

  test("matchers let through what they say", () => {
    const includes = (stats_matcher: JsonValue, name: string) =>
      createStatsView(decode({ stats_matcher }).settings).includes(name);
    expect(includes({ reject_all: true }, "a")).toBe(false);
    expect(includes({ reject_all: false }, "a")).toBe(true);
    const list = { patterns: [{ prefix: "cluster." }, { suffix: "active" }, { safe_regex: { regex: "x.*z" } }] };
    for (const [name, listed] of [
      ["cluster.a", true],
      ["http.a.active", true],
      ["xyz", true],
      ["http.cluster.", false],
    ] as const) {
      expect(includes({ inclusion_list: list }, name)).toBe(listed);
      expect(includes({ exclusion_list: list }, name)).toBe(!listed);
    }
  });

  test("buckets by name", () => {
    const settings = decode({
      histogram_bucket_settings: [{ match: { prefix: "cluster." }, buckets: [2, 4] }],
    }).settings;
    const text = createStatsView(settings).expose([
      histogram("cluster.a.t", {
        sum: 8,
        bins: [
          [3, 1],
          [5, 1],
        ],
      }),
    ]);
    expect(text.match(/le="[^"]+"} \d+/g)).toEqual(['le="2"} 0', 'le="4"} 1', 'le="+Inf"} 2']);
    expect(text).toContain('envoy_cluster_t_sum{envoy_cluster_name="a"} 8');
  });

  test.each([
    [{ stats_tags: [{ tag_name: "a", regex: "(" }] }, "stats_config.stats_tags[0].regex"],
    [{ stats_tags: [{ tag_name: "a", regex: "abc" }] }, "needs a group in parentheses"],
    [{ stats_tags: [{ tag_name: "a" }] }, "none of Envoy's default tags"],
    [{ stats_tags: [{ tag_name: "a", regex: `(${"x".repeat(1100)})` }] }, "at most 1024"],
    [{ stats_tags: [{ regex: "(a)" }] }, "stats_tags[0].tag_name"],
    [{ stats_matcher: { inclusion_list: { patterns: [{ safe_regex: { regex: "(?=a)" } }] } } }, "RE2"],
    [{ histogram_bucket_settings: [{ match: { prefix: "a" }, buckets: [3, 2] }] }, "each above the one before it"],
  ])("what is wrong is named with its path: %p", (json, problem) => {
    expect(decode(json).problems).toContain(problem);
  });
});

test("names that are not kept have a reason, others have none", () => {
  expect(whyAbsent("cluster.outbound|80||a.b.upstream_cx_http3_total")).toContain("HTTP/3");
  expect(whyAbsent("runtime.deprecated_feature_use")).toContain("deprecated fields");
  expect(whyAbsent("runtime.load_error")).toBeUndefined();
  expect(whyAbsent("cluster.a.upstream_rq_total")).toBeUndefined();
});
