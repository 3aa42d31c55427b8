import type { Clock } from "@heddle/std";

/**
 * How much may be on its way to all proxies together. When everyone reconnects at once, the same configuration waits in hundreds of socket
 * buffers otherwise: memory that grows with proxies times size.
 */
export interface SendBudget {
  readonly full: boolean;
  /** Notes bytes that were written. Call the result when they have left; calling it again does nothing. */
  take(bytes: number): () => void;
  /** Calls `resume` once when there is room, first come, first served. The result gives up the place. */
  wait(resume: () => void): () => void;
}

export interface SendBudgetOptions {
  readonly clock: Clock;
  /** Default: 16 MiB. Units: bytes. */
  readonly limitBytes?: number;
  /** What a slow reader holds counts for this long only: it must not hold up the others. Default: 1000. Units: ms. */
  readonly patienceMs?: number;
}

/** Not worth a timer. Units: bytes. */
const SMALL = 16 * 1024;

class Budget implements SendBudget {
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #patienceMs: number;
  readonly #waiting = new Set<() => void>();
  #used = 0;

  constructor(options: SendBudgetOptions) {
    this.#clock = options.clock;
    this.#limit = options.limitBytes ?? 16 * 1024 * 1024;
    this.#patienceMs = options.patienceMs ?? 1000;
  }

  get full(): boolean {
    return this.#used >= this.#limit;
  }

  take(bytes: number): () => void {
    if (bytes < SMALL) return nothing;
    this.#used += bytes;
    let taken = true;
    const giveBack = (): void => {
      if (!taken) return;
      taken = false;
      timer.cancel();
      this.#used -= bytes;
      this.#resume();
    };
    const timer = this.#clock.after(this.#patienceMs, giveBack);
    return giveBack;
  }

  wait(resume: () => void): () => void {
    this.#waiting.add(resume);
    return () => this.#waiting.delete(resume);
  }

  #resume(): void {
    for (const resume of this.#waiting) {
      if (this.full) return;
      this.#waiting.delete(resume);
      resume();
    }
  }
}

function nothing(): void {}

export function createSendBudget(options: SendBudgetOptions): SendBudget {
  return new Budget(options);
}
