import { expect, test } from "bun:test";
import { createManualClock, createMetricsRegistry } from "@heddle/std";
import { registerAgentMetrics } from "./agent-metrics.ts";

const ISTIOD = "istiod.istio-system.svc:15012";

function start(dialect: string) {
  const clock = createManualClock();
  const registry = createMetricsRegistry();
  const current = { chain: "", key: "", roots: "", notAfterMs: clock.now() + 90_000 };
  const metrics = registerAgentMetrics({
    registry,
    clock,
    certificate: { current, asked: { times: 3, failed: 1, waitedMs: 250 } },
    addresses: { authority: ISTIOD, discovery: ISTIOD },
    discovery: () => ({ opened: 2, answered: 1, lost: 1, requests: 9, responses: 7 }),
    variable: (name) => (name === "HEDDLE_METRICS_DIALECT" ? dialect : undefined),
  });
  return { clock, metrics, expiresAt: current.notAfterMs, lines: () => registry.expose().split("\n") };
}

test("pilot-agent's names, and the start that ends when the sidecar is ready for the first time", () => {
  const { clock, metrics, lines } = start("");
  let reason: string | undefined = "not yet";
  const notReady = metrics.watchReady(() => reason);
  expect(notReady()).toBe("not yet");
  clock.advance(1500);
  reason = undefined;
  expect(notReady()).toBeUndefined();
  clock.advance(60_000);
  notReady();
  for (const line of [
    "istio_agent_startup_duration_seconds 1.5",
    'istio_agent_cert_expiry_seconds{resource_name="default"} 28.5',
    'istio_agent_num_outgoing_requests{request_type="csr"} 3',
    'istio_agent_num_failed_outgoing_requests{request_type="csr"} 1',
    'istio_agent_outgoing_latency{request_type="csr"} 250',
    "istio_agent_xds_proxy_requests 9",
    "istio_agent_xds_proxy_responses 7",
  ])
    expect(lines()).toContain(line);
  expect(lines().some((line) => line.startsWith("control_") || line.startsWith("identity_"))).toBe(false);
});

test("Linkerd's names where asked for; one address is one series", () => {
  const { lines, expiresAt } = start("linkerd");
  for (const line of [
    `identity_cert_expiration_timestamp_seconds ${expiresAt / 1000}`,
    "identity_cert_refresh_count 2",
    `control_request_total{addr="${ISTIOD}",direction="outbound"} 5`,
    `control_response_total{addr="${ISTIOD}",direction="outbound",classification="success"} 3`,
    `control_response_total{addr="${ISTIOD}",direction="outbound",classification="failure"} 2`,
  ])
    expect(lines()).toContain(line);
});
