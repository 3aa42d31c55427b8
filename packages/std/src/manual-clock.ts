import type { Clock, ClockTimer } from "./clock.ts";

/** A clock that moves only when told to. For tests and the simulator. */
export interface ManualClock extends Clock {
  /** Moves time forward, firing due timers in order of their deadlines. Units: ms. */
  advance(byMs: number): void;
  /** How many timers wait. */
  readonly pending: number;
}

interface Waiting extends ClockTimer {
  dueMs: number;
  readonly periodMs: number | undefined;
  readonly order: number;
  readonly callback: () => void;
}

class Manual implements ManualClock {
  readonly #startMs: number;
  #elapsedMs = 0;
  #order = 0;
  readonly #waiting = new Set<Waiting>();

  constructor(startMs: number) {
    this.#startMs = startMs;
  }

  get pending(): number {
    return this.#waiting.size;
  }

  now(): number {
    return this.#startMs + this.#elapsedMs;
  }

  monotonic(): number {
    return this.#elapsedMs;
  }

  after(delay: number, callback: () => void): ClockTimer {
    return this.#add(Math.max(0, delay), undefined, callback);
  }

  every(period: number, callback: () => void): ClockTimer {
    return this.#add(Math.max(1, period), Math.max(1, period), callback);
  }

  advance(byMs: number): void {
    const endMs = this.#elapsedMs + byMs;
    for (let next = this.#nextDue(endMs); next !== undefined; next = this.#nextDue(endMs)) {
      this.#elapsedMs = next.dueMs;
      if (next.periodMs === undefined) this.#waiting.delete(next);
      else next.dueMs += next.periodMs;
      next.callback();
    }
    this.#elapsedMs = endMs;
  }

  #add(delay: number, periodMs: number | undefined, callback: () => void): ClockTimer {
    const waiting: Waiting = {
      dueMs: this.#elapsedMs + delay,
      periodMs,
      order: this.#order++,
      callback,
      cancel: () => this.#waiting.delete(waiting),
    };
    this.#waiting.add(waiting);
    return waiting;
  }

  #nextDue(endMs: number): Waiting | undefined {
    let first: Waiting | undefined;
    for (const w of this.#waiting) {
      if (w.dueMs > endMs) continue;
      if (first === undefined || w.dueMs < first.dueMs || (w.dueMs === first.dueMs && w.order < first.order)) first = w;
    }
    return first;
  }
}

/** A clock for tests. Default: starts at 2026-01-01T00:00:00Z. */
export function createManualClock(startMs: number = Date.UTC(2026, 0, 1)): ManualClock {
  return new Manual(startMs);
}
