// Hot path: several calls for each line of an access log.

/** Grown buffers above this are given back when they are empty. Units: bytes. */
const USUAL_BYTES = 80 * 1024;
/** Longer texts are left to the runtime; below, a call of it costs more than the loop. Source: measurement, Bun 1.4.5. Units: characters. */
const SHORT = 40;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Bytes that wait to be written, appended to without a string or an object for each line. */
export class LineBuffer {
  bytes = Buffer.allocUnsafeSlow(USUAL_BYTES);
  length = 0;

  /** UTF-8. */
  text(value: string): void {
    const { length } = value;
    // A character is three bytes at most for each of its code units.
    if (this.length + length * 3 > this.bytes.length) this.#grow(length * 3);
    const { bytes } = this;
    let at = this.length;
    if (length <= SHORT) {
      for (let i = 0; i < length; i++) {
        const code = value.charCodeAt(i);
        if (code > 0x7f) {
          at = this.length;
          break;
        }
        bytes[at++] = code;
      }
    }
    this.length = at === this.length && length > 0 ? at + bytes.write(value, at, "utf8") : at;
  }

  /** One byte for each character: what came from the network goes out as it came. */
  latin1(value: string): void {
    const { length } = value;
    if (this.length + length > this.bytes.length) this.#grow(length);
    const { bytes } = this;
    let at = this.length;
    if (length > SHORT) at += bytes.write(value, at, "latin1");
    else for (let i = 0; i < length; i++) bytes[at++] = value.charCodeAt(i);
    this.length = at;
  }

  /** A string of JSON. */
  quoted(value: string): void {
    const { length } = value;
    if (this.length + length + 2 > this.bytes.length) this.#grow(length + 2);
    const { bytes } = this;
    let at = this.length;
    bytes[at++] = QUOTE;
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      if (code < 0x20 || code > 0x7e || code === QUOTE || code === BACKSLASH) {
        this.text(JSON.stringify(value));
        return;
      }
      bytes[at++] = code;
    }
    bytes[at++] = QUOTE;
    this.length = at;
  }

  raw(value: Uint8Array): void {
    const { length } = value;
    if (this.length + length > this.bytes.length) this.#grow(length);
    const { bytes } = this;
    let at = this.length;
    if (length > SHORT) {
      bytes.set(value, at);
      at += length;
    } else for (let i = 0; i < length; i++) bytes[at++] = value[i] ?? 0;
    this.length = at;
  }

  /** Lets go of the first `count` bytes, which were written. */
  drop(count: number): void {
    if (count < this.length) this.bytes.copyWithin(0, count, this.length);
    this.length -= count;
    if (this.length === 0 && this.bytes.length > USUAL_BYTES) this.bytes = Buffer.allocUnsafeSlow(USUAL_BYTES);
  }

  #grow(room: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.length + room));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
  }
}
