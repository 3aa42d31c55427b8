// Hot path: one count for each answer.

const LOWEST = 100;
const HIGHEST = 599;

/** Answers by status. Invariant: bounded, whatever the status; what is outside of 100 to 599 counts in `completed` only. */
export class ResponseCodes {
  completed = 0;
  /** Undefined until the first answer. */
  #counts: Float64Array | undefined = undefined;

  count(status: number, by = 1): void {
    if (by === 0) return;
    this.completed += by;
    if (status < LOWEST || status > HIGHEST) return;
    this.#counts ??= new Float64Array(HIGHEST - LOWEST + 1);
    const at = status - LOWEST;
    this.#counts[at] = (this.#counts[at] ?? 0) + by;
  }

  reset(): void {
    this.completed = 0;
    this.#counts = undefined;
  }

  /** Statuses that came, with their number. */
  *seen(): Iterable<readonly [status: number, count: number]> {
    const counts = this.#counts;
    if (counts === undefined) return;
    for (let i = 0; i < counts.length; i++) {
      const count = counts[i] ?? 0;
      if (count > 0) yield [LOWEST + i, count];
    }
  }
}
