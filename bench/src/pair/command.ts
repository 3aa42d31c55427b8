import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatComparison } from "../compare/format.ts";
import type { Child } from "../measure/child.ts";
import { comparePairs, type PairReport } from "./compare-pairs.ts";
import { PAIR_HELP, readPairOptions } from "./options.ts";

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
    const report = await comparePairs(options, { folder, children, progress: (line) => console.error(line) });
    console.log(formatPairReport(report));
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

/** The report for people. */
export function formatPairReport(report: PairReport): string {
  const facts = Object.entries({ ...report.versions, ...report.settings }).map(([name, value]) => `${name} ${value}`);
  const starts = Object.entries(report.startMs).map(([name, ms]) => `${name} ${ms} ms`);
  return [
    `${report.date}  ${report.machine}`,
    facts.join(", "),
    `start of both proxies: ${starts.join(", ")}`,
    "",
    formatComparison(report),
  ].join("\n");
}
