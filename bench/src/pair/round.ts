import { resolve } from "node:path";
import { runChild } from "../measure/child.ts";
import { processUsage } from "../measure/process-usage.ts";
import type { Variant } from "./variant.ts";

/** What one round of one variant gave. */
export interface RoundResult {
  /** Of both proxies together. Units: µs. */
  readonly cpuUsPerRequest: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly requestsPerSecond: number;
  /** Of the larger proxy, at the end of the round. Units: MiB. */
  readonly rssMiB: number;
}

export interface LoadPlan {
  readonly requests: number;
  readonly connections: number;
  readonly cpus: string | undefined;
}

interface LoadReport {
  readonly requests: number;
  readonly errors: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const MIB = 1024 * 1024;

/** Sends a fixed number of requests through a variant. Errors: throws when any request fails: figures of a failing proxy mean nothing. */
export async function runRound(variant: Variant, load: LoadPlan): Promise<RoundResult> {
  const before = variant.proxies.map((proxy) => processUsage(proxy.pid));
  const argv = [
    process.execPath,
    resolve(import.meta.dir, "../load/load-client.ts"),
    String(variant.port),
    String(load.connections),
    String(load.requests),
    "app.bench.svc.cluster.local:8080",
  ];
  const report = parseReport(await runChild({ argv, cpus: load.cpus }));
  if (report.errors > 0) throw new Error(`${variant.name}: ${report.errors} of ${report.requests} requests failed`);
  const after = variant.proxies.map((proxy) => processUsage(proxy.pid));
  let cpuMs = 0;
  for (const [i, usage] of after.entries()) cpuMs += usage.cpuMs - (before[i]?.cpuMs ?? 0);
  return {
    cpuUsPerRequest: (cpuMs * 1000) / load.requests,
    p50Ms: report.p50Ms,
    p99Ms: report.p99Ms,
    requestsPerSecond: report.requests / report.seconds,
    rssMiB: Math.max(0, ...after.map((usage) => usage.rssBytes)) / MIB,
  };
}

function parseReport(text: string): LoadReport {
  return JSON.parse(text.trim().split("\n").at(-1) ?? "{}") as LoadReport;
}
