import { expect, test } from "bun:test";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createLogger, createManualClock } from "@heddle/std";
import { createScope } from "../config/scope.ts";
import { decodeStats } from "../config/stats-config.ts";
import { counter, type EnvoyStat } from "./stats/stat.ts";
import { startStatsFlush } from "./stats-flush.ts";

test("reports that come after the end are sent nowhere", async () => {
  const server = createSocket("udp4");
  server.bind(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  const clock = createManualClock();
  const reports: ((stats: readonly EnvoyStat[]) => void)[] = [];
  const flushing = await startStatsFlush({
    sinks: [
      {
        kind: "statsd",
        to: { kind: "udp", address: { ip: "127.0.0.1", port } },
        prefix: "p",
        dog: false,
        datagramBytes: 0,
      },
    ],
    settings: decodeStats(undefined, createScope()),
    intervalMs: 1000,
    clock,
    log: createLogger({ clock, level: "error", scope: "test", sink: () => undefined }),
    stats: () => new Promise((resolve) => void reports.push(resolve)),
    includes: () => true,
    node: { id: "n", cluster: "c", metadata: {} },
    version: "1",
    bounds: () => [],
    env: () => undefined,
    clusterOf: () => undefined,
  });
  clock.advance(1000);
  const arrived = once(server, "message");
  reports[0]?.([counter("a", 1)]);
  expect(String((await arrived)[0])).toBe("p.a:1|c");
  clock.advance(1000);
  flushing.close();
  // A closed socket throws, which would end the process.
  reports[1]?.([counter("a", 2)]);
  await Promise.resolve();
  expect(reports.length).toBe(2);
  server.close();
});

test("a cluster that is missing loses its lines, and the log says so once", async () => {
  const clock = createManualClock();
  const lines: string[] = [];
  const flushing = await startStatsFlush({
    sinks: [{ kind: "statsd", to: { kind: "tcp", cluster: "statsd" }, prefix: "p", dog: false, datagramBytes: 0 }],
    settings: decodeStats(undefined, createScope()),
    intervalMs: undefined,
    clock,
    log: createLogger({ clock, level: "warn", scope: "test", sink: (line) => void lines.push(JSON.stringify(line)) }),
    stats: async () => [counter("a", 1)],
    includes: () => true,
    node: { id: "n", cluster: "c", metadata: {} },
    version: "1",
    bounds: () => [],
    env: () => undefined,
    clusterOf: () => undefined,
  });
  clock.advance(60_000);
  expect(lines.length).toBe(0);
  for (let i = 0; i < 3; i++) await flushing.flush();
  flushing.close();
  expect(lines.length).toBe(1);
  expect(lines[0]).toContain("there is no such cluster");
});
