/** A host's address as clients keep it. Source: Envoy `source/extensions/http/stateful_session/cookie/cookie.proto`. */
export interface SessionCookie {
  /** `1.2.3.4:80`; "": it says none. */
  readonly address: string;
  /** 0: never. Units: s since 1970. */
  readonly expires: number;
}

const ADDRESS = 0x0a;
const EXPIRES = 0x10;

/** In protobuf's form. */
export function writeSessionCookie({ address, expires }: SessionCookie): Buffer {
  const text = Buffer.from(address);
  const bytes: number[] = [ADDRESS, ...varint(text.length), ...text];
  if (expires !== 0) bytes.push(EXPIRES, ...varint(expires));
  return Buffer.from(bytes);
}

function varint(value: number): readonly number[] {
  const bytes: number[] = [];
  let left = value;
  for (; left >= 0x80; left = Math.floor(left / 0x80)) bytes.push((left % 0x80) | 0x80);
  return [...bytes, left];
}

/** Undefined: the bytes are no such message. Fields that it does not have are passed over, as protobuf does. */
export function readSessionCookie(bytes: Uint8Array): SessionCookie | undefined {
  const reader = new Reader(bytes);
  let address = "";
  let expires = 0;
  while (reader.left > 0) {
    const tag = reader.varint();
    if (tag === ADDRESS) address = Buffer.from(reader.take(reader.varint())).toString("utf8");
    else if (tag === EXPIRES) expires = reader.varint();
    else reader.skip(tag);
    if (reader.broken) return undefined;
  }
  return { address, expires };
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;
  /** It went on where there was nothing, or met what protobuf does not have. */
  broken = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  varint(): number {
    let value = 0;
    for (let power = 1; power < 2 ** 64; power *= 0x80) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) break;
      value += (byte & 0x7f) * power;
      if (byte < 0x80) return value;
    }
    this.broken = true;
    return 0;
  }

  take(length: number): Uint8Array {
    if (length > this.left) this.broken = true;
    const part = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return part;
  }

  skip(tag: number): void {
    const kind = tag & 7;
    if (tag < 8) this.broken = true;
    else if (kind === 0) this.varint();
    else if (kind === 1) this.take(8);
    else if (kind === 2) this.take(this.varint());
    else if (kind === 5) this.take(4);
    else this.broken = true;
  }
}
