import { createLineSink, createLogger, createSystemClock } from "@heddle/std";
import manifest from "../package.json" with { type: "json" };
import { startDiscovery } from "./discovery.ts";
import { readOptions, usage } from "./options.ts";

/** Runs the control plane (`heddle discovery`) until SIGTERM or SIGINT. Returns the exit code. */
export async function main(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  if (argv.includes("--help") || argv.includes("-h")) {
    process.stdout.write(usage);
    return 0;
  }
  const options = readOptions(argv, env);
  if (!options.ok) {
    for (const problem of options.error) process.stderr.write(`heddle discovery: ${problem}\n`);
    return 2;
  }
  const clock = createSystemClock();
  const log = createLogger({
    clock,
    level: options.value.logLevel,
    sink: createLineSink(options.value.logJson ? "json" : "text", (line) => process.stderr.write(line)),
  });
  const stopped = new Promise<string>((resolve) => {
    process.once("SIGTERM", () => resolve("SIGTERM"));
    process.once("SIGINT", () => resolve("SIGINT"));
  });
  const starting = startDiscovery(options.value, { clock, random: Math.random, log, env, version: manifest.version });
  // A signal during the start ends it too.
  const first = await Promise.race([
    starting.then(
      (running) => ({ kind: "running", running }) as const,
      (error: unknown) => ({ kind: "failed", error }) as const,
    ),
    stopped.then(() => ({ kind: "stopped" }) as const),
  ]);
  if (first.kind === "failed") {
    log.error(first.error instanceof Error ? first.error.message : String(first.error));
    return 1;
  }
  if (first.kind === "stopped") return 0;
  const signal = await stopped;
  log.info("ending", { signal });
  await first.running.close();
  return 0;
}
