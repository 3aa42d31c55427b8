import { expect, test } from "bun:test";
import { createMetricsRegistry } from "@heddle/std";
import { createRouteStats, type RoutedExchange, registerRouteFamilies } from "./route-stats.ts";

const VOTE = { name: "vote", metadata: {} };
const LIST = {
  name: "list",
  metadata: { "heddle.route": { statusClasses: [{ min: 200, max: 299, failure: true }] } },
};
const HOST = { name: "web.x.svc.cluster.local:80", routes: [VOTE, LIST, { name: "default" }] };

function exchange(route: RoutedExchange["route"], status: number, attempts: number): RoutedExchange {
  const connection = { direction: "outbound" } as const;
  // The try before the last had no answer, those before it a bad one.
  const failedTries = Array.from({ length: Math.max(0, attempts - 1) }, (_, i) => ({ status: i === 0 ? 0 : 502 }));
  return { connection, route, status, attempts, failedTries, grpc: false, grpcStatus: -1, startMs: 0, endMs: 4 };
}

function start() {
  const registry = createMetricsRegistry();
  const stats = createRouteStats(registerRouteFamilies(registry));
  return { stats, lines: () => registry.expose().split("\n") };
}

const labels = (route: string) => `direction="outbound",dst="${HOST.name}",rt_route="${route}"`;

test("a request counts once, each of its tries as an actual one, what came again as a retry", () => {
  const { stats, lines } = start();
  const vote = { route: VOTE, host: HOST };
  stats.onExchangeDone(exchange(vote, 200, 1));
  // No series of retries where nothing was tried again.
  expect(lines().filter((line) => line.startsWith("route_retryable_total{"))).toEqual([]);
  stats.onExchangeDone(exchange(vote, 200, 3));
  stats.onExchangeDone(exchange(vote, 503, 2));
  // Refused before it went anywhere.
  stats.onExchangeDone(exchange(vote, 403, 0));
  const of = labels("vote");
  expect(lines()).toContain(`route_request_total{${of}} 4`);
  expect(lines()).toContain(`route_actual_request_total{${of}} 7`);
  expect(lines()).toContain(`route_retryable_total{${of},skipped=""} 3`);
  expect(lines()).toContain(`route_response_total{${of},status_code="200",classification="success"} 2`);
  expect(lines()).toContain(`route_response_total{${of},status_code="503",classification="failure"} 1`);
  expect(lines()).toContain(`route_response_total{${of},status_code="403",classification="success"} 1`);
  expect(lines()).toContain(`route_actual_response_total{${of},status_code="200",classification="success"} 2`);
  expect(lines()).toContain(`route_actual_response_total{${of},status_code="502",classification="failure"} 1`);
  expect(lines()).toContain(`route_actual_response_total{${of},status_code="503",classification="failure"} 1`);
  expect(lines()).toContain(`route_response_latency_ms_count{${of}} 4`);
});

test("a route's own classes say what a failure is; the rest of a named host counts together", () => {
  const { stats, lines } = start();
  stats.onExchangeDone(exchange({ route: LIST, host: HOST }, 204, 1));
  stats.onExchangeDone(exchange({ route: { name: "default", metadata: {} }, host: HOST }, 204, 1));
  expect(lines()).toContain(`route_response_total{${labels("list")},status_code="204",classification="failure"} 1`);
  expect(lines()).toContain(`route_response_total{${labels("")},status_code="204",classification="success"} 1`);
});

test("routes that a matcher leads to count as others do", () => {
  const { stats, lines } = start();
  const tree = { kind: "none", otherwise: { kind: "action", action: [VOTE] } } as const;
  stats.onExchangeDone(exchange({ route: VOTE, host: { name: HOST.name, routes: [], tree } }, 200, 1));
  expect(lines()).toContain(`route_request_total{${labels("vote")}} 1`);
});

test("hosts whose routes nobody named make no series, and what met no route neither", () => {
  const { stats, lines } = start();
  const unnamed = { name: "default", metadata: {} };
  stats.onExchangeDone(exchange({ route: unnamed, host: { name: "other", routes: [unnamed] } }, 200, 2));
  stats.onExchangeDone(exchange(undefined, 404, 0));
  expect(lines().filter((line) => line.startsWith("route_"))).toEqual([]);
});
