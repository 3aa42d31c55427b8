import { resolve } from "node:path";
import type { LoadTarget } from "../compare/load.ts";
import { runRounds, type Sample } from "../compare/rounds.ts";
import { runChild } from "../measure/child.ts";
import { processUsage } from "../measure/process-usage.ts";
import type { WorkloadFiles } from "../pair/certificates.ts";
import { issuePair, placement, startApp } from "../pair/compare-pairs.ts";
import { startHop } from "../pair/variant.ts";
import { type Row, scaled } from "./row.ts";

const LANES = 8;

async function shakeHands(hop: LoadTarget, client: WorkloadFiles, count: number, resume: boolean): Promise<Sample> {
  const pid = hop.proxies[0]?.pid ?? 0;
  const before = processUsage(pid).cpuMs;
  const argv = [
    process.execPath,
    resolve(import.meta.dir, "../load/handshake-client.ts"),
    ...[hop.port, count, LANES].map(String),
    ...[client.chain, client.key, client.root],
    resume ? "1" : "0",
  ];
  const { resumed } = JSON.parse(await runChild({ argv, cpus: placement().load })) as { resumed: number };
  const cpuMs = processUsage(pid).cpuMs - before;
  return { connectionsPerCpuSecond: count / (cpuMs / 1000), resumedShare: resumed / count };
}

function handshakes(name: string, about: string, resume: boolean): Row {
  return {
    name,
    about,
    targets: [
      { text: "connections per CPU second ≥ Envoy", against: "envoy", figure: "connectionsPerCpuSecond", atLeast: 1 },
    ],
    run: async (around) => {
      const appPort = await startApp(around, 1024);
      const files = await issuePair(around.folder);
      const hops: LoadTarget[] = [];
      for (const plan of around.plans) {
        const hop = await startHop(plan, "server", {
          folder: around.folder,
          appPort,
          protocol: "http",
          cpus: placement().proxies,
          ...files,
        });
        around.children.push(...hop.proxies);
        hops.push(hop);
      }
      const count = scaled(around, 6000, 40);
      // Twice a round, as with the requests of the pair.
      for (const hop of hops) await shakeHands(hop, files.client, 2 * count, resume);
      return runRounds(
        hops.map((hop) => ({ name: hop.name, measure: () => shakeHands(hop, files.client, count, resume) })),
        around.rounds,
        around.progress,
      );
    },
  };
}

export const fullHandshakes = handshakes("handshakes", "new mTLS connections with one request each", false);
export const resumedHandshakes = handshakes("resumption", "the same, offering the session of the last one", true);
