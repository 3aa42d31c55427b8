import type { Clock, ClockTimer } from "@heddle/std";

/** Collects triggers and runs once they pause. */
export interface Debounce {
  /** Something changed. `urgent` waits for the short quiet time only. */
  trigger(urgent: boolean): void;
  cancel(): void;
}

export interface DebounceOptions {
  readonly clock: Clock;
  /** Runs when nothing was triggered for this long. Units: ms. Source: Istio PILOT_DEBOUNCE_AFTER, 100 ms. */
  readonly quietMs: number;
  /** Quiet time while everything that waits is urgent. Units: ms. */
  readonly urgentMs: number;
  /** Runs at the latest this long after the first trigger. Units: ms. Source: Istio PILOT_DEBOUNCE_MAX, 10 s. */
  readonly maxMs: number;
  /** @param waitedMs Since the first trigger. */
  run(waitedMs: number): void;
}

class QuietTime implements Debounce {
  readonly #options: DebounceOptions;
  #timer: ClockTimer | undefined;
  /** Of the oldest trigger that was not run. */
  #since: number | undefined;
  #allUrgent = true;

  constructor(options: DebounceOptions) {
    this.#options = options;
  }

  trigger(urgent: boolean): void {
    const { clock, quietMs, urgentMs, maxMs } = this.#options;
    const now = clock.monotonic();
    this.#since ??= now;
    this.#allUrgent &&= urgent;
    const quiet = this.#allUrgent ? Math.min(urgentMs, quietMs) : quietMs;
    this.#timer?.cancel();
    this.#timer = clock.after(Math.max(0, Math.min(quiet, this.#since + maxMs - now)), () => this.#run());
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#since = undefined;
  }

  #run(): void {
    const waitedMs = this.#options.clock.monotonic() - (this.#since ?? 0);
    this.cancel();
    this.#allUrgent = true;
    this.#options.run(waitedMs);
  }
}

export function createDebounce(options: DebounceOptions): Debounce {
  return new QuietTime(options);
}
