import { readFileSync } from "node:fs";
import { networkPlan } from "../../network/index.ts";
import { ClusterProblem } from "../cluster-problem.ts";
import type { ClusterRecord } from "../cluster-record.ts";
import { type CommandContext, type CommandFlags, durationText } from "./context.ts";

const ANSWER_MS = 3000;

/** A table of the running clusters. */
export async function list(context: CommandContext): Promise<number> {
  const rows = context.registry
    .list()
    .map((record) => [
      record.name,
      record.status,
      record.apiUrl ?? "-",
      ageText(record),
      record.attached === undefined
        ? context.state.cluster(record.name).kubeconfig
        : `its own: attached ${record.attached.netns}`,
    ]);
  if (rows.length === 0) {
    context.err("no cluster is running; heddle local up starts one\n");
    return 0;
  }
  context.out(tableText([["NAME", "STATUS", "API", "AGE", "KUBECONFIG"], ...rows]));
  return 0;
}

/** Where a cluster is, how long its parts took to start, and whether its API answers. */
export async function status(context: CommandContext, flags: CommandFlags): Promise<number> {
  const record = findOrThrow(context, flags.name);
  const files = context.state.cluster(record.name);
  const plan = networkPlan(record.index, record.network);
  const problem = await apiProblem(record);
  const lines = [
    ["name", record.name],
    ["status", record.status === "ready" && problem !== undefined ? `not answering: ${problem}` : record.status],
    ["api", record.apiUrl ?? "-"],
    ["age", ageText(record)],
    ["process", String(record.owner.pid)],
    ["kubeconfig", files.kubeconfig],
    ["logs", files.logs],
    ["node", `${plan.nodeName} ${plan.nodeIp}`],
    ["external", `${plan.externalIp}${plan.flat ? " (flat: pods of other flat clusters are reached directly)" : ""}`],
    ["pods", plan.podCidr],
    ["services", plan.serviceCidr],
    ["start", record.phases.map(({ phase, ms }) => `${phase} ${durationText(ms)}`).join(", ")],
  ];
  context.out(tableText(lines));
  return record.status === "ready" && problem === undefined ? 0 : 1;
}

/** The kubeconfig, or with `--path` where it is. */
export async function kubeconfig(context: CommandContext, flags: CommandFlags): Promise<number> {
  const record = findOrThrow(context, flags.name);
  const path = context.state.cluster(record.name).kubeconfig;
  if (record.status !== "ready")
    throw new ClusterProblem(`cluster "${record.name}" is still starting; try again in a moment`);
  context.out(flags.path ? `${path}\n` : readFileSync(path, "utf8"));
  return 0;
}

function findOrThrow(context: CommandContext, name: string): ClusterRecord {
  const record = context.registry.find(name);
  if (record?.attached !== undefined)
    throw new ClusterProblem(
      `"${name}" is an attached network (${record.attached.netns}) and no cluster of heddle local; heddle local wan shows its line`,
    );
  if (record !== undefined) return record;
  const others = context.registry
    .list()
    .filter(({ attached }) => attached === undefined)
    .map((other) => other.name);
  const hint =
    others.length === 0 ? "heddle local up starts one" : `running: ${others.join(", ")} (choose with --name)`;
  throw new ClusterProblem(`cluster "${name}" is not running; ${hint}`);
}

/** `undefined` when the API answers; it needs no credentials for that. */
async function apiProblem(record: ClusterRecord): Promise<string | undefined> {
  if (record.apiUrl === undefined) return "it has no address yet";
  try {
    const response = await fetch(`${record.apiUrl}/version`, {
      signal: AbortSignal.timeout(ANSWER_MS),
      tls: { rejectUnauthorized: false },
    });
    return response.status < 500 ? undefined : `HTTP ${response.status}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function ageText(record: ClusterRecord): string {
  const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(record.startedAt)) / 1000));
  if (seconds < 120) return `${seconds}s`;
  return seconds < 7200 ? `${Math.floor(seconds / 60)}m` : `${Math.floor(seconds / 3600)}h`;
}

function tableText(rows: readonly (readonly string[])[]): string {
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return rows
    .map((row) => `${row.map((cell, i) => (i === columns - 1 ? cell : cell.padEnd(widths[i] ?? 0))).join("  ")}\n`)
    .join("");
}
