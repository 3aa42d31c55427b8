import type { MeshSize } from "./objects.ts";
import type { PlaneName } from "./plane.ts";
import type { Outcome } from "./scenarios.ts";

/** One control plane at one size. */
export interface PlaneReport {
  readonly name: PlaneName;
  readonly factor: number;
  readonly size: MeshSize;
  /** From its start until it listened. Units: ms. */
  readonly readyMs: number;
  readonly startCpuMs: number;
  readonly cpuMs: number;
  readonly peakRssBytes: number;
  readonly outcomes: readonly Outcome[];
}

const MIB = 1024 * 1024;

/** The value below which a share of the sorted values lies. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Tables for people: a row for each control plane and scenario, then the ratios to istiod. */
export function formatReport(reports: readonly PlaneReport[]): string {
  const lines: string[] = [];
  for (const report of reports) {
    const { services, endpoints, proxies } = report.size;
    const mib = Math.round(report.peakRssBytes / MIB);
    lines.push(
      "",
      `${report.name}, ${services} services × ${endpoints} endpoints, ${proxies} proxies: ready after ${seconds(report.readyMs)} s ` +
        `(CPU ${seconds(report.startCpuMs)} s), CPU in all ${seconds(report.cpuMs)} s, most memory ${mib} MiB`,
      row("", "p50 ms", "p99 ms", "max ms", "CPU s", "RSS MiB", "MiB pushed", "responses"),
    );
    for (const outcome of report.outcomes) lines.push(figures(outcome));
  }
  for (const ours of reports.filter(({ name }) => name === "heddle")) {
    const theirs = reports.find(({ name, factor }) => name === "istiod" && factor === ours.factor);
    if (theirs === undefined) continue;
    lines.push("", `heddle ÷ istiod at ${ours.factor}×`, row("", "p50", "p99", "max", "CPU", "RSS", "bytes"));
    for (const outcome of ours.outcomes) {
      const other = theirs.outcomes.find(({ scenario }) => scenario === outcome.scenario);
      if (other !== undefined) lines.push(ratios(outcome, other));
    }
    lines.push(
      row("in all", "", "", "", ratio(ours.cpuMs, theirs.cpuMs), ratio(ours.peakRssBytes, theirs.peakRssBytes), ""),
    );
  }
  return lines.join("\n");
}

function figures({ scenario, convergenceMs, cpuMs, rssBytes, bytes, responses }: Outcome): string {
  const at = (share: number): string => percentile(convergenceMs, share).toFixed(0);
  return row(
    scenario,
    at(0.5),
    at(0.99),
    at(1),
    seconds(cpuMs, 3),
    (rssBytes / MIB).toFixed(0),
    (bytes / MIB).toFixed(2),
    responses.toFixed(0),
  );
}

function ratios(ours: Outcome, theirs: Outcome): string {
  const at = (share: number): string =>
    ratio(percentile(ours.convergenceMs, share), percentile(theirs.convergenceMs, share));
  const rss = ratio(ours.rssBytes, theirs.rssBytes);
  return row(
    ours.scenario,
    at(0.5),
    at(0.99),
    at(1),
    ratio(ours.cpuMs, theirs.cpuMs),
    rss,
    ratio(ours.bytes, theirs.bytes),
  );
}

const seconds = (ms: number, digits = 1): string => (ms / 1000).toFixed(digits);
const ratio = (ours: number, theirs: number): string => (ours / theirs).toFixed(2);

function row(name: string, ...cells: readonly string[]): string {
  return name.padEnd(24) + cells.map((cell) => cell.padStart(12)).join("");
}
