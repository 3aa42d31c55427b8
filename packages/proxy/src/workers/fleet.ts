import type { DrainOptions } from "../listener/listener-set.ts";
import type { ResourceStore } from "../resources.ts";
import type { Tap } from "../telemetry/tap.ts";
import type { WorkerReport } from "./messages.ts";

/** The other processes that serve the same ports. This process is the first worker, holds the discovery stream and shows the pages. */
export interface Fleet {
  /** Workers in all, this process among them. */
  readonly concurrency: number;
  /** Workers that ended by themselves and were started again. */
  readonly restarts: number;
  /** What the other workers have counted, and what those counted that have ended. */
  reports(): Promise<readonly WorkerReport[]>;
  /** The store whose updates reach all processes. */
  share(own: ResourceStore): ResourceStore;
  /** Exchanges of all processes. */
  tap(own: Tap): Tap;
  /** The agent's secrets have changed. */
  identityChanged(): void;
  setLogging(query: string): void;
  modifyRuntime(changes: readonly (readonly [key: string, text: string])[]): void;
  /** Health checks of filters fail, or not any more. */
  setHealth(failed: boolean): void;
  /** All counters begin at zero again. */
  resetCounters(): void;
  /** Access logs of all processes go on in new files. */
  reopenLogs(): void;
  drain(how: DrainOptions): void;
  start(): void;
  /** Lets them drain and end; settles when none is left. `how` as for this process. */
  end(how: DrainOptions, notBeforeMs: number, limitMs: number): Promise<void>;
}

/** Nobody else: `--concurrency 1`. */
export const ALONE: Fleet = {
  concurrency: 1,
  restarts: 0,
  reports: () => Promise.resolve([]),
  share: (own) => own,
  tap: (own) => own,
  identityChanged() {},
  setLogging() {},
  modifyRuntime() {},
  setHealth() {},
  resetCounters() {},
  reopenLogs() {},
  drain() {},
  start() {},
  end: () => Promise.resolve(),
};
