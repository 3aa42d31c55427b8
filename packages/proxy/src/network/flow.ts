// Hot path: every byte of a TCP connection passes here.
import type { Connection } from "../transport/connection.ts";

/** A chunk of this size means that more waits, and is worth the call that frees it. Units: bytes. */
const BULK_BYTES = 65_536;
/** Reads before other connections have their turn. */
const READS_A_TURN = 8;

/** One direction of a TCP connection. */
export interface Flow {
  /** A chunk that came as an event goes on, and what waits behind bulk with it. */
  pass(chunk: Uint8Array): void;
  /** The receiver took output. */
  drained(): void;
}

/** Where a direction's bytes come from. */
export type FlowSource = Pick<Connection, "readAhead" | "recycle" | "pause" | "resume">;

/** Where they go. */
export interface FlowTarget extends Pick<Connection, "write" | "writable"> {
  readonly output: { readonly length: number };
}

/**
 * Bulk is read by ourselves for as long as some waits: without an event, an allocation and a copy of the runtime for each read. The sender's events
 * are off meanwhile, and after some reads all other connections have their turn. Nothing is read while the receiver has output that waits.
 */
class BulkFlow implements Flow {
  readonly #from: FlowSource;
  readonly #to: FlowTarget;
  readonly #count: (bytes: number) => void;
  /** The sender's events are off. */
  #held = false;
  #scheduled = false;
  /** A chunk is being written: what is read now would overtake it. */
  #passing = false;
  readonly #goOn = () => {
    this.#scheduled = false;
    this.#readAhead();
  };

  constructor(from: FlowSource, to: FlowTarget, count: (bytes: number) => void) {
    this.#from = from;
    this.#to = to;
    this.#count = count;
  }

  pass(chunk: Uint8Array): void {
    const bulk = chunk.length >= BULK_BYTES;
    this.#count(chunk.length);
    this.#passing = true;
    this.#to.write(chunk);
    this.#passing = false;
    if (bulk) {
      this.#from.recycle(chunk);
      this.#readAhead();
    } else if (!this.#to.writable) {
      this.#hold();
    } else {
      // A drain within the write was put off.
      this.drained();
    }
  }

  drained(): void {
    if (this.#held && !this.#scheduled && !this.#passing) this.#readAhead();
  }

  #readAhead(): void {
    const from = this.#from;
    const to = this.#to;
    for (let i = 0; i < READS_A_TURN; i++) {
      if (!to.writable || to.output.length > 0) {
        this.#hold();
        return;
      }
      const more = from.readAhead();
      if (more === undefined) {
        this.#held = false;
        from.resume();
        return;
      }
      this.#count(more.length);
      to.write(more);
    }
    this.#hold();
    this.#scheduled = true;
    setImmediate(this.#goOn);
  }

  #hold(): void {
    this.#held = true;
    this.#from.pause();
  }
}

/** @param count Hears of all bytes that were passed on. */
export function createFlow(from: FlowSource, to: FlowTarget, count: (bytes: number) => void): Flow {
  return new BulkFlow(from, to, count);
}
