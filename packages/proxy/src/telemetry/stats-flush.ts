import type { StatsSettings } from "../config/stats-config.ts";
import type { StatsdConfig, StatsSinkConfig } from "../config/stats-sinks.ts";
import { createFreshStats } from "./fresh-stats.ts";
import type { EnvoyStat } from "./stats/stat.ts";
import { createStatTags } from "./stats/stat-tags.ts";
import type { StatsOutput, StatsOutputDeps } from "./stats-output.ts";
import { statsdLines } from "./statsd-lines.ts";
import { createStatsdSink } from "./statsd-sink.ts";

export interface StatsFlushDeps extends Omit<StatsOutputDeps, "tags"> {
  readonly sinks: readonly StatsSinkConfig[];
  readonly settings: StatsSettings;
  /** Undefined: only when `flush` is called. Units: ms. */
  readonly intervalMs: number | undefined;
  /** All of them, as they are now. */
  stats(): Promise<readonly EnvoyStat[]>;
  includes(name: string): boolean;
}

/** Writes statistics to sinks. */
export interface StatsFlush {
  /** Once more, now. */
  flush(): Promise<void>;
  close(): void;
}

/** Writes the statistics to all sinks again and again. Without sinks nothing runs. */
export async function startStatsFlush(deps: StatsFlushDeps): Promise<StatsFlush> {
  const { sinks, settings, clock, intervalMs } = deps;
  if (sinks.length === 0) return { flush: async () => {}, close: () => {} };
  const around = { ...deps, tags: createStatTags(settings) };
  const outputs = await Promise.all(sinks.map((config) => createOutput(config, around)));
  const fresh = createFreshStats();
  let closed = false;
  const flush = async () => {
    const stats = (await deps.stats()).filter(({ name }) => deps.includes(name));
    // The other workers take their time to report.
    if (closed) return;
    const used = fresh.next(stats);
    for (const output of outputs) output.send(used);
  };
  const timer = intervalMs === undefined ? undefined : clock.every(intervalMs, () => void flush());
  return {
    flush,
    close: () => {
      closed = true;
      timer?.cancel();
      for (const output of outputs) output.close();
    },
  };
}

/** The messages of services are loaded for those who send any. */
async function createOutput(config: StatsSinkConfig, deps: StatsOutputDeps): Promise<StatsOutput> {
  switch (config.kind) {
    case "statsd":
      return createStatsdOutput(config, deps);
    case "otlp":
      return (await import("./otlp-stats.ts")).createOtlpStats(config, deps);
    case "metrics-service":
      return (await import("./metrics-service.ts")).createMetricsService(config, deps);
  }
}

function createStatsdOutput(config: StatsdConfig, { tags, log, clusterOf }: StatsOutputDeps): StatsOutput {
  const format = { prefix: config.prefix, tagged: config.dog ? (name: string) => tags.of(name) : undefined };
  const sink = createStatsdSink(config, log, clusterOf);
  return { send: (stats) => sink.send(statsdLines(stats, format)), close: () => sink.close() };
}
