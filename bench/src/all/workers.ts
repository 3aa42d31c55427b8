import { readdirSync, readFileSync } from "node:fs";
import { type LoadPlan, type LoadTarget, measureLoad, sendLoad } from "../compare/load.ts";
import { runRounds, type Sample } from "../compare/rounds.ts";
import type { Child } from "../measure/child.ts";
import { processUsage } from "../measure/process-usage.ts";
import { issuePair, startApp } from "../pair/compare-pairs.ts";
import { heddlePlan } from "../pair/plans.ts";
import { startHop, type VariantPlan } from "../pair/variant.ts";
import { type Row, scaled } from "./row.ts";

const READY_MS = 15_000;

function planOf(name: string, workers: number): VariantPlan {
  const plan = heddlePlan("heddle");
  return {
    ...plan,
    name,
    command: (path) => [...plan.command(path), "--concurrency", String(workers)],
  };
}

/** A hop with its other processes, once all of them listen. */
async function withWorkers(hop: LoadTarget, workers: number): Promise<LoadTarget> {
  const [first] = hop.proxies;
  if (first === undefined) return hop;
  const giveUpAt = performance.now() + READY_MS;
  while (listeners(hop.port) < workers) {
    if (performance.now() > giveUpAt)
      throw new Error(`${hop.name}: not all ${workers} workers listen after ${READY_MS} ms`);
    await Bun.sleep(50);
  }
  const others = childrenOf(first.pid).map((pid): Child => ({ ...first, pid, stop: () => Promise.resolve() }));
  return { ...hop, proxies: [first, ...others] };
}

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8")
      .split(" ")
      .filter((text) => text !== "")
      .map(Number),
  );
}

/** Source: `/proc/net/tcp`, state 0A. */
function listeners(port: number): number {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  const pattern = new RegExp(`^ *\\d+: [0-9A-F]{8}:${hex} [0-9A-F:]+ 0A `);
  return readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .filter((line) => pattern.test(line)).length;
}

/** The cost for each request, and the share of the busiest process: 1 ÷ workers is ideal. */
async function measure(hop: LoadTarget, load: LoadPlan): Promise<Sample> {
  const before = hop.proxies.map((proxy) => processUsage(proxy.pid).cpuMs);
  const sample = await measureLoad(hop, load);
  const used = hop.proxies.map((proxy, i) => processUsage(proxy.pid).cpuMs - (before[i] ?? 0));
  const sum = used.reduce((a, b) => a + b, 0);
  return { ...sample, busiestShare: Math.max(...used) / sum };
}

export const workersRow: Row = {
  name: "workers",
  about:
    "two workers against one, plain HTTP/1.1, 64 connections: the cost for each request must stay, the work be shared",
  targets: [
    { text: "CPU per request of two workers ≤ 1.15 of one", against: "one", figure: "cpuUsPerRequest", atMost: 1.15 },
    { text: "share of the busiest of two ≤ 0.65 of all", against: "one", figure: "busiestShare", atMost: 0.65 },
  ],
  run: async (around) => {
    const appPort = await startApp(around, 1024);
    const files = await issuePair(around.folder);
    const hops: LoadTarget[] = [];
    for (const [name, count] of [
      ["one", 1],
      ["heddle", 2],
    ] as const) {
      const hop = await startHop(planOf(name, count), "client", {
        folder: around.folder,
        appPort,
        protocol: "http",
        cpus: undefined,
        ...files,
      });
      around.children.push(...hop.proxies);
      hops.push(await withWorkers(hop, count));
    }
    const load: LoadPlan = {
      protocol: "http1",
      requests: scaled(around, 60_000, 500),
      concurrency: 64,
      cpus: undefined,
    };
    for (const hop of hops) await sendLoad(hop, { ...load, requests: scaled(around, 100_000, 500) });
    return runRounds(
      hops.map((hop) => ({ name: hop.name, measure: () => measure(hop, load) })),
      around.rounds,
      around.progress,
    );
  },
};
