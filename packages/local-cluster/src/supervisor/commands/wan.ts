import {
  type LinkSettings,
  linkFiles,
  linkTo,
  readLinkState,
  readWanSettings,
  type WanSettings,
  writeLinkFile,
} from "../../wan/index.ts";
import { ClusterProblem } from "../cluster-problem.ts";
import type { ClusterRecord } from "../cluster-record.ts";
import type { CommandContext, CommandFlags } from "./context.ts";

/** A link looks at its settings five times a second. Units: ms. */
const TAKEN_MS = 3000;
const POLL_MS = 20;

/** Changes how clusters reach each other, or just shows it. */
export async function wan(context: CommandContext, flags: CommandFlags): Promise<number> {
  const records = context.registry.list();
  if (records.length === 0)
    throw new ClusterProblem("no cluster is running; heddle local up --name cluster1 starts one");
  const changes = Object.keys(flags.link).length > 0;
  if (changes) await change(context, records, flags);
  else if (flags.between !== undefined)
    throw new ClusterProblem("--between needs what to change: --delay, --loss, --cut or --restore");
  show(context, records);
  return 0;
}

async function change(context: CommandContext, records: readonly ClusterRecord[], flags: CommandFlags): Promise<void> {
  const { between, link } = flags;
  for (const name of between ?? []) {
    if (!records.some((record) => record.name === name))
      throw new ClusterProblem(
        `--between: cluster "${name}" is not running; running: ${records.map((r) => r.name).join(", ")}`,
      );
  }
  const waits: Promise<void>[] = [];
  for (const { name } of records) {
    const other = between === undefined ? undefined : between[0] === name ? between[1] : between[0];
    if (between !== undefined && !between.includes(name)) continue;
    const files = linkFiles(context.state.cluster(name).directory);
    const old = readWanSettings(files.settings);
    const next = changed(old, link, other);
    writeLinkFile(files.settings, next);
    waits.push(taken(name, files.state, next));
  }
  await Promise.all(waits);
}

/** A change of all links overrules what was said about one pair. */
function changed(old: WanSettings, link: Partial<LinkSettings>, other: string | undefined): WanSettings {
  if (other === undefined) return { all: { ...old.all, ...link }, to: {} };
  return { all: old.all, to: { ...old.to, [other]: { ...linkTo(old, other), ...link } } };
}

async function taken(name: string, stateFile: string, wanted: WanSettings): Promise<void> {
  const deadline = performance.now() + TAKEN_MS;
  for (;;) {
    const state = readLinkState(stateFile);
    if (state?.problem !== undefined)
      throw new ClusterProblem(`cluster "${name}" has no link to others: ${state.problem}`);
    if (JSON.stringify(state?.settings) === JSON.stringify(wanted)) return;
    if (performance.now() > deadline)
      throw new ClusterProblem(
        `the link of cluster "${name}" does not answer; heddle local status --name ${name} says how it is`,
      );
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function show(context: CommandContext, records: readonly ClusterRecord[]): void {
  const rows: string[][] = [["FROM", "TO", "STATE", "DELAY", "LOSS", "SENT", "LOST"]];
  const alone: string[] = [];
  for (const { name } of records) {
    const state = readLinkState(linkFiles(context.state.cluster(name).directory).state);
    if (state?.problem !== undefined) {
      rows.push([name, "-", "no link", "-", "-", "-", "-"]);
      context.err(`‼ cluster "${name}" has no link to others: ${state.problem}\n`);
      continue;
    }
    const others = records.filter((record) => record.name !== name);
    if (others.length === 0) alone.push(name);
    for (const other of others) {
      const link = linkTo(state?.settings ?? readWanSettings(""), other.name);
      const counters = state?.peers[other.name];
      rows.push([
        name,
        other.name,
        link.cut ? "cut" : "up",
        `${link.delayMs} ms`,
        `${Number((link.loss * 100).toFixed(3))} %`,
        String(counters?.sent ?? 0),
        String(counters?.lost ?? 0),
      ]);
    }
  }
  if (alone.length > 0) {
    context.err(`cluster "${alone.join()}" is alone; heddle local up --name OTHER starts another beside it\n`);
    return;
  }
  const widths = rows[0]?.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0))) ?? [];
  context.out(
    rows
      .map(
        (row) =>
          `${row
            .map((cell, i) => cell.padEnd(widths[i] ?? 0))
            .join("  ")
            .trimEnd()}\n`,
      )
      .join(""),
  );
}
