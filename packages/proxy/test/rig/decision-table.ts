import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { Decision } from "./decide.ts";

/** One line of a decision table. */
export interface DecisionRow {
  readonly name: string;
  readonly heddle: string;
  readonly envoy: string;
  /** Why both differ. */
  readonly reason: string;
}

/** A decision in one word: the statuses, and whether a hidden request got through. */
export function decisionText(decision: Decision, http2: boolean): string {
  const { answer, smuggled } = decision;
  const text = http2 && !/^\d/.test(answer) && answer !== "other" ? "refused" : answer;
  return smuggled ? `${text}, smuggled` : text;
}

/** Reads the rows of a Markdown table with four columns. */
export function readDecisionTable(path: string): Map<string, DecisionRow> {
  const rows = new Map<string, DecisionRow>();
  if (!existsSync(path)) return rows;
  for (const line of readFileSync(path, "utf8").split("\n")) {
    const cells = line.split("|").map((cell) => cell.trim());
    const [, name = "", heddle = "", envoy = "", reason = ""] = cells;
    if (cells.length !== 6 || name === "case" || name.startsWith("-")) continue;
    rows.set(name, { name, heddle, envoy, reason });
  }
  return rows;
}

export function writeDecisionTable(path: string, title: string, rows: readonly DecisionRow[]): void {
  const lines = rows.map((row) => `| ${row.name} | ${row.heddle} | ${row.envoy} | ${row.reason} |`);
  const differ = rows.filter((row) => row.heddle !== row.envoy).length;
  writeFileSync(
    path,
    `${title}\n\n${rows.length} cases, ${differ} decided otherwise than by Envoy 1.40.0. Rewritten by \`HEDDLE_RECORD=1 bin/bun test packages/proxy/test/desync\`.\n\n| case | Heddle | Envoy | why they differ |\n|---|---|---|---|\n${lines.join("\n")}\n`,
  );
}
