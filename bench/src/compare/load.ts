import { resolve } from "node:path";
import { type LoadReport, readLoadReport } from "../load/latencies.ts";
import { type Child, runChild } from "../measure/child.ts";
import { processUsage } from "../measure/process-usage.ts";
import type { WorkloadFiles } from "../pair/certificates.ts";
import type { Sample } from "./rounds.ts";

/** Requests that a load client sends. */
export interface LoadPlan {
  readonly protocol: "http1" | "grpc";
  readonly requests: number;
  /** Keep-alive connections of HTTP/1.1, concurrent streams of gRPC. */
  readonly concurrency: number;
  /** Requests per second; undefined: the next one follows each answer. */
  readonly rate?: number;
  /** Processors for the load client. */
  readonly cpus: string | undefined;
  /** The client's certificate, for HTTP/1.1 over mTLS. Default: plain text. */
  readonly tls?: WorkloadFiles;
}

/** Where requests go, and whose use is counted. */
export interface LoadTarget {
  readonly name: string;
  readonly port: number;
  /** The proxies; none without a proxy. */
  readonly proxies: readonly Child[];
}

export const AUTHORITY = "app.bench.svc.cluster.local:8080";
export const MIB = 1024 * 1024;

const CLIENTS = { http1: "http1-client.ts", grpc: "grpc-client.ts" };

/** Sends a fixed number of requests. Errors: throws when any of them fails: figures of a failing proxy mean nothing. */
export async function sendLoad(target: LoadTarget, plan: LoadPlan): Promise<LoadReport> {
  const argv = [
    process.execPath,
    resolve(import.meta.dir, "../load", CLIENTS[plan.protocol]),
    String(target.port),
    String(plan.concurrency),
    String(plan.requests),
    AUTHORITY,
    ...(plan.rate === undefined && plan.tls === undefined ? [] : [String(plan.rate ?? 0)]),
    ...(plan.tls === undefined ? [] : [plan.tls.chain, plan.tls.key, plan.tls.root]),
  ];
  const report = readLoadReport(await runChild({ argv, cpus: plan.cpus }));
  if (report.errors > 0) throw new Error(`${target.name}: ${report.errors} of ${report.requests} requests failed`);
  return report;
}

/** Sends the load, and says what it cost the proxies. */
export async function measureLoad(target: LoadTarget, plan: LoadPlan): Promise<Sample> {
  const before = target.proxies.map((proxy) => processUsage(proxy.pid));
  const report = await sendLoad(target, plan);
  const latencies = { p50Ms: report.p50Ms, p99Ms: report.p99Ms, requestsPerSecond: report.requests / report.seconds };
  if (target.proxies.length === 0) return latencies;
  const after = target.proxies.map((proxy) => processUsage(proxy.pid));
  let cpuMs = 0;
  for (const [i, usage] of after.entries()) cpuMs += usage.cpuMs - (before[i]?.cpuMs ?? 0);
  return {
    cpuUsPerRequest: (cpuMs * 1000) / plan.requests,
    ...latencies,
    // Of the larger proxy, at the end of the round.
    rssMiB: Math.max(...after.map((usage) => usage.rssBytes)) / MIB,
  };
}
