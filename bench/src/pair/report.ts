import { formatSpread, ratioSpread, type Spread, spreadOf } from "../measure/spread.ts";
import type { RoundResult } from "./round.ts";

/** Everything that is printed; `--json` prints exactly this. */
export interface PairReport {
  readonly benchmark: "pair";
  readonly date: string;
  readonly machine: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly settings: Readonly<Record<string, string | number>>;
  readonly variants: Readonly<Record<string, VariantFigures>>;
  /** Ours divided by Envoy's, round by round; absent when one of them did not run. */
  readonly heddleToEnvoy: Readonly<Record<"cpu" | "p50" | "p99" | "rss", Spread>> | undefined;
}

export interface VariantFigures {
  readonly cpuUsPerRequest: Spread;
  readonly p50Ms: Spread;
  readonly p99Ms: Spread;
  readonly requestsPerSecond: Spread;
  readonly rssMiB: Spread;
}

export function variantFigures(rounds: readonly RoundResult[]): VariantFigures {
  const of = (pick: (round: RoundResult) => number) => spreadOf(rounds.map(pick));
  return {
    cpuUsPerRequest: of((r) => r.cpuUsPerRequest),
    p50Ms: of((r) => r.p50Ms),
    p99Ms: of((r) => r.p99Ms),
    requestsPerSecond: of((r) => r.requestsPerSecond),
    rssMiB: of((r) => r.rssMiB),
  };
}

export function ratios(
  ours: readonly RoundResult[] | undefined,
  envoys: readonly RoundResult[] | undefined,
): PairReport["heddleToEnvoy"] {
  if (ours === undefined || envoys === undefined) return undefined;
  const of = (pick: (round: RoundResult) => number) => ratioSpread(ours.map(pick), envoys.map(pick));
  return {
    cpu: of((r) => r.cpuUsPerRequest),
    p50: of((r) => r.p50Ms),
    p99: of((r) => r.p99Ms),
    rss: of((r) => r.rssMiB),
  };
}

/** The report for people. */
export function formatReport(report: PairReport): string {
  const lines = [
    `${report.date}  ${report.machine}`,
    Object.entries({ ...report.versions, ...report.settings })
      .map(([name, value]) => `${name} ${value}`)
      .join(", "),
    "",
    row("median (min–max)", "CPU µs/request", "p50 ms", "p99 ms", "requests/s", "RSS MiB each"),
  ];
  for (const [name, f] of Object.entries(report.variants)) {
    lines.push(
      row(
        name,
        name === "direct" ? "–" : formatSpread(f.cpuUsPerRequest, 1),
        formatSpread(f.p50Ms, 2),
        formatSpread(f.p99Ms, 2),
        formatSpread(f.requestsPerSecond, 0),
        name === "direct" ? "–" : formatSpread(f.rssMiB, 0),
      ),
    );
  }
  const r = report.heddleToEnvoy;
  if (r !== undefined) {
    const cells = [formatSpread(r.cpu, 2), formatSpread(r.p50, 2), formatSpread(r.p99, 2), "", formatSpread(r.rss, 2)];
    lines.push(row("heddle ÷ envoy", ...cells));
  }
  return lines.join("\n");
}

function row(name: string, ...cells: string[]): string {
  return name.padEnd(18) + cells.map((cell) => cell.padStart(22)).join("");
}
