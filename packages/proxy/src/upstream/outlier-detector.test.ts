import { describe, expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { createLogger, createManualClock } from "@heddle/std";
import { OutlierDetectionSchema } from "@heddle/xds-api/envoy/config/cluster/v3/outlier_detection";
import { decodeOutlier } from "../config/outlier-detection.ts";
import { createScope } from "../config/scope.ts";
import { createHost, type Host } from "./host.ts";
import { createOutlierDetector } from "./outlier-detector.ts";

function setUp(fields: Parameters<typeof create<typeof OutlierDetectionSchema>>[1], count = 4) {
  const clock = createManualClock();
  const log = createLogger({ clock, level: "error", scope: "test", sink: () => undefined });
  const hosts: readonly Host[] = Array.from({ length: count }, (_, i) =>
    createHost({ ip: "10.0.0.1", port: i + 1 }, 0, undefined),
  );
  const config = decodeOutlier(create(OutlierDetectionSchema, { maxEjectionPercent: 50, ...fields }), createScope());
  if (config === undefined) throw new Error("not decoded");
  let changes = 0;
  const detector = createOutlierDetector(config, {
    clock,
    log,
    random: () => 0,
    cluster: "c",
    hosts: () => hosts,
    onChange: () => {
      changes++;
    },
  });
  const [first] = hosts;
  if (first === undefined) throw new Error("no host");
  return { clock, hosts, first, detector, changes: () => changes };
}

const times = (count: number, act: () => void) => {
  for (let i = 0; i < count; i++) act();
};

describe("outlier detection", () => {
  test("five 5xx in a row eject, for a time that grows", () => {
    const { clock, first, detector, changes } = setUp({ maxEjectionPercent: 50 });
    times(4, () => detector.onStatus(first, 500));
    detector.onStatus(first, 200);
    times(4, () => detector.onStatus(first, 500));
    expect(first.healthy).toBe(true);
    detector.onStatus(first, 500);
    expect(first.healthy).toBe(false);
    expect(changes()).toBe(1);
    clock.advance(29_000);
    expect(first.healthy).toBe(false);
    clock.advance(1000);
    expect(first.healthy).toBe(true);
    times(5, () => detector.onStatus(first, 500));
    clock.advance(35_000);
    expect(first.healthy).toBe(false);
    clock.advance(40_000);
    expect(first.healthy).toBe(true);
    detector.close();
  });

  test("gateway failures only where they are enforced", () => {
    const plain = setUp({ consecutive5xx: 100, consecutiveGatewayFailure: 2 });
    times(3, () => plain.detector.onStatus(plain.first, 503));
    expect(plain.first.healthy).toBe(true);
    const enforced = setUp({
      consecutive5xx: 100,
      consecutiveGatewayFailure: 2,
      enforcingConsecutiveGatewayFailure: 100,
    });
    times(2, () => enforced.detector.onStatus(enforced.first, 503));
    expect(enforced.first.healthy).toBe(false);
    plain.detector.close();
    enforced.detector.close();
  });

  test("no more than the allowed share", () => {
    const { hosts, detector } = setUp({ maxEjectionPercent: 50, consecutive5xx: 1 });
    for (const host of hosts) detector.onStatus(host, 500);
    expect(hosts.filter((host) => !host.healthy).length).toBe(2);
    detector.close();
  });

  test.each([
    [1, 10, false, 0],
    [1, 10, true, 1],
    [4, 24, false, 0],
    [4, 25, false, 1],
    [4, 74, true, 2],
  ])("of %d hosts and %d %% (one always: %p) %d go, as in Envoy", (count, percent, always, gone) => {
    const { hosts, detector } = setUp(
      { maxEjectionPercent: percent, alwaysEjectOneHost: always, consecutive5xx: 1 },
      count,
    );
    for (const host of hosts) detector.onStatus(host, 500);
    expect(hosts.filter((host) => !host.healthy).length).toBe(gone);
    expect(detector.overflow).toBe(count - gone);
    detector.close();
  });

  test("failed connections count as 503, or apart where they are split", () => {
    const joined = setUp({ consecutive5xx: 2 });
    times(2, () => joined.detector.onLocalFailure(joined.first));
    expect(joined.first.healthy).toBe(false);
    const split = setUp({ consecutive5xx: 2, splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailure: 3 });
    times(2, () => split.detector.onLocalFailure(split.first));
    expect(split.first.healthy).toBe(true);
    split.detector.onLocalFailure(split.first);
    expect(split.first.healthy).toBe(false);
    joined.detector.close();
    split.detector.close();
  });

  test("a connection makes up for failed ones: where they are split, and for TCP", () => {
    const split = setUp({ splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailure: 2 });
    const tcp = setUp({ consecutive5xx: 2 });
    for (let i = 0; i < 3; i++) {
      split.detector.onLocalFailure(split.first);
      split.detector.onConnected(split.first);
      tcp.detector.onLocalFailure(tcp.first);
      tcp.detector.onServed(tcp.first);
    }
    expect([split.first.healthy, tcp.first.healthy]).toEqual([true, true]);
    // A request says more than its connection does.
    const http = setUp({ consecutive5xx: 2 });
    times(2, () => {
      http.detector.onConnected(http.first);
      http.detector.onStatus(http.first, 500);
    });
    expect(http.first.healthy).toBe(false);
    for (const { detector } of [split, tcp, http]) detector.close();
  });

  test("who was out often is forgiven as soon as who reached the longest time", () => {
    const seconds = (count: number) => ({ seconds: BigInt(count), nanos: 0 });
    const { clock, first, detector } = setUp({
      consecutive5xx: 1,
      baseEjectionTime: seconds(10),
      maxEjectionTime: seconds(20),
    });
    for (let i = 0; i < 10; i++) {
      detector.onStatus(first, 500);
      clock.advance(20_000);
      expect(first.healthy).toBe(true);
    }
    // Three steps back, and the time is the shortest again.
    clock.advance(30_000);
    detector.onStatus(first, 500);
    clock.advance(10_000);
    expect(first.healthy).toBe(true);
    detector.close();
  });

  test("a low success rate among many", () => {
    const { clock, hosts, first, detector } = setUp({ consecutive5xx: 1000, maxEjectionPercent: 50 }, 6);
    for (const host of hosts) {
      times(100, () => detector.onStatus(host, 200));
      if (host === first) times(100, () => detector.onStatus(host, 500));
    }
    clock.advance(10_000);
    expect(hosts.filter((host) => !host.healthy)).toEqual([first]);
    detector.close();
  });

  test("a failure percentage", () => {
    const { clock, hosts, first, detector } = setUp(
      {
        consecutive5xx: 1000,
        enforcingSuccessRate: 0,
        enforcingFailurePercentage: 100,
        failurePercentageThreshold: 40,
      },
      6,
    );
    for (const host of hosts) times(60, () => detector.onStatus(host, host === first ? 500 : 200));
    clock.advance(10_000);
    expect(first.healthy).toBe(false);
    detector.close();
  });
});
