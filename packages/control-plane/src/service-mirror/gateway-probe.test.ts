import { expect, test } from "bun:test";
import { createManualClock, createMetricsRegistry } from "@heddle/std";
import { createProbeMetrics, startGatewayProbe } from "./gateway-probe.ts";
import { linkStatus, sameStatus } from "./link-status.ts";
import { shareAnchor } from "./trust-anchors.ts";

test("dead after as many failures in a row as the Link says, alive again after one answer; metrics as Linkerd's", async () => {
  const clock = createManualClock();
  const registry = createMetricsRegistry();
  let answers = true;
  const asked: string[] = [];
  const changes: boolean[] = [];
  const probe = startGatewayProbe({
    cluster: "west",
    path: "/ready",
    port: 4191,
    periodMs: 3000,
    timeoutMs: 3000,
    failureThreshold: 3,
    addresses: () => ["198.18.1.1"],
    clock,
    metrics: createProbeMetrics(registry),
    ask: async (url) => {
      asked.push(url);
      if (!answers) throw new Error("no answer");
    },
    onChange: (alive) => changes.push(alive),
  });
  const round = async () => {
    clock.advance(3000);
    await Bun.sleep(0);
  };
  await round();
  expect(asked[0]).toBe("http://198.18.1.1:4191/ready");
  answers = false;
  await round();
  await round();
  expect(probe.alive).toBe(true);
  await round();
  await round();
  expect([probe.alive, changes]).toEqual([false, [false]]);
  expect(registry.expose()).toContain('gateway_alive{target_cluster_name="west"} 0\n');
  expect(registry.expose()).toMatch(/gateway_probes\{target_cluster_name="west",probe_successful="false"\} 4\n/);
  answers = true;
  await round();
  expect([probe.alive, changes]).toEqual([true, [false, true]]);
  probe.close();
  expect(registry.expose()).not.toContain("west");
});

test("a status that says the same is not written again", () => {
  const first = linkStatus([], "gone", undefined, "2026-01-01T00:00:00Z");
  expect(sameStatus(structuredClone(first), linkStatus([], "gone", undefined, "2026-01-02T00:00:00Z"))).toBe(true);
  expect(sameStatus(first, linkStatus([], "", undefined, "2026-01-01T00:00:00Z"))).toBe(false);
});

test("a root in common is enough, whatever stands around it", () => {
  const pem = (...bodies: readonly string[]) =>
    bodies.map((body) => `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`).join("");
  expect(shareAnchor(pem("AA", "BB"), pem("B\nB"))).toBe(true);
  expect(shareAnchor(pem("AA"), pem("CC"))).toBe(false);
  expect(shareAnchor(undefined, pem("CC"))).toBeUndefined();
});
