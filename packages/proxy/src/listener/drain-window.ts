import type { Clock, ClockTimer } from "@heddle/std";
import type { ChainRuntime, RetiredChainOwner } from "./chain-runtime.ts";

/** What was replaced or removed, until its time to drain is over. */
export interface DrainWindow {
  /** Filter chains and listeners that drain, with connections or without. Source: Envoy's gauges. */
  readonly chains: number;
  readonly listeners: number;
  /** Replaced chains that still have connections. */
  busy(): Iterable<ChainRuntime>;
  /** Counts chains that an update replaced, or a listener that was removed. */
  count(what: "chains" | "listeners", number: number): void;
  /** Drains a chain: connections that are left when the time is over are closed. It is held only while it has connections. */
  retire(chain: ChainRuntime): void;
  /** Closes everything at once. */
  close(): void;
}

/** Chains or listeners that drain until `untilMs`. */
interface Counted {
  readonly what: "chains" | "listeners";
  readonly number: number;
  readonly untilMs: number;
}

class Window implements DrainWindow {
  chains = 0;
  listeners = 0;
  readonly #clock: Clock;
  readonly #drainMs: number;
  readonly #busy = new Map<ChainRuntime, ClockTimer>();
  /** What still counts, oldest first. */
  readonly #counted: Counted[] = [];
  /** For the oldest. */
  #timer: ClockTimer | undefined = undefined;

  constructor(clock: Clock, drainMs: number) {
    this.#clock = clock;
    this.#drainMs = drainMs;
  }

  busy(): Iterable<ChainRuntime> {
    return this.#busy.keys();
  }

  count(what: "chains" | "listeners", number: number): void {
    if (number === 0) return;
    this[what] += number;
    this.#counted.push({ what, number, untilMs: this.#clock.monotonic() + this.#drainMs });
    this.#timer ??= this.#clock.after(this.#drainMs, () => this.#forgetOld());
  }

  #forgetOld(): void {
    const nowMs = this.#clock.monotonic();
    let oldest = this.#counted[0];
    while (oldest !== undefined && oldest.untilMs <= nowMs) {
      this[oldest.what] -= oldest.number;
      this.#counted.shift();
      oldest = this.#counted[0];
    }
    this.#timer = oldest && this.#clock.after(oldest.untilMs - nowMs, () => this.#forgetOld());
  }

  retire(chain: ChainRuntime): void {
    const untilMs = this.#clock.monotonic() + this.#drainMs;
    const owner: RetiredChainOwner = {
      onChainBusy: () => {
        const leftMs = Math.max(0, untilMs - this.#clock.monotonic());
        const timer = this.#clock.after(leftMs, () => chain.closeAll());
        this.#busy.set(chain, timer);
      },
      onChainEmpty: () => {
        this.#busy.get(chain)?.cancel();
        this.#busy.delete(chain);
      },
    };
    chain.retire(owner);
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#counted.length = 0;
    for (const [chain, timer] of [...this.#busy]) {
      timer.cancel();
      chain.closeAll();
    }
    this.#busy.clear();
  }
}

/** `drainMs`: the time to drain. Units: ms. */
export function createDrainWindow(clock: Clock, drainMs: number): DrainWindow {
  return new Window(clock, drainMs);
}
