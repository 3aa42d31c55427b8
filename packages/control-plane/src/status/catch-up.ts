import type { Clock, ClockTimer } from "@heddle/std";

/** Does whatever is due, one thing after the other; what failed is tried again. */
export interface CatchUp {
  /** Something may have become due. */
  start(): void;
  close(): void;
}

export interface CatchUpOptions {
  readonly clock: Pick<Clock, "after">;
  /** What is due now. Each resolves to false where it has to be tried again. */
  readonly due: () => readonly (() => Promise<boolean>)[];
}

/** Units: ms. */
const RETRY_MS = 2000;

class Loop implements CatchUp {
  readonly #options: CatchUpOptions;
  #running = false;
  #again = false;
  #retry: ClockTimer | undefined;
  #closed = false;

  constructor(options: CatchUpOptions) {
    this.#options = options;
  }

  start(): void {
    void this.#run();
  }

  close(): void {
    this.#closed = true;
    this.#retry?.cancel();
  }

  async #run(): Promise<void> {
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#running = true;
    this.#retry?.cancel();
    let failed = false;
    do {
      this.#again = false;
      for (const job of this.#options.due()) {
        if (this.#closed) return;
        failed = !(await job()) || failed;
      }
    } while (this.#again);
    this.#running = false;
    if (failed && !this.#closed) this.#retry = this.#options.clock.after(RETRY_MS, () => this.start());
  }
}

export function createCatchUp(options: CatchUpOptions): CatchUp {
  return new Loop(options);
}
