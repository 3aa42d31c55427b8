/** Proxies that wait for the newest configuration. */
export interface PushQueue<T> {
  /** Puts `items` at the end; one that waits already keeps its place and its time. */
  enqueue(items: Iterable<T>): void;
  remove(item: T): void;
  readonly size: number;
}

export interface PushQueueOptions<T> {
  /** Monotonic. Units: ms. */
  now(): number;
  /** Lets other work run first. */
  yield(next: () => void): void;
  /** @param queuedMs How long it waited. */
  push(item: T, queuedMs: number): void;
  /** Pushes for this long, then lets other work run. Units: ms. Default: 10. */
  readonly sliceMs?: number;
}

class SlicedQueue<T> implements PushQueue<T> {
  readonly #options: PushQueueOptions<T>;
  /** In order of arrival; value: when it was queued. */
  readonly #waiting = new Map<T, number>();
  #scheduled = false;

  constructor(options: PushQueueOptions<T>) {
    this.#options = options;
  }

  get size(): number {
    return this.#waiting.size;
  }

  enqueue(items: Iterable<T>): void {
    const now = this.#options.now();
    for (const item of items) if (!this.#waiting.has(item)) this.#waiting.set(item, now);
    this.#schedule();
  }

  remove(item: T): void {
    this.#waiting.delete(item);
  }

  #schedule(): void {
    if (this.#scheduled || this.#waiting.size === 0) return;
    this.#scheduled = true;
    this.#options.yield(() => {
      this.#scheduled = false;
      this.#slice();
      this.#schedule();
    });
  }

  #slice(): void {
    const end = this.#options.now() + (this.#options.sliceMs ?? 10);
    for (const [item, queuedAt] of this.#waiting) {
      this.#waiting.delete(item);
      this.#options.push(item, this.#options.now() - queuedAt);
      if (this.#options.now() >= end) return;
    }
  }
}

export function createPushQueue<T>(options: PushQueueOptions<T>): PushQueue<T> {
  return new SlicedQueue(options);
}
