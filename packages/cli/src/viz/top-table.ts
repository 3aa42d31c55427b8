import { type NamedTapEvent, tapFailed } from "@heddle/viz";
import { renderTable } from "../output.ts";
import { printable } from "./tap-line.ts";

/** One row of `top`: a way and a path. */
interface TopRow {
  readonly direction: "in" | "out";
  readonly source: string;
  readonly destination: string;
  readonly method: string;
  readonly path: string;
  readonly route: string;
  count: number;
  good: number;
  bestMs: number;
  worstMs: number;
  lastMs: number;
}

export interface TopTable {
  add(event: NamedTapEvent): void;
  readonly rows: readonly TopRow[];
}

/** Paths that are told apart; further ones are summed up in one row. */
const MAX_ROWS = 1000;

/** Sums events up by way and path. An exchange that both proxies tell counts once: the answering side's report is left out where the asking side is watched too. */
export function createTopTable(): TopTable {
  const rows = new Map<string, TopRow>();
  return {
    add(event) {
      const path = rows.size < MAX_ROWS ? (event.path.split("?")[0] ?? "") : "…";
      const source = event.srcPod || event.srcName;
      const destination = event.dstPod || event.dstName;
      const key = [event.direction, source, destination, event.method, path, event.route].join("\n");
      const ms = event.durationMs;
      let row = rows.get(key);
      if (!row) {
        const { method, route } = event;
        row = {
          direction: event.direction,
          source,
          destination,
          method,
          path,
          route,
          count: 0,
          good: 0,
          bestMs: ms,
          worstMs: ms,
          lastMs: ms,
        };
        rows.set(key, row);
      }
      row.count++;
      if (!tapFailed(event)) row.good++;
      row.bestMs = Math.min(row.bestMs, ms);
      row.worstMs = Math.max(row.worstMs, ms);
      row.lastMs = ms;
    },
    get rows() {
      const asked = new Set(
        [...rows.values()].flatMap((r) => (r.direction === "out" ? [`${r.source}\n${r.destination}`] : [])),
      );
      const once = [...rows.values()].filter(
        (r) => r.direction === "out" || !asked.has(`${r.source}\n${r.destination}`),
      );
      return once.sort((a, b) => b.count - a.count || a.path.localeCompare(b.path));
    },
  };
}

export interface TopView {
  readonly hideSources: boolean;
  readonly routes: boolean;
}

/** Linkerd's columns. */
export function renderTop(rows: readonly TopRow[], view: TopView): string {
  const header = [
    ...(view.hideSources ? [] : ["Source"]),
    "Destination",
    ...(view.routes ? ["Route"] : ["Method", "Path"]),
    "Count",
    "Best",
    "Worst",
    "Last",
    "Success Rate",
  ];
  const lines = rows.map((r) => [
    ...(view.hideSources ? [] : [r.source]),
    r.destination,
    ...(view.routes ? [r.route || "[DEFAULT]"] : [printable(r.method), printable(r.path)]),
    String(r.count),
    millis(r.bestMs),
    millis(r.worstMs),
    millis(r.lastMs),
    `${((r.good / r.count) * 100).toFixed(2)}%`,
  ]);
  return renderTable(header, lines, ["Count", "Best", "Worst", "Last", "Success Rate"]);
}

function millis(ms: number): string {
  return ms < 1 ? `${Math.round(ms * 1000)}µs` : `${Math.round(ms)}ms`;
}
