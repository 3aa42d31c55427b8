import { expect, test } from "bun:test";
import type { Logger } from "@heddle/std";
import { counter } from "../telemetry/stats/stat.ts";
import { createStatsView } from "../telemetry/stats/stats-view.ts";
import { readAgentOptions } from "./agent-options.ts";
import { istioStatsConfig, sidecarStats } from "./istio-stats.ts";

const errors: string[] = [];
const log = { error: (message: string) => void errors.push(message) } as unknown as Logger;

function view(proxyConfig: object, annotations: Readonly<Record<string, string>> = {}) {
  const env = { POD_NAME: "a", POD_NAMESPACE: "b", INSTANCE_IP: "10.0.0.7", PROXY_CONFIG: JSON.stringify(proxyConfig) };
  return createStatsView(sidecarStats(readAgentOptions([], env).options, annotations, log));
}

const OTHER = "cluster.outbound|80||web.default.svc.cluster.local.upstream_rq_total";

test("Istio's default: the few that everybody needs", () => {
  const { includes } = view({});
  for (const name of [
    "cluster_manager.cds.update_success",
    "cluster.xds-grpc.upstream_cx_active",
    "http.inbound_0.0.0.0_80.rbac.denied",
    "vhost.shop.route.checkout.upstream_rq_200",
    "server.live",
    "listener.0.0.0.0_15006.no_filter_chain_match",
  ])
    expect(includes(name)).toBe(true);
  for (const name of [OTHER, "listener.0.0.0.0_80.no_filter_chain_match"]) expect(includes(name)).toBe(false);
});

test("ProxyConfig adds, an annotation replaces what ProxyConfig adds", () => {
  const proxyStatsMatcher = {
    inclusionPrefixes: ["cluster.outbound", "http.{pod_ip}_"],
    inclusionRegexps: [".*cx_total"],
  };
  const { includes } = view({ proxyStatsMatcher });
  for (const name of [OTHER, "http.10.0.0.7_80.x", "tcp.a.cx_total", "server.live"]) expect(includes(name)).toBe(true);
  const replaced = view({ proxyStatsMatcher }, { "sidecar.istio.io/statsInclusionPrefixes": "tcp.a, tcp.b" });
  expect(["tcp.b.x", OTHER, "x.cx_total", "server.live"].map((name) => replaced.includes(name))).toEqual([
    true,
    false,
    true,
    true,
  ]);
});

test("names and labels are those that Istio's users know", () => {
  const lines = (name: string) =>
    view({})
      .expose([counter(name, 1)])
      .split("\n")[1];
  expect(lines(OTHER)).toBe(
    'envoy_cluster_upstream_rq_total{cluster_name="outbound|80||web.default.svc.cluster.local"} 1',
  );
  expect(lines("http.inbound_0.0.0.0_80.rbac.denied")).toBe(
    'envoy_http_inbound_0_0_0_0_80_rbac{authz_enforce_result="denied"} 1',
  );
  const tried = lines("http.inbound_0.0.0.0_80.rbac.istio_dry_run_allow_.shadow_denied");
  expect(tried).toContain('authz_dry_run_action="allow"');
  expect(tried).toContain('authz_dry_run_result="denied"');
});

test("what can't be used is told, and the default holds", () => {
  errors.length = 0;
  const { includes } = view({ proxyStatsMatcher: { inclusionRegexps: ["("] } });
  expect(errors.length).toBe(1);
  expect([includes("server.live"), includes(OTHER)]).toEqual([true, false]);
});

test("tags and buckets of one's own", () => {
  const env = {
    POD_NAME: "a",
    POD_NAMESPACE: "b",
    INSTANCE_IP: "10.0.0.7",
    PROXY_CONFIG: '{"extraStatTags":["team","team"]}',
  };
  const config = istioStatsConfig(readAgentOptions([], env).options, {
    "sidecar.istio.io/extraStatTags": "shop",
    "sidecar.istio.io/statsHistogramBuckets": '{"cluster.xds-grpc":[1,5,10]}',
  });
  expect(config.stats_tags.filter(({ regex }) => regex.includes(";\\.;)")).map((tag) => tag.tag_name)).toEqual([
    "response_code",
    "team",
    "shop",
  ]);
  expect(config).toMatchObject({
    histogram_bucket_settings: [{ match: { prefix: "cluster.xds-grpc" }, buckets: [1, 5, 10] }],
  });
});
