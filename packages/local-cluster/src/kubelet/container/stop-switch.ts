import type { Clock, ClockTimer } from "@heddle/std";

/** Can be pulled once; sleeps that it guards end early then. */
export class StopSwitch {
  readonly #waiting = new Set<() => void>();
  pulled = false;

  pull(): void {
    this.pulled = true;
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  sleep(clock: Clock, ms: number): Promise<void> {
    if (this.pulled) return Promise.resolve();
    return new Promise((resolve) => {
      let timer: ClockTimer | undefined;
      const wake = (): void => {
        timer?.cancel();
        this.#waiting.delete(wake);
        resolve();
      };
      this.#waiting.add(wake);
      timer = clock.after(ms, wake);
    });
  }
}
