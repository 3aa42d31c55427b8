/** Reads one HTTP/1.1 answer from pieces of any size and gives the lines of its body as they come. */
export interface HttpLines {
  push(piece: Uint8Array): void;
  /** 0 until the head has arrived. */
  readonly status: number;
  /** The last line without its end; of a refusal, all of it. */
  rest(): string;
  readonly ended: boolean;
}

/** Longest line and head. Units: bytes. */
const MAX_BYTES = 1024 * 1024;
/** Longest line that says how long a chunk is. Units: bytes. */
const MAX_LENGTH_LINE = 4096;

export function createHttpLines(onLine: (line: string) => void): HttpLines {
  return new Reader(onLine);
}

class Reader implements HttpLines {
  readonly #onLine: (line: string) => void;
  readonly #decoder = new TextDecoder();
  #bytes: Uint8Array = new Uint8Array(0);
  #text = "";
  #chunked = false;
  /** Bytes that the present chunk still has; -1: its length comes next; -2: the end of a chunk comes next. */
  #left = -1;
  status = 0;
  ended = false;

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  push(piece: Uint8Array): void {
    if (this.ended) return;
    this.#bytes = this.#bytes.length === 0 ? piece : Buffer.concat([this.#bytes, piece]);
    if (this.status === 0 && !this.#readHead()) return;
    if (!this.#chunked) {
      this.#take(this.#bytes.length);
      return;
    }
    while (!this.ended && this.#readChunk());
  }

  rest(): string {
    return this.#text;
  }

  #readHead(): boolean {
    const end = Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.length).indexOf("\r\n\r\n");
    if (end < 0) {
      this.ended = this.#bytes.length > MAX_BYTES;
      return false;
    }
    const head = new TextDecoder("latin1").decode(this.#bytes.subarray(0, end));
    this.status = Number(head.split(" ")[1]) || 502;
    this.#chunked = /\r\ntransfer-encoding: *chunked/i.test(head);
    this.#bytes = this.#bytes.subarray(end + 4);
    return true;
  }

  /** False: more bytes are needed. */
  #readChunk(): boolean {
    if (this.#left > 0) {
      const size = Math.min(this.#left, this.#bytes.length);
      if (size === 0) return false;
      this.#left -= size;
      this.#take(size);
      if (this.#left === 0) this.#left = -2;
      return true;
    }
    const end = this.#bytes.indexOf(10);
    if (end < 0) {
      this.ended = this.#bytes.length > MAX_LENGTH_LINE;
      return false;
    }
    const line = new TextDecoder("latin1").decode(this.#bytes.subarray(0, end)).trim();
    this.#bytes = this.#bytes.subarray(end + 1);
    if (this.#left === -2) {
      this.#left = -1;
      return true;
    }
    this.#left = Number.parseInt(line, 16);
    if (!(this.#left > 0)) this.ended = true;
    return true;
  }

  #take(size: number): void {
    this.#text += this.#decoder.decode(this.#bytes.subarray(0, size), { stream: true });
    this.#bytes = this.#bytes.subarray(size);
    // Of a refusal nobody reads more than a sentence.
    if (this.#text.length > MAX_BYTES && this.status !== 200) this.ended = true;
    if (this.status !== 200) return;
    let start = 0;
    for (let at = this.#text.indexOf("\n"); at >= 0; at = this.#text.indexOf("\n", start)) {
      this.#onLine(this.#text.slice(start, at));
      start = at + 1;
    }
    this.#text = this.#text.slice(start);
    if (this.#text.length > MAX_BYTES) this.ended = true;
  }
}
