import type { Clock, ClockTimer, Logger } from "@heddle/std";
import { type MonitorConfig, OVERLOAD_ACTIONS, type OverloadConfig } from "./overload-config.ts";
import type { OverloadState } from "./overload-state.ts";

/** What the process and its control group use now. Units: bytes. */
export interface MemoryReadings {
  /** Memory that is this process's own. */
  processBytes(): number;
  /** Use and limit of the control group; undefined: there is none. */
  group(): { readonly usedBytes: number; readonly limitBytes: number } | undefined;
  /** Text of a file. Errors: throws. */
  file(path: string): string;
  /** Collects garbage and gives free memory back. */
  shrink(): void;
}

export interface OverloadWatchDeps {
  readonly config: OverloadConfig;
  readonly state: OverloadState;
  readonly readings: MemoryReadings;
  readonly clock: Clock;
  readonly log: Logger;
  /** Takes connections, or leaves them to others. Called after each look. */
  accept(on: boolean): void;
}

/** A full collection costs tens of milliseconds; more often it would cost more than it brings. Units: ms. */
const SHRINK_EVERY_MS = 10_000;

/** Looks at the monitors every `refreshMs`. Undefined when there is nothing to look at. */
export function watchOverload(deps: OverloadWatchDeps): ClockTimer | undefined {
  const { config, state, readings, clock, log } = deps;
  if (config.monitors.length === 0) return undefined;
  let shrunkMs = Number.NEGATIVE_INFINITY;
  let before = "";
  const look = () => {
    for (const monitor of config.monitors) state.setPressure(monitor.name, pressureOf(monitor, readings));
    const nowMs = clock.monotonic();
    if (state.strength("shrink_heap") >= 1 && nowMs - shrunkMs >= SHRINK_EVERY_MS) {
      shrunkMs = nowMs;
      state.heapShrunk();
      readings.shrink();
    }
    deps.accept(state.acceptsConnections);
    const inForce = OVERLOAD_ACTIONS.filter((name) => state.strength(name) >= 1).join(", ");
    if (inForce === before) return;
    before = inForce;
    if (inForce === "") log.info("no longer overloaded");
    else log.warn("overloaded", { actions: inForce });
  };
  look();
  return clock.every(config.refreshMs, look);
}

/** 1 is the limit. Errors: undefined when it can't be read. */
function pressureOf(monitor: MonitorConfig, readings: MemoryReadings): number | undefined {
  switch (monitor.kind) {
    case "fixed-heap":
      return readings.processBytes() / monitor.maxBytes;
    case "cgroup-memory": {
      const group = readings.group();
      const limit = Math.min(
        monitor.maxBytes ?? Number.POSITIVE_INFINITY,
        group?.limitBytes ?? Number.POSITIVE_INFINITY,
      );
      return group === undefined || !Number.isFinite(limit) ? undefined : group.usedBytes / limit;
    }
    case "injected": {
      let value: number;
      try {
        value = Number(readings.file(monitor.path).trim());
      } catch {
        return undefined;
      }
      return value >= 0 && value <= 1 ? value : undefined;
    }
  }
}
