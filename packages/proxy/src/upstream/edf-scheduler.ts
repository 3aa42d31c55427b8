// Hot path: one choice per request of clusters whose hosts differ in weight.

/** Rounds that may have passed before the first choice; more would cost the precision of deadlines. */
const PAST_PICKS = 2 ** 20;

/**
 * Earliest deadline first: who is chosen comes again after 1 / weight, so that shares are as weights, evenly spread, and weights may change from one
 * choice to the next. O(log n). Source: Envoy `EdfScheduler`.
 */
export class EdfScheduler<T> {
  readonly #items: readonly T[];
  readonly #weight: (item: T) => number;
  /** A binary heap of places in `#items`; deadlines and turns by place. */
  readonly #heap: Uint32Array;
  readonly #deadlines: Float64Array;
  /** Whoever waits longer goes first of those with one deadline. */
  readonly #turns: Float64Array;
  #turn: number;

  /** @param random Where in the sequence the choices begin: proxies that start together must not all begin with the same item. */
  constructor(items: readonly T[], weight: (item: T) => number, random: () => number) {
    this.#items = items;
    this.#weight = weight;
    const count = items.length;
    this.#heap = new Uint32Array(count);
    this.#deadlines = new Float64Array(count);
    this.#turns = new Float64Array(count);
    this.#turn = count;
    const weights = Float64Array.from(items, weight);
    const total = weights.reduce((sum, one) => sum + one, 0);
    const past = Math.floor(random() * PAST_PICKS);
    let left = past;
    weights.forEach((own, i) => {
      const had = Math.floor((past * own) / total);
      left -= had;
      this.#deadlines[i] = (had + 1) / own;
      this.#turns[i] = i;
      this.#heap[i] = i;
    });
    for (let at = (count >> 1) - 1; at >= 0; at--) this.#sink(at);
    // Rounding leaves fewer than there are items.
    for (; left > 0 && count > 0; left--) this.pick();
  }

  /** Undefined: there are no items. */
  pick(): T | undefined {
    const chosen = this.#heap[0];
    if (chosen === undefined) return undefined;
    const item = this.#items[chosen] as T;
    this.#deadlines[chosen] = (this.#deadlines[chosen] ?? 0) + 1 / this.#weight(item);
    this.#turns[chosen] = this.#turn++;
    this.#sink(0);
    return item;
  }

  #sink(from: number): void {
    const heap = this.#heap;
    const count = heap.length;
    const moving = heap[from] ?? 0;
    let at = from;
    for (let child = 2 * at + 1; child < count; child = 2 * at + 1) {
      if (child + 1 < count && this.#before(heap[child + 1] ?? 0, heap[child] ?? 0)) child++;
      const other = heap[child] ?? 0;
      if (!this.#before(other, moving)) break;
      heap[at] = other;
      at = child;
    }
    heap[at] = moving;
  }

  #before(a: number, b: number): boolean {
    const difference = (this.#deadlines[a] ?? 0) - (this.#deadlines[b] ?? 0);
    return difference < 0 || (difference === 0 && (this.#turns[a] ?? 0) < (this.#turns[b] ?? 0));
  }
}
