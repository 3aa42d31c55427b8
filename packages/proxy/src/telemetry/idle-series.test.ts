import { expect, test } from "bun:test";
import { createMetricsRegistry } from "@heddle/std";
import { createIdleSeries, readIdleTime } from "./idle-series.ts";
import { istioGroups, type Parties, registerIstioFamilies, tcpSeries } from "./istio-families.ts";
import { linkerdGroups, registerLinkerdFamilies } from "./linkerd-families.ts";
import { type CountedExchange, createLinkerdStats } from "./linkerd-stats.ts";
import { UNKNOWN_WORKLOAD } from "./workload.ts";

const MINUTE = 60_000;

test("what had no traffic goes, and comes back with it; what has traffic stays", () => {
  const registry = createMetricsRegistry();
  const forgotten = { times: 0 };
  const families = registerLinkerdFamilies(registry, forgotten);
  const idle = createIdleSeries(10 * MINUTE, forgotten);
  for (const group of linkerdGroups(families)) idle.watch(group);
  const stats = createLinkerdStats({ families, self: UNKNOWN_WORKLOAD, localUri: () => "" });
  const to = (authority: string): CountedExchange => ({
    connection: { direction: "outbound", allowedBy: "", principal: "", localUri: "", tls: undefined },
    upstreamSecure: false,
    upstreamPrincipal: "",
    clusterName: "PassthroughCluster",
    cluster: undefined,
    host: undefined,
    metadata: undefined,
    request: { authority },
    status: 200,
    details: "",
    grpc: false,
    grpcStatus: -1,
    startMs: 0,
    firstByteMs: 1,
    endMs: 1,
  });
  const counts = () =>
    [...families.requests.entries()].map(({ labelValues, series }) => [labelValues[1], series.value]);
  stats.onExchangeDone(to("old"));
  for (let minute = 0; minute <= 10; minute++) {
    if (minute < 10) expect(counts()).toContainEqual(["old", 1]);
    stats.onExchangeDone(to("busy"));
    idle.sweep(minute * MINUTE);
  }
  expect(counts()).toEqual([["busy", 11]]);
  expect(families.responses.size).toBe(1);
  expect(families.latency.size).toBe(1);
  stats.onExchangeDone(to("old"));
  expect(counts()).toEqual([
    ["busy", 11],
    ["old", 1],
  ]);
  expect(families.latency.size).toBe(2);
});

test("series of an open TCP connection stay, however silent it is", () => {
  const registry = createMetricsRegistry();
  const forgotten = { times: 0 };
  const families = registerIstioFamilies({ registry, forgotten });
  const idle = createIdleSeries(MINUTE, forgotten);
  for (const group of istioGroups(families)) idle.watch(group);
  const parties: Parties = {
    reporter: "source",
    source: UNKNOWN_WORKLOAD,
    sourcePrincipal: "",
    destination: UNKNOWN_WORKLOAD,
    destinationPrincipal: "",
    service: "db",
    serviceName: "db",
    serviceNamespace: "ns",
    protocol: "tcp",
    security: "unknown",
  };
  const series = tcpSeries(families, parties, "-", []);
  series.opened.value++;
  for (let minute = 0; minute < 5; minute++) idle.sweep(minute * MINUTE);
  expect(families.tcpSent.family.size).toBe(1);
  series.sent.value += 5;
  series.closed.value++;
  // Its last numbers are read before they go.
  idle.sweep(5 * MINUTE);
  expect(families.tcpSent.family.size).toBe(1);
  idle.sweep(6 * MINUTE);
  expect([families.tcpOpened.family.size, families.tcpClosed.family.size, families.tcpSent.family.size]).toEqual([
    0, 0, 0,
  ]);
  expect(forgotten.times).toBe(1);
});

test("the time: off, a duration, wrong, several workers", () => {
  expect(readIdleTime(undefined, 1)).toEqual({ idleMs: 60 * MINUTE });
  expect(readIdleTime(undefined, 4)).toEqual({});
  expect(readIdleTime("off", 1)).toEqual({});
  expect(readIdleTime("10m", 1)).toEqual({ idleMs: 10 * MINUTE });
  expect(readIdleTime("10s", 1).problem).toContain("at least 1m");
  expect(readIdleTime("soon", 1).problem).toContain("is soon");
  expect(readIdleTime("10m", 4).problem).toContain("one worker, not 4");
});
