import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { formatComparison } from "../compare/format.ts";
import type { Comparison } from "../compare/rounds.ts";
import { benchCommand, onStage } from "../measure/command.ts";
import { machineClass } from "../pair/compare-pairs.ts";
import { envoyPlan, heddlePlan, NO_ENVOY } from "../pair/plans.ts";
import type { VariantPlan } from "../pair/variant.ts";
import { bulkTcp } from "./bulk-tcp.ts";
import { fullHandshakes, resumedHandshakes } from "./handshakes.ts";
import { idleConnections } from "./idle-connections.ts";
import { grpcPair, http1Pair } from "./pairs.ts";
import { NO_LINKERD, providePeers } from "./peers.ts";
import type { Row, RowSurroundings } from "./row.ts";
import { fixedRate, singleHop, tlsHop } from "./single-hop.ts";
import { telemetryRow } from "./telemetry.ts";
import { type Verdict, verdicts } from "./verdict.ts";
import { workersRow } from "./workers.ts";

const ROWS: readonly Row[] = [
  http1Pair,
  grpcPair,
  singleHop,
  tlsHop,
  bulkTcp,
  idleConnections,
  fixedRate,
  fullHandshakes,
  resumedHandshakes,
  workersRow,
  telemetryRow,
];

const HELP = `Usage: npm run bench -- all [options]

The whole table of docs/performance.md: our proxy against Envoy, nginx and haproxy, in turn within one run.

  --rounds N     rounds of each row                       (default 5)
  --scale X      share of the full number of requests     (default 1)
  --rows a,b     of ${ROWS.map((row) => row.name).join(", ")}
  --base FOLDER  another clone of Heddle, before a change, to compare with
  --json         the result as one JSON object on the last line
`;

/** `npm run bench -- all`. */
export const runAll = benchCommand({ name: "all", help: HELP, readOptions, run });

async function run(options: AllOptions): Promise<number> {
  const versions: Record<string, string> = { bun: Bun.version };
  const plans: VariantPlan[] = [heddlePlan("heddle")];
  if (options.base !== undefined) plans.push(heddlePlan("base", resolve(options.base)));
  const envoy = envoyPlan(process.env);
  if (envoy === undefined) console.log(NO_ENVOY);
  else {
    versions["envoy"] = envoy.version;
    plans.push(envoy.plan);
  }
  const peers = providePeers((line) => console.log(line));
  for (const { peer, version } of peers) versions[peer.name] = version;
  if (options.rows.includes(http1Pair.name)) console.log(NO_LINKERD);
  const facts = { date: new Date().toISOString(), machine: machineClass(), versions };
  console.log(`${facts.date}  ${facts.machine}  ${JSON.stringify(versions)}`);
  const rows: Record<string, Comparison & { readonly verdicts: readonly Verdict[] }> = {};
  let failed = false;
  for (const row of ROWS) {
    if (!options.rows.includes(row.name)) continue;
    console.log(`\n${row.name}: ${row.about}`);
    const comparison = await runRow(row, { rounds: options.rounds, scale: options.scale, plans, peers });
    if (comparison === undefined) {
      failed = true;
      continue;
    }
    const judged = verdicts(row.targets, comparison);
    console.log(formatComparison(comparison));
    for (const verdict of judged) console.log(`${verdict.outcome}: ${verdict.text}`);
    rows[row.name] = { variants: comparison.variants, ratios: comparison.ratios, verdicts: judged };
  }
  if (options.json) console.log(JSON.stringify({ benchmark: "all", ...facts, rows }));
  return failed ? 1 : 0;
}

/** Runs a row with processes and files of its own; undefined when it failed, which is said. */
async function runRow(
  row: Row,
  settings: Pick<RowSurroundings, "rounds" | "scale" | "plans" | "peers">,
): Promise<Comparison | undefined> {
  try {
    return await onStage((stage) => row.run({ ...settings, ...stage, progress: (line) => console.error(line) }));
  } catch (error) {
    console.log(`failed: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

interface AllOptions {
  readonly rounds: number;
  readonly scale: number;
  readonly rows: readonly string[];
  readonly base: string | undefined;
  readonly json: boolean;
  readonly help: boolean;
}

function readOptions(argv: readonly string[]): AllOptions | string {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      rounds: { type: "string", default: "5" },
      scale: { type: "string", default: "1" },
      base: { type: "string" },
      rows: { type: "string", default: ROWS.map((row) => row.name).join(",") },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (!/^[1-9]\d*$/.test(values.rounds)) return `--rounds must be a whole number above 0, not "${values.rounds}"`;
  const scale = Number(values.scale);
  if (!(scale > 0)) return `--scale must be a number above 0, not "${values.scale}"`;
  const rows = values.rows.split(",");
  const unknown = rows.find((name) => !ROWS.some((row) => row.name === name));
  if (unknown !== undefined) return `--rows: there is no row "${unknown}"`;
  return { rounds: Number(values.rounds), scale, rows, base: values.base, json: values.json, help: values.help };
}
