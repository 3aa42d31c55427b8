import { resolve } from "node:path";
import { MIB } from "../compare/load.ts";
import { runRounds, type Sample } from "../compare/rounds.ts";
import { type Child, startChild } from "../measure/child.ts";
import { processUsage } from "../measure/process-usage.ts";
import { issuePair, placement, startApp } from "../pair/compare-pairs.ts";
import { startHop, type VariantPlan } from "../pair/variant.ts";
import { type Row, type RowSurroundings, scaled } from "./row.ts";

const READY_MS = 60_000;

/** A fresh proxy each time: what it has once needed it may keep. */
async function measureIdle(around: RowSurroundings, plan: VariantPlan, appPort: number): Promise<Sample> {
  const files = await issuePair(around.folder);
  const cpus = placement();
  const hop = await startHop(plan, "client", {
    folder: around.folder,
    appPort,
    protocol: "http",
    cpus: cpus.proxies,
    ...files,
  });
  const running: Child[] = [...hop.proxies];
  try {
    const proxy = hop.proxies[0];
    if (proxy === undefined) throw new Error("a hop without its proxy");
    const startedRss = processUsage(proxy.pid).rssBytes;
    const client = startChild({
      argv: [
        process.execPath,
        resolve(import.meta.dir, "../load/idle-client.ts"),
        String(hop.port),
        String(scaled(around, 10_000, 100)),
      ],
      cpus: cpus.load,
    });
    running.push(client);
    await client.printed("ready", READY_MS);
    return { rssMiB: processUsage(proxy.pid).rssBytes / MIB, startedRssMiB: startedRss / MIB };
  } finally {
    await Promise.all(running.map((child) => child.stop()));
  }
}

export const idleConnections: Row = {
  name: "idle",
  about: "memory of one proxy with 10,000 idle connections, plain HTTP/1.1",
  targets: [{ text: "RSS ≤ Envoy", against: "envoy", figure: "rssMiB", atMost: 1 }],
  run: async (around) => {
    const appPort = await startApp(around, 1024);
    return runRounds(
      around.plans.map((plan) => ({ name: plan.name, measure: () => measureIdle(around, plan, appPort) })),
      Math.min(3, around.rounds),
      around.progress,
    );
  },
};
