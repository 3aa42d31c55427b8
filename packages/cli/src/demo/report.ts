import type { EdgeRow, StatRow } from "@heddle/viz";
import { edgesTable } from "../viz/edges-table.ts";
import { statTable } from "../viz/stat-table.ts";

export interface DemoReport {
  readonly seconds: number;
  readonly phases: readonly { readonly name: string; readonly ms: number }[];
  readonly stat: readonly StatRow[];
  readonly edges: readonly EdgeRow[];
  readonly urls: Readonly<Record<string, string>>;
}

/** The picture that a person gets: figures per deployment, who calls whom, and where to look. */
export function renderReport(report: DemoReport): string {
  const urls = Object.entries(report.urls).map(([name, url]) => `  ${name.padEnd(12)} ${url}`);
  const failing = report.stat
    .filter((r) => r.success !== null && r.success < 0.99)
    .sort((a, b) => (a.success ?? 1) - (b.success ?? 1))[0];
  const hint = failing
    ? `\nLowest success rate: ${failing.name} (${((failing.success ?? 0) * 100).toFixed(1)} %): the failure starts there.\n`
    : "";
  return `${statTable(report.stat, { allNamespaces: false, wide: false })}\n${edgesTable(report.edges, false)}${hint}\n${urls.join("\n")}\n`;
}

/** One object on one line: what `--once --json` prints last. */
export function reportJson(report: DemoReport): string {
  return `${JSON.stringify(report)}\n`;
}
