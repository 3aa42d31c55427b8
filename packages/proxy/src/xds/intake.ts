import type { Clock } from "@heddle/std";
import type { Steps } from "../config/steps.ts";

/** Takes items one after another in their order. What needs long to be prepared is prepared in slices, between which requests are served. */
export interface Intake<T> {
  add(item: T): void;
  /** Drops what was not taken yet. */
  close(): void;
}

export interface IntakeOptions<T> {
  /** What comes before an item is taken; undefined: nothing that takes long. */
  steps(item: T): Steps<void> | undefined;
  /** Takes an item, all at once. */
  take(item: T): void;
  readonly clock: Pick<Clock, "monotonic">;
  /** Calls back after the event loop has done what else there is. */
  turn(next: () => void): void;
}

/** A slice ends with the first of the two. */
const SLICE_MS = 4;
const SLICE_STEPS = 100;

class SlicedIntake<T> implements Intake<T> {
  readonly #options: IntakeOptions<T>;
  #waiting: T[] = [];
  #running: Steps<void> | undefined;

  constructor(options: IntakeOptions<T>) {
    this.#options = options;
  }

  add(item: T): void {
    this.#waiting.push(item);
    if (this.#waiting.length === 1) this.#begin();
  }

  close(): void {
    this.#waiting = [];
    this.#running = undefined;
  }

  /** Goes on until an item needs slices or none is left. */
  #begin(): void {
    for (;;) {
      const [item] = this.#waiting;
      if (item === undefined || this.#running !== undefined) return;
      const steps = this.#options.steps(item);
      if (steps !== undefined) {
        this.#running = steps;
        this.#options.turn(() => this.#slice(steps));
        return;
      }
      this.#finish(item);
    }
  }

  #slice(steps: Steps<void>): void {
    const [item] = this.#waiting;
    if (this.#running !== steps || item === undefined) return;
    const { clock, turn } = this.#options;
    const end = clock.monotonic() + SLICE_MS;
    for (let count = 0; count < SLICE_STEPS && clock.monotonic() < end; count++) {
      if (steps.next().done !== true) continue;
      this.#running = undefined;
      this.#finish(item);
      this.#begin();
      return;
    }
    turn(() => this.#slice(steps));
  }

  #finish(item: T): void {
    const { take, turn } = this.#options;
    const waiting = this.#waiting;
    let taken = false;
    try {
      take(item);
      taken = true;
    } finally {
      // Unless taking it has closed this.
      if (this.#waiting === waiting) waiting.shift();
      // The error goes to the caller; those behind have nothing to do with it.
      if (!taken) turn(() => this.#begin());
    }
  }
}

export function createIntake<T>(options: IntakeOptions<T>): Intake<T> {
  return new SlicedIntake(options);
}
