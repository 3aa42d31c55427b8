/** Answers to health checks: of the proxy, of clusters, of the server and from memory; the same in real Envoy and here. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { address, cluster, type Json } from "./rig/bootstrap.ts";
import { ENGINES, withoutEnvoy } from "./rig/engines.ts";
import {
  echoOrigin,
  type FilterCase,
  type FilterPair,
  filterMessage,
  originCluster,
  routeTo,
  startFilterPair,
} from "./rig/filter-pair.ts";

const skip = withoutEnvoy();

const check = (path: string, fields: Json): Json =>
  filterMessage("health_check", "HealthCheck", {
    headers: [{ name: ":path", string_match: { exact: path } }],
    ...fields,
  });
const clusters = (percentages: Readonly<Record<string, number>>): Json => ({
  pass_through_mode: false,
  cluster_min_healthy_percentages: Object.fromEntries(
    Object.entries(percentages).map(([name, value]) => [name, { value }]),
  ),
});

describe.skipIf(skip)("health checks are answered as by real Envoy", () => {
  let pair: FilterPair;
  let origin: ReturnType<typeof echoOrigin>;

  beforeAll(async () => {
    origin = echoOrigin();
    const hosts = (name: string, ...statuses: readonly string[]): Json =>
      cluster(name, [], "http1", {
        load_assignment: {
          cluster_name: name,
          endpoints: [
            {
              // Nobody asks them anything.
              lb_endpoints: statuses.map((health_status, i) => ({
                endpoint: { address: address(i + 1) },
                health_status,
              })),
            },
          ],
        },
      });
    pair = await startFilterPair({
      clusters: [
        originCluster(origin),
        hosts("half", "HEALTHY", "UNHEALTHY"),
        hosts("degraded", "HEALTHY", "DEGRADED"),
        hosts("draining", "HEALTHY", "DRAINING", "DRAINING"),
        hosts("empty"),
      ],
      listeners: {
        paths: {
          filters: {
            plain: check("/plain", { pass_through_mode: false }),
            pass: check("/pass", { pass_through_mode: true }),
            cached: check("/cached", { pass_through_mode: true, cache_time: "3600s" }),
            degraded: check("/degraded", { pass_through_mode: true, cache_time: "3600s" }),
            half50: check("/half50", clusters({ half: 50 })),
            half51: check("/half51", clusters({ half: 51 })),
            parts: check("/parts", clusters({ half: 50.5 })),
            fine: check("/fine", clusters({ degraded: 100, half: 10 })),
            drain: check("/drain", clusters({ draining: 34 })),
            both: check("/both", clusters({ degraded: 100, half: 90 })),
            empty: check("/empty", clusters({ empty: 1 })),
            empty0: check("/empty0", clusters({ empty: 0 })),
            none: check("/none", clusters({ nobody: 0 })),
            passes: check("/passes", { ...clusters({ nobody: 1 }), pass_through_mode: true }),
          },
          routes: [routeTo("/")],
        },
        all: {
          filters: { all: filterMessage("health_check", "HealthCheck", { pass_through_mode: false }) },
          routes: [routeTo("/")],
        },
      },
    });
  }, 60_000);

  afterAll(async () => {
    await pair?.stop();
    await origin?.stop(true);
  });

  const PATHS = [
    "plain",
    "pass",
    "half50",
    "half51",
    "parts",
    "fine",
    "drain",
    "both",
    "empty",
    "empty0",
    "none",
    "passes",
    "other",
  ];
  const COUNTED =
    /^http\.(?:paths|all)\.(downstream_rq_[1-5]xx|downstream_rq_completed|downstream_rq_total|tracing\.health_check|health_check\.\w+)$/;
  const answering = (answer: Json): Readonly<Record<string, string>> => ({ "x-answer": JSON.stringify(answer) });

  test("of the proxy, of clusters, of the server, from memory", async () => {
    const cases: FilterCase[] = PATHS.map((path) => ({ to: "paths", path: `/${path}` }));
    cases.push(
      { to: "paths", path: "/plain", method: "POST", body: "x".repeat(1000) },
      { to: "paths", path: "/plain?x" },
      { to: "paths", path: "/pass", headers: answering({ status: 404 }) },
      { to: "paths", path: "/cached", headers: answering({ status: 500 }) },
      { to: "paths", path: "/cached" },
      { to: "paths", path: "/cached", headers: answering({ status: 201 }) },
      { to: "paths", path: "/degraded", headers: answering({ headers: { "x-envoy-degraded": "1" } }) },
      { to: "paths", path: "/degraded" },
      { to: "all", path: "/" },
      { to: "all", path: "/other", method: "DELETE" },
    );
    const results = await pair.compare(cases);
    expect(results.slice(0, 4).map(({ line }) => line["details"])).toEqual([
      "health_check_ok",
      "via_upstream",
      "health_check_ok_cluster_healthy",
      "health_check_failed_cluster_unhealthy",
    ]);
    const stats = await pair.compareStats(COUNTED);
    expect(stats["http.paths.health_check.request_total"]).toBeGreaterThan(10);
    expect(stats["http.all.downstream_rq_2xx"]).toBe(0);
  }, 60_000);

  test("a proxy that was told to fail says so, to everyone", async () => {
    const told = async (what: "fail" | "ok") => {
      for (const engine of ENGINES) await pair.proxy(engine).admin(`/healthcheck/${what}`, { method: "POST" });
    };
    const cases: FilterCase[] = [...PATHS, "cached", "degraded"].map((path) => ({ to: "paths", path: `/${path}` }));
    await told("fail");
    const failing = await pair.compare(cases);
    expect(failing[0]?.line).toMatchObject({ code: 503, flags: "LH", details: "health_check_failed" });
    expect(failing[12]?.answer.headers["x-envoy-immediate-health-check-fail"]).toBe("true");
    await told("ok");
    const back = await pair.compare(cases);
    expect(back[0]?.line["code"]).toBe(200);
    await pair.compareStats(COUNTED);
  }, 60_000);
});
