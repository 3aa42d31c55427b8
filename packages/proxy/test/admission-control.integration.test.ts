/** Requests that are refused while those before fail, and what counts as failing; the same in real Envoy and here. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cluster, type Json } from "./rig/bootstrap.ts";
import { withoutEnvoy } from "./rig/engines.ts";
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

const control = (fields: Json): Json =>
  filterMessage("admission_control", "AdmissionControl", { success_criteria: {}, sampling_window: "3600s", ...fields });
const percent = (value: number): Json => ({ default_value: { value }, runtime_key: "none" });
const number = (default_value: number): Json => ({ default_value, runtime_key: "none" });
/** Refuses for certain as soon as fewer than 95 % of the answers are successes. */
const SURE: Json = { aggression: number(1e9), max_rejection_probability: percent(100) };

describe.skipIf(skip)("requests are admitted as by real Envoy", () => {
  let pair: FilterPair;
  let origin: ReturnType<typeof echoOrigin>;

  beforeAll(async () => {
    origin = echoOrigin();
    const one = (fields: Json, routes: readonly Json[] = [routeTo("/")]) => ({
      filters: { control: control(fields) },
      routes,
    });
    pair = await startFilterPair({
      clusters: [originCluster(origin), cluster("nowhere", [], "http1")],
      listeners: {
        counted: one({ max_rejection_probability: percent(0) }, [
          { match: { prefix: "/direct" }, direct_response: { status: 503 } },
          routeTo("/nowhere", {}, "nowhere"),
          routeTo("/"),
        ]),
        own: one({
          max_rejection_probability: percent(0),
          success_criteria: {
            http_criteria: {
              http_success_status: [
                { start: 200, end: 204 },
                { start: 500, end: 501 },
              ],
            },
            grpc_criteria: { grpc_success_status: [0, 13] },
          },
        }),
        sure: one(SURE),
        rare: one({ ...SURE, rps_threshold: number(1_000_000) }),
        lenient: one({ ...SURE, sr_threshold: percent(20) }),
        off: one({ ...SURE, enabled: { default_value: false, runtime_key: "none" } }),
        checked: {
          filters: {
            health: filterMessage("health_check", "HealthCheck", {
              pass_through_mode: true,
              headers: [{ name: ":path", string_match: { exact: "/health" } }],
            }),
            control: control(SURE),
          },
          routes: [routeTo("/")],
        },
      },
    });
  }, 60_000);

  afterAll(async () => {
    await pair?.stop();
    await origin?.stop(true);
  });

  const answering = (answer: Json): Readonly<Record<string, string>> => ({ "x-answer": JSON.stringify(answer) });
  const status = (to: string, code: number, path = "/"): FilterCase => ({
    to,
    path,
    headers: answering({ status: code }),
  });
  const STATS = /^http\.\w+\.admission_control\./;

  test("what counts as a success", async () => {
    const cases: FilterCase[] = [];
    for (const to of ["counted", "own"]) {
      for (const code of [200, 203, 204, 301, 404, 429, 499, 500, 501, 503, 599]) cases.push(status(to, code));
      for (let code = 0; code <= 17; code++)
        for (const body of ["", "x"])
          cases.push({
            to,
            path: `/${code}`,
            headers: answering({
              headers: { "content-type": "application/grpc", "grpc-status": String(code) },
              body,
            }),
          });
      cases.push({ to, path: "/plain", headers: answering({ headers: { "grpc-status": "13" }, body: "" }) });
    }
    cases.push({ to: "counted", path: "/direct" }, { to: "counted", path: "/nowhere" });
    await pair.compare(cases);
    // Envoy's names of the others are there with their first request.
    const stats = await pair.compareStats(STATS, false);
    expect(stats["http.own.admission_control.rq_success"]).toBeGreaterThan(3);
    expect(stats["http.own.admission_control.rq_failure"]).toBeGreaterThan(20);
  }, 60_000);

  test("who is refused", async () => {
    const cases: FilterCase[] = [];
    for (const to of ["sure", "rare", "off"]) for (const code of [200, 503, 200, 200]) cases.push(status(to, code));
    for (const code of [200, 503, 503, 503, 503, 503, 200]) cases.push(status("lenient", code));
    cases.push(status("checked", 503, "/health"), status("checked", 200), status("checked", 503));
    cases.push(status("checked", 200, "/health"), status("checked", 200));
    const results = await pair.compare(cases);
    expect(results.slice(0, 4).map(({ line }) => line["details"])).toEqual([
      "via_upstream",
      "via_upstream",
      "denied_by_admission_control",
      "denied_by_admission_control",
    ]);
    await pair.compareStats(STATS);
  }, 60_000);
});
