// Hot path: entered for every socket event.
import type { YoungCollector } from "./young-collector.ts";

/** Something with output that should leave before the event loop waits again. */
export interface Flushable {
  flush(): void;
}

/** Gathers the writes of one turn of the event loop, so that each connection does one system call for all of them. */
export interface FlushQueue {
  add(target: Flushable): void;
  /** A socket event begins: what is added until `leave` needs no extra wake-up. */
  enter(): void;
  /** A socket event brought bytes. */
  read(bytes: number): void;
  /** The socket event ends: what was added goes out when the turn is over. */
  leave(): void;
}

class Queue implements FlushQueue {
  readonly #targets: (Flushable | undefined)[] = [];
  readonly #garbage: YoungCollector | undefined;
  #count = 0;
  #depth = 0;
  #scheduled = false;
  readonly #runScheduled = () => {
    this.#scheduled = false;
    this.#run();
    this.#garbage?.rest();
  };

  constructor(garbage: YoungCollector | undefined) {
    this.#garbage = garbage;
  }

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

  read(bytes: number): void {
    this.#garbage?.read(bytes);
  }

  leave(): void {
    // All sockets that are ready have their turn before anything is sent: answers that share a connection then share a system call too.
    if (--this.#depth === 0 && this.#count > 0 && !this.#scheduled) {
      this.#scheduled = true;
      setImmediate(this.#runScheduled);
    }
  }

  #run(): void {
    this.#depth++;
    for (let i = 0; i < this.#count; i++) {
      const target = this.#targets[i];
      this.#targets[i] = undefined;
      target?.flush();
    }
    this.#count = 0;
    this.#depth--;
  }
}

export function createFlushQueue(garbage?: YoungCollector): FlushQueue {
  return new Queue(garbage);
}
