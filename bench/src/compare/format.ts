import { formatSpread } from "../measure/spread.ts";
import type { Comparison } from "./rounds.ts";

/** How figures are headed and rounded. */
const COLUMNS: Readonly<Record<string, { readonly heading: string; readonly digits: number }>> = {
  cpuUsPerRequest: { heading: "CPU µs/request", digits: 1 },
  p50Ms: { heading: "p50 ms", digits: 2 },
  p99Ms: { heading: "p99 ms", digits: 2 },
  requestsPerSecond: { heading: "requests/s", digits: 0 },
  mibPerCpuSecond: { heading: "MiB/CPU second", digits: 0 },
  mibPerSecond: { heading: "MiB/s", digits: 0 },
  connectionsPerCpuSecond: { heading: "connections/CPU s", digits: 0 },
  resumedShare: { heading: "share resumed", digits: 2 },
  startedRssMiB: { heading: "RSS MiB when started", digits: 1 },
  busiestShare: { heading: "share of the busiest", digits: 2 },
  rssMiB: { heading: "RSS MiB each", digits: 1 },
};

/** The comparison as a table for people: a row for each variant, then the ratios. */
export function formatComparison({ variants, ratios }: Comparison): string {
  const figures = [...new Set(Object.values(variants).flatMap((variant) => Object.keys(variant)))];
  const lines = [row("median (min–max)", ...figures.map((figure) => COLUMNS[figure]?.heading ?? figure))];
  for (const [name, variant] of Object.entries(variants)) {
    lines.push(
      row(
        name,
        ...figures.map((figure) => {
          const spread = variant[figure];
          return spread === undefined ? "–" : formatSpread(spread, COLUMNS[figure]?.digits ?? 1);
        }),
      ),
    );
  }
  for (const [name, ratio] of Object.entries(ratios)) {
    lines.push(
      row(
        name.replace("/", " ÷ "),
        ...figures.map((figure) => {
          const spread = ratio[figure];
          return spread === undefined ? "–" : formatSpread(spread, 2);
        }),
      ),
    );
  }
  return lines.join("\n");
}

function row(name: string, ...cells: string[]): string {
  return name.padEnd(28) + cells.map((cell) => cell.padStart(24)).join("");
}
