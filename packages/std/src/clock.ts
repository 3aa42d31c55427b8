import type { DurationMs } from "./duration.ts";

/** A timer that was started and can be stopped. */
export interface ClockTimer {
  /** Stops the timer; harmless when it fired or was stopped before. */
  cancel(): void;
}

/** Time as a parameter. Composition roots pass `createSystemClock()`, tests pass `createManualClock()`. */
export interface Clock {
  /** Wall clock. Units: ms since 1970-01-01 UTC. */
  now(): number;
  /** Never goes backwards; only differences mean something. Units: ms, with fractions. */
  monotonic(): number;
  /** Calls `callback` once after `delay`. */
  after(delay: DurationMs | number, callback: () => void): ClockTimer;
  /** Calls `callback` every `period` until cancelled. */
  every(period: DurationMs | number, callback: () => void): ClockTimer;
}

// setTimeout overflows to "at once" above this; a later deadline is reached in several steps.
const MAX_TIMEOUT_MS = 0x7fffffff;

class SystemTimer implements ClockTimer {
  #handle: ReturnType<typeof setTimeout> | undefined;
  #cancelled = false;

  start(delay: number, callback: () => void): void {
    const step = Math.min(delay, MAX_TIMEOUT_MS);
    this.#handle = setTimeout(() => {
      if (this.#cancelled) return;
      if (delay > step) this.start(delay - step, callback);
      else callback();
    }, step);
    this.#handle.unref?.();
  }

  cancel(): void {
    this.#cancelled = true;
    clearTimeout(this.#handle);
  }
}

class SystemInterval implements ClockTimer {
  readonly #handle: ReturnType<typeof setInterval>;

  constructor(period: number, callback: () => void) {
    this.#handle = setInterval(callback, Math.min(period, MAX_TIMEOUT_MS));
    this.#handle.unref?.();
  }

  cancel(): void {
    clearInterval(this.#handle);
  }
}

class SystemClock implements Clock {
  now(): number {
    return Date.now();
  }

  monotonic(): number {
    return performance.now();
  }

  after(delay: number, callback: () => void): ClockTimer {
    const timer = new SystemTimer();
    timer.start(Math.max(0, delay), callback);
    return timer;
  }

  every(period: number, callback: () => void): ClockTimer {
    return new SystemInterval(Math.max(1, period), callback);
  }
}

/** The machine's clock. Only composition roots call this. Its timers don't keep the process alive. */
export function createSystemClock(): Clock {
  return new SystemClock();
}
