import { readdirSync } from "node:fs";
import { MIB } from "../compare/load.ts";
import { processUsage } from "../measure/process-usage.ts";
import type { MemorySample } from "./memory-series.ts";

/** What a proxy holds at one moment. */
export interface Holdings {
  readonly rssMiB: number;
  readonly fds: number;
  /** Requests and connections that its own statistics call active. */
  readonly requests: number;
  readonly clients: number;
  readonly timers: number;
}

/** Asks the kernel and the proxy itself. */
export async function holdings(pid: number, adminPort: number): Promise<Holdings> {
  const text = await (await fetch(`http://127.0.0.1:${adminPort}/stats`)).text();
  const sum = (name: RegExp): number =>
    text
      .split("\n")
      .filter((line) => name.test(line))
      .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
  return {
    rssMiB: processUsage(pid).rssBytes / MIB,
    fds: readdirSync(`/proc/${pid}/fd`).length,
    requests: sum(/downstream_rq_active|upstream_rq_active/),
    clients: sum(/downstream_cx_active/),
    timers: sum(/^server\.timers/),
  };
}

/** Least squares through the later two thirds of the samples, where the compiler and the pools are warm. Units: MiB per hour. */
export function growthPerHour(samples: readonly MemorySample[]): number {
  const late = samples.slice(Math.floor(samples.length / 3));
  const n = late.length;
  if (n < 3) return Number.NaN;
  const meanX = late.reduce((sum, { atMs }) => sum + atMs, 0) / n;
  const meanY = late.reduce((sum, { rss }) => sum + rss, 0) / n;
  let xy = 0;
  let xx = 0;
  for (const { atMs, rss } of late) {
    xy += (atMs - meanX) * (rss - meanY);
    xx += (atMs - meanX) ** 2;
  }
  return xx === 0 ? Number.NaN : (xy / xx) * 3_600_000;
}
