import type { Clock, Logger } from "@heddle/std";
import type { StatsSettings } from "../config/stats-config.ts";
import type { StatsdConfig } from "../config/stats-sinks.ts";
import type { EnvoyStat } from "./stats/stat.ts";
import { createStatTags } from "./stats/stat-tags.ts";
import { createStatsdLines } from "./statsd-lines.ts";
import { createStatsdSink, type StatsdCluster } from "./statsd-sink.ts";

export interface StatsFlushDeps {
  readonly sinks: readonly StatsdConfig[];
  readonly settings: StatsSettings;
  /** Undefined: only when `flush` is called. Units: ms. */
  readonly intervalMs: number | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  /** All of them, as they are now. */
  stats(): Promise<readonly EnvoyStat[]>;
  includes(name: string): boolean;
  clusterOf(name: string): StatsdCluster | undefined;
}

/** Writes statistics to sinks. */
export interface StatsFlush {
  /** Once more, now. */
  flush(): Promise<void>;
  close(): void;
}

/** Writes the statistics to all sinks again and again. Without sinks nothing runs. */
export function startStatsFlush(deps: StatsFlushDeps): StatsFlush {
  const { sinks, settings, clock, log, intervalMs } = deps;
  if (sinks.length === 0) return { flush: async () => {}, close: () => {} };
  const tags = createStatTags(settings);
  const outputs = sinks.map((config) => ({
    lines: createStatsdLines({ prefix: config.prefix, tagged: config.dog ? (name) => tags.of(name) : undefined }),
    sink: createStatsdSink(config, log, deps.clusterOf),
  }));
  let closed = false;
  const flush = async () => {
    const stats = (await deps.stats()).filter(({ name }) => deps.includes(name));
    // The other workers take their time to report.
    if (closed) return;
    for (const { lines, sink } of outputs) sink.send(lines.next(stats));
  };
  const timer = intervalMs === undefined ? undefined : clock.every(intervalMs, () => void flush());
  return {
    flush,
    close: () => {
      closed = true;
      timer?.cancel();
      for (const { sink } of outputs) sink.close();
    },
  };
}
