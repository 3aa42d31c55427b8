import type { Clock, ClockTimer } from "@heddle/std";

/** Keys to work on: one key is never worked on twice at the same time, and never forgotten when it comes again meanwhile. */
export interface WorkQueue {
  add(key: string): void;
  /** Units: ms. A shorter wait for the same key wins. */
  addAfter(key: string, delayMs: number): void;
  /** Nothing is worked on before. */
  start(): void;
  /** Resolves when what runs has ended. */
  close(): Promise<void>;
}

export interface WorkQueueOptions {
  readonly clock: Clock;
  /** Keys worked on side by side. Default: 4. */
  readonly concurrency?: number;
  /** Does the work; a number asks to be called again after so many ms. */
  process(key: string): Promise<number | undefined>;
  /** `process` rejected; it is called again after the wait. Units: ms. */
  onFailure(key: string, error: unknown, retryInMs: number): void;
}

const FIRST_RETRY_MS = 5;
const LAST_RETRY_MS = 30_000;

export function createWorkQueue(options: WorkQueueOptions): WorkQueue {
  return new KeyedQueue(options);
}

class KeyedQueue implements WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #concurrency: number;
  /** Insertion order is the order of work. */
  readonly #waiting = new Set<string>();
  readonly #running = new Map<string, Promise<void>>();
  /** Came again while it ran. */
  readonly #again = new Set<string>();
  readonly #timers = new Map<string, { readonly dueMs: number; readonly timer: ClockTimer }>();
  readonly #failures = new Map<string, number>();
  #open = false;
  #scheduled = false;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
    this.#concurrency = options.concurrency ?? 4;
  }

  add(key: string): void {
    if (this.#running.has(key)) this.#again.add(key);
    else this.#waiting.add(key);
    this.#schedule();
  }

  addAfter(key: string, delayMs: number): void {
    const dueMs = this.#options.clock.monotonic() + delayMs;
    const present = this.#timers.get(key);
    if (present !== undefined && present.dueMs <= dueMs) return;
    present?.timer.cancel();
    const timer = this.#options.clock.after(delayMs, () => {
      this.#timers.delete(key);
      this.add(key);
    });
    this.#timers.set(key, { dueMs, timer });
  }

  start(): void {
    this.#open = true;
    this.#schedule();
  }

  async close(): Promise<void> {
    this.#open = false;
    for (const { timer } of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    this.#waiting.clear();
    await Promise.allSettled([...this.#running.values()]);
  }

  /** Later in this turn, so that all changes of one batch are seen before the work starts. */
  #schedule(): void {
    if (this.#scheduled || !this.#open) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#next();
    });
  }

  #next(): void {
    while (this.#open && this.#running.size < this.#concurrency) {
      const [key] = this.#waiting;
      if (key === undefined) return;
      this.#waiting.delete(key);
      this.#running.set(key, this.#work(key));
    }
  }

  async #work(key: string): Promise<void> {
    try {
      const againInMs = await this.#options.process(key);
      this.#failures.delete(key);
      if (againInMs !== undefined && this.#open) this.addAfter(key, againInMs);
    } catch (error) {
      const failures = (this.#failures.get(key) ?? 0) + 1;
      this.#failures.set(key, failures);
      const retryInMs = Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LAST_RETRY_MS);
      if (this.#open) {
        this.#options.onFailure(key, error, retryInMs);
        this.addAfter(key, retryInMs);
      }
    }
    this.#running.delete(key);
    if (this.#again.delete(key)) this.#waiting.add(key);
    this.#next();
  }
}
