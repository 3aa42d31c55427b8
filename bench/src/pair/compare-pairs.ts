import { availableParallelism, cpus } from "node:os";
import { resolve } from "node:path";
import { freePort } from "@heddle/std/free-ports";
import { type LoadPlan, type LoadTarget, measureLoad, sendLoad } from "../compare/load.ts";
import { type Comparison, runRounds } from "../compare/rounds.ts";
import { startChild, waitForPort } from "../measure/child.ts";
import type { Stage } from "../measure/command.ts";
import { BENCH_NAMESPACE, issueWorkloads, type WorkloadFiles } from "./certificates.ts";
import type { PairOptions } from "./options.ts";
import { envoyPlan, heddlePlan, NO_ENVOY } from "./plans.ts";
import { type PairProof, provePair, readCounts } from "./proof.ts";
import { startPair, type Variant, type VariantPlan } from "./variant.ts";

/** Everything that is printed; `--json` prints exactly this. */
export interface PairReport extends Comparison {
  readonly benchmark: "pair";
  readonly date: string;
  readonly machine: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly settings: Readonly<Record<string, string | number>>;
  readonly proofs: Readonly<Record<string, PairProof>>;
  /** From the start of both proxies of a pair until both listened, once. Units: ms. */
  readonly startMs: Readonly<Record<string, number>>;
}

/** What a comparison shares with the command that runs it. */
export interface BenchSurroundings extends Stage {
  progress(line: string): void;
}

/** With two or more processors the proxies have one for themselves, and load and application another. */
export function placement(): { readonly proxies: string | undefined; readonly load: string | undefined } {
  const many = availableParallelism() >= 2;
  return { proxies: many ? "0" : undefined, load: many ? "1" : undefined };
}

export function machineClass(): string {
  return `${availableParallelism()} × ${cpus()[0]?.model ?? "unknown processor"}`;
}

/** Starts the application that all variants lead to. */
export async function startApp(around: BenchSurroundings, bodyBytes: number): Promise<number> {
  const port = freePort();
  const app = startChild({
    argv: [process.execPath, resolve(import.meta.dir, "../load/app.ts"), String(port), String(bodyBytes)],
    cpus: placement().load,
  });
  around.children.push(app);
  await waitForPort(port, app);
  return port;
}

/** Certificates of both ends. */
export async function issuePair(folder: string): Promise<{ client: WorkloadFiles; server: WorkloadFiles }> {
  const workloads = await issueWorkloads(folder, ["client", "server"]);
  const client = workloads.get("client");
  const server = workloads.get("server");
  if (client === undefined || server === undefined) throw new Error(`no certificates for ${BENCH_NAMESPACE}`);
  return { client, server };
}

/** Runs the comparison. Errors: throws when a proxy can't start, a request fails, or traffic was not what it should be. */
export async function comparePairs(options: PairOptions, around: BenchSurroundings): Promise<PairReport> {
  const { progress } = around;
  const cpusOf = placement();
  const appPort = await startApp(around, options.bodyBytes);
  const workloads = await issuePair(around.folder);
  const grpc = options.protocol === "grpc";
  const surroundings = {
    folder: around.folder,
    appPort,
    protocol: "http" as const,
    between: grpc ? "h2" : options.between,
    appHttp2: grpc,
    cpus: cpusOf.proxies,
    ...workloads,
  } as const;

  const versions: Record<string, string> = { bun: Bun.version };
  const pairs: { readonly plan: VariantPlan; readonly variant: Variant; sent: number }[] = [];
  for (const plan of chosenPlans(options, versions, progress)) {
    const variant = await startPair(plan, surroundings);
    around.children.push(...variant.proxies);
    pairs.push({ plan, variant, sent: 0 });
  }

  const load: LoadPlan = {
    protocol: options.protocol,
    requests: options.requests,
    concurrency: options.connections,
    cpus: cpusOf.load,
  };
  const proofs: Record<string, PairProof> = {};
  for (const pair of pairs) {
    if (!grpc) {
      await provePair(pair.variant, workloads.client);
      pair.sent++;
    }
    progress(`warming up ${pair.variant.name}: ${options.warmup} requests`);
    await sendLoad(pair.variant, { ...load, requests: options.warmup });
    pair.sent += options.warmup;
  }
  const contestants = pairs.map((pair) => ({
    name: pair.variant.name,
    measure: () => {
      pair.sent += options.requests;
      return measureLoad(pair.variant, load);
    },
  }));
  if (options.only.includes("direct")) {
    const direct: LoadTarget = { name: "direct", port: appPort, proxies: [] };
    contestants.push({ name: "direct", measure: () => measureLoad(direct, load) });
  }
  const comparison = await runRounds(contestants, options.rounds, progress);
  for (const { plan, variant, sent } of pairs) {
    const counts = await readCounts(variant, plan.istioStats);
    for (const counted of [...counts.counted, ...(counts.standardCounted ?? [])]) {
      if (counted !== sent)
        throw new Error(
          `${variant.name}: ${sent} requests were sent, the proxies counted ${JSON.stringify(counts)}; did something else use their ports?`,
        );
    }
    proofs[variant.name] = { clientIdentitySeen: !grpc, plainTextRefused: !grpc, ...counts };
  }
  return {
    benchmark: "pair",
    date: new Date().toISOString(),
    machine: machineClass(),
    versions,
    settings: {
      protocol: options.protocol,
      between: surroundings.between,
      rounds: options.rounds,
      requests: options.requests,
      concurrency: options.connections,
      bodyBytes: options.bodyBytes,
    },
    proofs,
    startMs: Object.fromEntries(pairs.map(({ variant }) => [variant.name, Math.round(variant.startMs)])),
    ...comparison,
  };
}

function chosenPlans(
  options: PairOptions,
  versions: Record<string, string>,
  progress: (line: string) => void,
): VariantPlan[] {
  const plans: VariantPlan[] = [];
  if (options.only.includes("heddle")) plans.push(heddlePlan("heddle", undefined, options.profile));
  if (options.base !== undefined) plans.push(heddlePlan("base", resolve(options.base)));
  if (!options.only.includes("envoy")) return plans;
  const envoy = envoyPlan(process.env);
  if (envoy === undefined) {
    progress(NO_ENVOY);
    return plans;
  }
  versions["envoy"] = envoy.version;
  plans.push(envoy.plan);
  return plans;
}
