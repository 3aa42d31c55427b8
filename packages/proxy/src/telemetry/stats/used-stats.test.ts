import { expect, test } from "bun:test";
import { counter, gauge } from "./stat.ts";
import { usedStats } from "./used-stats.ts";

const STATS = [
  counter("cluster.a.upstream_cx_total", 3),
  counter("cluster.a.upstream_rq_retry", 0),
  counter("http.x.downstream_cx_total", 1),
  gauge("cluster.a.upstream_cx_active", 0),
  gauge("cluster.a.circuit_breakers.default.cx_open", 0),
  gauge("cluster.a.circuit_breakers.default.rq_retry_open", 0),
  gauge("cluster.a.circuit_breakers.high.cx_open", 0),
  gauge("cluster.a.membership_degraded", 0),
  gauge("cluster.b.upstream_cx_active", 0),
  gauge("cluster.b.warming_state", 0),
  gauge("http.x.downstream_cx_active", 0),
  gauge("http.x.downstream_cx_ssl_active", 0),
  gauge("listener_manager.total_filter_chains_draining", 0),
  gauge("server.state", 0),
];

test("gauges at zero are used where something was counted beside them, or they are always written", () => {
  const used = usedStats(STATS);
  expect(STATS.filter(used).map(({ name }) => name)).toEqual([
    "cluster.a.upstream_cx_total",
    "http.x.downstream_cx_total",
    "cluster.a.upstream_cx_active",
    "cluster.a.circuit_breakers.default.cx_open",
    "cluster.a.membership_degraded",
    "cluster.b.warming_state",
    "http.x.downstream_cx_active",
    "server.state",
  ]);
});
