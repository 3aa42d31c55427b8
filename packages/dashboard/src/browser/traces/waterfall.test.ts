import { expect, test } from "bun:test";
import type { Span } from "./jaeger.ts";
import { waterfall } from "./waterfall.ts";

const span = (id: string, parent: string, startTime: number, duration: number, tags: Span["tags"] = []): Span => ({
  spanID: id,
  operationName: id,
  references: parent === "" ? [] : [{ refType: "CHILD_OF", spanID: parent }],
  startTime,
  duration,
  tags,
  processID: id === "web" ? "p1" : "p2",
});
const trace = (...spans: Span[]) => ({
  traceID: "t",
  spans,
  processes: { p1: { serviceName: "web" }, p2: { serviceName: "voting" } },
});

test("children stand below their parent, in order, each at its share of the time", () => {
  const { rows, durationMs, services, failed, title } = waterfall(
    trace(
      span("second", "web", 1600, 200, [{ key: "grpc.status_code", value: "2" }]),
      span("web", "", 1000, 1000),
      span("first", "web", 1100, 300),
    ),
  );
  expect(rows.map((r) => [r.span.spanID, r.depth, r.start, r.failed])).toEqual([
    ["web", 0, 0, false],
    ["first", 1, 0.1, false],
    ["second", 1, 0.6, true],
  ]);
  expect([durationMs, services, failed, title]).toEqual([1, ["web", "voting"], true, "web: web"]);
});

test("a span is called by what was asked, where it says so", () => {
  const url = { key: "http.url", value: "http://web-svc.emojivoto/api/vote?choice=:doughnut:" };
  expect(waterfall(trace(span("web", "", 0, 1, [url, { key: "http.method", value: "GET" }]))).title).toBe(
    "web: GET /api/vote",
  );
  expect(waterfall(trace(span("web", "", 0, 1, [{ key: "http.url", value: "odd" }]))).title).toBe("web: web");
});

test("a lost parent is said, a circle loses nothing, an unknown process is unknown", () => {
  const lost = waterfall(trace(span("a", "gone", 0, 1)));
  expect([lost.incomplete, lost.rows.length]).toEqual([true, 1]);
  expect(waterfall(trace(span("a", "b", 0, 1), span("b", "a", 1, 1))).rows).toHaveLength(2);
  expect(waterfall({ ...trace(span("a", "", 0, 0)), processes: {} }).rows[0]?.service).toBe("unknown");
});
