import type { Clock, Logger } from "@heddle/std";
import type { Cluster } from "../upstream/cluster.ts";
import type { AdsNode } from "../xds/node-message.ts";
import type { FreshStat } from "./fresh-stats.ts";
import type { StatTags } from "./stats/stat-tags.ts";

/** Sends statistics somewhere; what does not arrive is lost. */
export interface StatsOutput {
  send(stats: readonly FreshStat[]): void;
  close(): void;
}

/** What outputs need of the process. */
export interface StatsOutputDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly tags: StatTags;
  /** Upper bounds of a histogram's buckets. */
  bounds(name: string): readonly number[];
  /** How the proxy names itself. */
  readonly node: AdsNode;
  readonly version: string;
  env(name: string): string | undefined;
  /** Undefined: there is none of the name. */
  clusterOf(name: string): Cluster | undefined;
}

/** One line of the log for all that are lost in a row. */
export interface LossLog {
  lost(reason: string): void;
  arrived(): void;
}

export function createLossLog(log: Logger, to: string): LossLog {
  let failing = false;
  return {
    lost: (reason) => {
      if (!failing) log.warn(`statistics do not reach ${to}; they are lost until they do`, { reason });
      failing = true;
    },
    arrived: () => {
      failing = false;
    },
  };
}
