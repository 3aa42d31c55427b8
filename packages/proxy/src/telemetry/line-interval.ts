import type { Expirable, TimerWheel, WheelTimer } from "@heddle/std";

/** Asks for a line again and again, until it is released. */
export interface LineInterval {
  release(): void;
}

class WheelInterval implements LineInterval, Expirable {
  readonly #timer: WheelTimer;
  readonly #ms: number;
  readonly #due: () => void;
  #over = false;

  constructor(wheel: TimerWheel, ms: number, due: () => void) {
    this.#ms = ms;
    this.#due = due;
    this.#timer = wheel.create(this);
    this.#timer.arm(ms);
  }

  onExpire(): void {
    if (this.#over) return;
    this.#due();
    this.#timer.arm(this.#ms);
  }

  release(): void {
    this.#over = true;
    this.#timer.release();
  }
}

/** Units: ms. */
export function startLineInterval(wheel: TimerWheel, ms: number, due: () => void): LineInterval {
  return new WheelInterval(wheel, ms, due);
}
