import type { Clock, CounterFamily, GaugeFamily, HistogramFamily, Logger, MetricsRegistry } from "@heddle/std";
import { durationMs } from "../agent/agent-options.ts";

/** `off`, or a duration from 1m on. Default: 1h. */
export const IDLE_VARIABLE = "HEDDLE_METRICS_IDLE";
/** Long enough that what is called every now and then keeps its counters, as queries over hours expect. Units: ms. */
const DEFAULT_MS = 3_600_000;
/** Shorter than this, a counter could go before it was read. Units: ms. */
const SHORTEST_MS = 60_000;

/** Families whose series of the same labels are counted together, and therefore go together. */
export interface SeriesGroup {
  readonly families: readonly (CounterFamily | GaugeFamily | HistogramFamily)[];
  /** Whether somebody still counts there, however long nothing changed. Default: nobody. */
  busy?(labelValues: readonly string[]): boolean;
}

/** How often series were forgotten: whoever keeps series looks them up anew when it changed. */
export interface Forgotten {
  times: number;
}

interface Watched {
  readonly count: number;
  readonly sinceMs: number;
}

/** Forgets series whose numbers did not change for a time. */
export interface IdleSeries {
  watch(group: SeriesGroup): void;
  /** Called before each exposition, so that the last value of a series was read before it goes. */
  sweep(nowMs: number): void;
}

export function createIdleSeries(idleMs: number, forgotten: Forgotten): IdleSeries {
  const groups: SeriesGroup[] = [];
  const watched = new WeakMap<object, Watched>();
  const sweepGroup = (group: SeriesGroup, nowMs: number): boolean => {
    let removed = false;
    for (const { labelValues, series } of [...(group.families[0]?.entries() ?? [])]) {
      let count = 0;
      for (const family of group.families) {
        const one = family.with(...labelValues);
        count += "count" in one ? one.count : one.value;
      }
      const before = watched.get(series);
      if (before?.count !== count) watched.set(series, { count, sinceMs: nowMs });
      else if (nowMs - before.sinceMs >= idleMs && group.busy?.(labelValues) !== true) {
        for (const family of group.families) family.remove(...labelValues);
        removed = true;
      }
    }
    return removed;
  };
  return {
    watch: (group) => void groups.push(group),
    sweep: (nowMs) => {
      for (const group of groups) if (sweepGroup(group, nowMs)) forgotten.times++;
    },
  };
}

/** When series go; the clock is one that never goes back. Units: ms. */
export interface IdleTime {
  readonly ms: number;
  now(): number;
}

/** Sweeps before each exposition of the registry. */
export function sweepIdle(registry: MetricsRegistry, idle: IdleTime, forgotten: Forgotten): IdleSeries {
  const series = createIdleSeries(idle.ms, forgotten);
  registry.onCollect(() => series.sweep(idle.now()));
  return series;
}

/** The variable's time; a wrong one is told. Undefined: series stay. */
export function idleTime(
  text: string | undefined,
  concurrency: number,
  clock: Clock,
  log: Logger,
): IdleTime | undefined {
  const { idleMs, problem } = readIdleTime(text, concurrency);
  if (problem !== undefined) log.error(problem);
  return idleMs === undefined ? undefined : { ms: idleMs, now: () => clock.monotonic() };
}

/** Reads the variable. Several workers add their counters up, so that one that forgets would make the sum go back: series stay there. */
export function readIdleTime(
  text: string | undefined,
  concurrency: number,
): { readonly idleMs?: number; readonly problem?: string } {
  if (text === "off") return {};
  const idleMs = durationMs(text, DEFAULT_MS);
  if (idleMs === undefined || idleMs < SHORTEST_MS)
    return {
      problem: `${IDLE_VARIABLE} is ${text}; use off, or a duration of at least 1m, such as 10m; idle series stay`,
    };
  if (concurrency === 1) return { idleMs };
  if (text === undefined || text === "") return {};
  return { problem: `${IDLE_VARIABLE} needs a proxy with one worker, not ${concurrency}; idle series stay` };
}
