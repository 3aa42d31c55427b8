// Hot path: entered for every socket event.

/** Something with output that should leave at the end of the present event. */
export interface Flushable {
  flush(): void;
}

/** Gathers the writes of one event, so that each connection does one system call for all of them. */
export interface FlushQueue {
  add(target: Flushable): void;
  /** A socket event begins: what is added until `leave` needs no extra wake-up. */
  enter(): void;
  /** The socket event ends: everything added goes out. */
  leave(): void;
}

class Queue implements FlushQueue {
  readonly #targets: (Flushable | undefined)[] = [];
  #count = 0;
  #depth = 0;
  #scheduled = false;
  readonly #runScheduled = () => {
    this.#scheduled = false;
    this.#run();
  };

  add(target: Flushable): void {
    this.#targets[this.#count++] = target;
    // Work that did not start in a socket event (a timer, a promise) has nobody who flushes after it.
    if (this.#depth === 0 && !this.#scheduled) {
      this.#scheduled = true;
      queueMicrotask(this.#runScheduled);
    }
  }

  enter(): void {
    this.#depth++;
  }

  leave(): void {
    if (this.#depth === 1) this.#run();
    this.#depth--;
  }

  #run(): void {
    for (let i = 0; i < this.#count; i++) {
      const target = this.#targets[i];
      this.#targets[i] = undefined;
      target?.flush();
    }
    this.#count = 0;
  }
}

export function createFlushQueue(): FlushQueue {
  return new Queue();
}
