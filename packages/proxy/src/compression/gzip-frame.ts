/**
 * Where in a gzip body its compressed bytes begin and end. The runtime's own reader of gzip loses what it has read when other bytes
 * follow; this one, like Envoy's, keeps it. Source: RFC 1952 2.3.
 */
export class GzipFrame {
  /** Bytes of the fixed head and of the checks at the end that are still to come. */
  #left = HEAD_BYTES;
  #state: "fixed" | "extra-size" | "extra" | "name" | "comment" | "check" | "data" | "end" = "fixed";
  #flags = 0;
  #size = 0;
  /** It begins otherwise than gzip. */
  broken = false;
  /** A member was read whole. */
  #whole = false;

  /** The compressed bytes are next. */
  get inData(): boolean {
    return this.#state === "data";
  }

  /** A member was read whole: what follows may be anything. */
  get whole(): boolean {
    return this.#whole;
  }

  /** The compressed bytes have ended. */
  dataEnds(): void {
    this.#state = "end";
    this.#left = CHECK_BYTES;
    this.#whole = true;
  }

  /** Reads head and end of members from `start`; gives where compressed bytes begin, or `end`. */
  skip(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end && this.#state !== "data" && !this.broken) {
      if (this.#state === "end" && this.#left === 0) {
        // Another member, or bytes that are none.
        if (bytes[at] !== 0x1f) {
          this.broken = true;
          return end;
        }
        this.#state = "fixed";
        this.#left = HEAD_BYTES;
      }
      this.#take(bytes[at++] ?? 0);
    }
    return at;
  }

  #take(byte: number): void {
    switch (this.#state) {
      case "fixed": {
        const at = HEAD_BYTES - this.#left--;
        if (at < MAGIC.length && byte !== MAGIC[at]) this.broken = true;
        if (at === MAGIC.length) this.#flags = byte;
        if (at === MAGIC.length && (byte & RESERVED) !== 0) this.broken = true;
        if (this.#left === 0) this.#next(EXTRA);
        return;
      }
      case "extra-size":
        this.#size |= byte << (8 * (2 - this.#left--));
        if (this.#left > 0) return;
        this.#left = this.#size;
        if (this.#size > 0) this.#state = "extra";
        else this.#next(NAME);
        return;
      case "extra":
        if (--this.#left === 0) this.#next(NAME);
        return;
      case "name":
        if (byte === 0) this.#next(COMMENT);
        return;
      case "comment":
        if (byte === 0) this.#next(CHECK);
        return;
      case "check":
        if (--this.#left === 0) this.#state = "data";
        return;
      case "end":
        this.#left--;
        return;
      case "data":
        return;
    }
  }

  /** The first part of the head that is there, from `part` on. */
  #next(part: number): void {
    this.#left = 2;
    this.#size = 0;
    if (part <= EXTRA && (this.#flags & 4) !== 0) this.#state = "extra-size";
    else if (part <= NAME && (this.#flags & 8) !== 0) this.#state = "name";
    else if (part <= COMMENT && (this.#flags & 16) !== 0) this.#state = "comment";
    else this.#state = (this.#flags & 2) !== 0 ? "check" : "data";
  }
}

const HEAD_BYTES = 10;
/** The sum of the bytes and their number. */
const CHECK_BYTES = 8;
/** gzip, deflate. */
const MAGIC = [0x1f, 0x8b, 8];
const RESERVED = 0xe0;
const EXTRA = 0;
const NAME = 1;
const COMMENT = 2;
const CHECK = 3;
