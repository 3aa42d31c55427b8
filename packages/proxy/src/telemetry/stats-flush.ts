import type { Clock, Logger } from "@heddle/std";
import type { StatsSettings } from "../config/stats-config.ts";
import type { StatsdConfig } from "../config/stats-sinks.ts";
import type { EnvoyStat } from "./stats/stat.ts";
import { createStatTags } from "./stats/stat-tags.ts";
import { createStatsdLines } from "./statsd-lines.ts";
import { createStatsdSink, type StatsdHost } from "./statsd-sink.ts";

export interface StatsFlushDeps {
  readonly sinks: readonly StatsdConfig[];
  readonly settings: StatsSettings;
  /** Units: ms. */
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** All of them, as they are now. */
  stats(): Promise<readonly EnvoyStat[]>;
  includes(name: string): boolean;
  hostOf(cluster: string): StatsdHost | undefined;
}

/** Writes the statistics to all sinks again and again. Without sinks nothing runs. */
export function startStatsFlush(deps: StatsFlushDeps): { close(): void } {
  const { sinks, settings, clock, log } = deps;
  if (sinks.length === 0) return { close: () => {} };
  const tags = createStatTags(settings);
  const outputs = sinks.map((config) => ({
    lines: createStatsdLines({ prefix: config.prefix, tagged: config.dog ? (name) => tags.of(name) : undefined }),
    sink: createStatsdSink(config, log, deps.hostOf),
  }));
  let closed = false;
  const flush = async () => {
    const stats = (await deps.stats()).filter(({ name }) => deps.includes(name));
    // The other workers take their time to report.
    if (closed) return;
    for (const { lines, sink } of outputs) sink.send(lines.next(stats));
  };
  const timer = clock.every(deps.intervalMs, () => void flush());
  return {
    close: () => {
      closed = true;
      timer.cancel();
      for (const { sink } of outputs) sink.close();
    },
  };
}
