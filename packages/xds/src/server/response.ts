import type { EncodedResource } from "../resource.ts";

/** A response before it is encoded; the same for both dialects. */
export interface OutgoingResponse {
  readonly typeUrl: string;
  readonly version: string;
  readonly nonce: string;
  readonly resources: readonly EncodedResource[];
  /** Names that are gone; only the delta dialect can say so. */
  readonly removed: readonly string[];
}

/** Encodes responses. By hand, because the resources are bytes already and only need their frame. */
export interface ResponseEncoder {
  encode(dialect: "sotw" | "delta", response: OutgoingResponse): Uint8Array;
  /** Drops what it keeps, when nothing is pushed any more. */
  forget(): void;
}

/** Encodes a `DiscoveryResponse`. */
export function encodeSotwResponse(response: OutgoingResponse): Uint8Array {
  return whole(response, framed("sotw", response));
}

/** Encodes a `DeltaDiscoveryResponse`. */
export function encodeDeltaResponse(response: OutgoingResponse): Uint8Array {
  return whole(response, framed("delta", response));
}

/** Lists that are worth keeping. Source: bench control-plane, where 500 proxies get the same thousand resources. Units: bytes. */
const LARGE = 64 * 1024;

interface FramedList {
  readonly dialect: "sotw" | "delta";
  readonly resources: readonly EncodedResource[];
  readonly bytes: Uint8Array;
}

/** Many proxies get the same long list one after the other; its bytes are then made once. */
class SharingEncoder implements ResponseEncoder {
  readonly #limit: number;
  /** The most recently used last. */
  readonly #kept: FramedList[] = [];
  #keptBytes = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  encode(dialect: "sotw" | "delta", response: OutgoingResponse): Uint8Array {
    return whole(response, this.#framed(dialect, response));
  }

  forget(): void {
    this.#kept.length = 0;
    this.#keptBytes = 0;
  }

  #framed(dialect: "sotw" | "delta", response: OutgoingResponse): Uint8Array {
    const { resources } = response;
    const at = this.#kept.findIndex((list) => list.dialect === dialect && same(list.resources, resources));
    const [known] = at < 0 ? [] : this.#kept.splice(at, 1);
    if (known !== undefined) {
      this.#kept.push(known);
      return known.bytes;
    }
    const bytes = framed(dialect, response);
    if (bytes.length < LARGE) return bytes;
    this.#kept.push({ dialect, resources, bytes });
    this.#keptBytes += bytes.length;
    while (this.#keptBytes > this.#limit) this.#keptBytes -= this.#kept.shift()?.bytes.length ?? 0;
    return bytes;
  }
}

function same(a: readonly EncodedResource[], b: readonly EncodedResource[]): boolean {
  return a.length === b.length && a.every((resource, i) => resource === b[i]);
}

/**
 * An encoder that keeps the bytes of the last long lists. Use one for all streams of a server.
 * @param limitBytes How much it may keep. Default: 64 MiB. Units: bytes.
 */
export function createResponseEncoder(limitBytes = 64 * 1024 * 1024): ResponseEncoder {
  return new SharingEncoder(limitBytes);
}

/** Both messages have the same numbers but for the removed names, which only delta responses hold. */
function whole(response: OutgoingResponse, resources: Uint8Array): Uint8Array {
  const { version, typeUrl, nonce, removed } = response;
  let size = textSize(version) + resources.length + textSize(typeUrl) + textSize(nonce);
  for (const name of removed) size += textSize(name);
  const out = new Frame(size);
  out.text(1, version);
  out.raw(resources);
  out.text(4, typeUrl);
  out.text(5, nonce);
  for (const name of removed) out.text(6, name);
  return out.bytes;
}

/** The field `resources` (2) with all its elements. */
function framed(dialect: "sotw" | "delta", { typeUrl, resources }: OutgoingResponse): Uint8Array {
  const type = textSize(typeUrl);
  let size = 0;
  for (const resource of resources) size += fieldSize(elementSize(dialect, type, resource));
  const out = new Frame(size);
  for (const resource of resources) {
    out.head(2, elementSize(dialect, type, resource));
    if (dialect === "delta") {
      out.text(1, resource.version);
      out.head(2, type + fieldSize(resource.body.length));
    }
    out.text(1, typeUrl);
    out.head(2, resource.body.length);
    out.raw(resource.body);
    if (dialect === "delta") out.text(3, resource.name);
  }
  return out.bytes;
}

/** State of the world: an `Any`; delta: a `Resource` with name and version around it. */
function elementSize(dialect: "sotw" | "delta", type: number, resource: EncodedResource): number {
  const any = type + fieldSize(resource.body.length);
  return dialect === "sotw" ? any : textSize(resource.version) + fieldSize(any) + textSize(resource.name);
}

const fieldSize = (length: number): number => 1 + varintSize(length) + length;
const textSize = (text: string): number => (text === "" ? 0 : fieldSize(Buffer.byteLength(text)));

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 128)) size++;
  return size;
}

/** Writes length-delimited fields into a buffer of the right size. */
class Frame {
  readonly bytes: Buffer;
  #at = 0;

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafeSlow(size);
  }

  head(field: number, length: number): void {
    this.bytes[this.#at++] = (field << 3) | 2;
    let rest = length;
    for (; rest > 0x7f; rest = Math.floor(rest / 128)) this.bytes[this.#at++] = (rest % 128) | 0x80;
    this.bytes[this.#at++] = rest;
  }

  raw(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  text(field: number, text: string): void {
    if (text === "") return;
    this.head(field, Buffer.byteLength(text));
    this.#at += this.bytes.write(text, this.#at);
  }
}
