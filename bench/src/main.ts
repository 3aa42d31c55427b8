import { runAll } from "./all/command.ts";
import { runControlPlane } from "./control-plane/command.ts";
import { runPair } from "./pair/command.ts";
import { provideEnvoy } from "./pair/find-envoy.ts";
import { runSoak } from "./soak/command.ts";

const COMMANDS = {
  pair: { run: runPair, about: "a sidecar pair with mTLS: ours, real Envoy, and no proxy" },
  all: { run: runAll, about: "the whole table: pairs, one hop, TCP, idle connections, fixed rate, handshakes" },
  "control-plane": { run: runControlPlane, about: "the control plane under simulated proxies, beside the real istiod" },
  soak: { run: runSoak, about: "a pair at a fixed rate for a long time: no wrong answer, nothing left" },
} satisfies Record<string, { run: (argv: readonly string[]) => Promise<number>; about: string }>;

async function main(argv: readonly string[]): Promise<number> {
  const [name = "", ...rest] = argv;
  const command = Object.entries(COMMANDS).find(([known]) => known === name)?.[1];
  if (command !== undefined) {
    if (name === "pair" || name === "all") await provideEnvoy(process.env);
    return command.run(rest);
  }
  console.error("Usage: npm run bench -- <name> [options]; names:");
  for (const [known, { about }] of Object.entries(COMMANDS)) console.error(`  ${known.padEnd(13)}  ${about}`);
  return 2;
}

process.exitCode = await main(process.argv.slice(2));
