import type { Clock } from "@heddle/std";
import type { GrpcLogTarget } from "../config/grpc-log-target.ts";

type BatchLimits = Pick<GrpcLogTarget, "bufferBytes" | "flushMs">;

/** Counts the log entries that wait, and says when they go out: with so many bytes, or after so long. */
export interface BatchPace {
  /** An entry of about so many bytes waits now. */
  added(bytes: number): void;
}

class Pace implements BatchPace {
  readonly #limits: BatchLimits;
  readonly #clock: Clock;
  readonly #flush: () => void;
  #bytes = 0;
  #waiting = false;

  constructor(limits: BatchLimits, clock: Clock, flush: () => void) {
    this.#limits = limits;
    this.#clock = clock;
    this.#flush = flush;
  }

  added(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes >= this.#limits.bufferBytes) {
      this.#due();
    } else if (!this.#waiting) {
      this.#waiting = true;
      this.#clock.after(this.#limits.flushMs, () => {
        this.#waiting = false;
        this.#due();
      });
    }
  }

  #due(): void {
    this.#bytes = 0;
    this.#flush();
  }
}

export function createBatchPace(limits: BatchLimits, clock: Clock, flush: () => void): BatchPace {
  return new Pace(limits, clock, flush);
}
