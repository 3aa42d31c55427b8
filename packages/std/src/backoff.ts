import { type DurationMs, durationMs } from "./duration.ts";

/** Waits between attempts that grow exponentially, each drawn evenly from zero to the current ceiling ("full jitter"). */
export interface Backoff {
  /** The wait before the next attempt; each call raises the ceiling. */
  next(): DurationMs;
  /** After a success: back to the first ceiling. */
  reset(): void;
  /** How often `next` was called since the start or the last `reset`. */
  readonly attempts: number;
}

export interface BackoffOptions {
  /** First ceiling. Units: ms. */
  readonly baseMs: number;
  /** Highest ceiling. Units: ms. */
  readonly maxMs: number;
  /** Growth of the ceiling per attempt. Default: 2. */
  readonly factor?: number;
  /** No wait is shorter than this. Default: 0. Units: ms. */
  readonly minMs?: number;
}

class FullJitter implements Backoff {
  readonly #options: BackoffOptions;
  readonly #random: () => number;
  #ceilingMs: number;
  attempts = 0;

  constructor(options: BackoffOptions, random: () => number) {
    this.#options = options;
    this.#random = random;
    this.#ceilingMs = options.baseMs;
  }

  next(): DurationMs {
    this.attempts++;
    const wait = this.#random() * this.#ceilingMs;
    this.#ceilingMs = Math.min(this.#options.maxMs, this.#ceilingMs * (this.#options.factor ?? 2));
    return durationMs(Math.max(this.#options.minMs ?? 0, wait));
  }

  reset(): void {
    this.attempts = 0;
    this.#ceilingMs = this.#options.baseMs;
  }
}

/** `random` gives numbers in [0, 1), such as `Math.random` from a composition root. Source: AWS "Exponential Backoff and Jitter". */
export function createBackoff(options: BackoffOptions, random: () => number): Backoff {
  return new FullJitter(options, random);
}
