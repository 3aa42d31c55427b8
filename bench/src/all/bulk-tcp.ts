import { resolve } from "node:path";
import { freePort } from "@heddle/std/free-ports";
import { MIB } from "../compare/load.ts";
import { runRounds, type Sample } from "../compare/rounds.ts";
import { runChild, startChild, waitForPort } from "../measure/child.ts";
import { processUsage } from "../measure/process-usage.ts";
import { issuePair, placement } from "../pair/compare-pairs.ts";
import { startPair, type Variant } from "../pair/variant.ts";
import { type Row, scaled } from "./row.ts";

async function sendBytes(variant: Variant, bytes: number): Promise<Sample> {
  const before = variant.proxies.map((proxy) => processUsage(proxy.pid).cpuMs);
  const argv = [
    process.execPath,
    resolve(import.meta.dir, "../load/byte-client.ts"),
    String(variant.port),
    String(bytes),
  ];
  const { seconds } = JSON.parse(await runChild({ argv, cpus: placement().load })) as { seconds: number };
  const after = variant.proxies.map((proxy) => processUsage(proxy.pid));
  let cpuMs = 0;
  for (const [i, usage] of after.entries()) cpuMs += usage.cpuMs - (before[i] ?? 0);
  return {
    mibPerCpuSecond: bytes / MIB / (cpuMs / 1000),
    mibPerSecond: bytes / MIB / seconds,
    rssMiB: Math.max(...after.map((usage) => usage.rssBytes)) / MIB,
  };
}

export const bulkTcp: Row = {
  name: "tcp",
  about: "sidecar pair, TCP with mTLS, 1 GiB one way",
  targets: [{ text: "bytes per CPU second ≥ Envoy", against: "envoy", figure: "mibPerCpuSecond", atLeast: 1 }],
  run: async (around) => {
    const cpus = placement();
    const appPort = freePort();
    const sink = startChild({
      argv: [process.execPath, resolve(import.meta.dir, "../load/byte-sink.ts"), String(appPort)],
      cpus: cpus.load,
    });
    around.children.push(sink);
    await waitForPort(appPort, sink);
    const files = await issuePair(around.folder);
    const surroundings = { folder: around.folder, appPort, protocol: "tcp", between: "h1", appHttp2: false } as const;
    const variants: Variant[] = [];
    for (const plan of around.plans) {
      const variant = await startPair(plan, { ...surroundings, cpus: cpus.proxies, ...files });
      around.children.push(...variant.proxies);
      variants.push(variant);
    }
    const bytes = scaled(around, 1024 * MIB, 16 * MIB);
    for (const variant of variants) await sendBytes(variant, Math.ceil(bytes / 8));
    return runRounds(
      variants.map((variant) => ({ name: variant.name, measure: () => sendBytes(variant, bytes) })),
      around.rounds,
      around.progress,
    );
  },
};
