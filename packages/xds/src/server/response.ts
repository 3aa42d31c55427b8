import { type EncodedResource, PiecedResource } from "../resource.ts";

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
  return whole(response, listOf("sotw", response));
}

/** Encodes a `DeltaDiscoveryResponse`. */
export function encodeDeltaResponse(response: OutgoingResponse): Uint8Array {
  return whole(response, listOf("delta", response));
}

/** Lists that are worth keeping. Source: bench control-plane, where 500 proxies get the same thousand resources. Units: bytes. */
const LARGE = 64 * 1024;

/** Shorter lists are as quickly written as compared. */
const LONG = 8;

/** The field `resources` with all its elements. */
interface ResourceList {
  /** Units: bytes. */
  readonly size: number;
  writeTo(out: Frame): void;
}

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
    return whole(response, this.#list(dialect, response));
  }

  forget(): void {
    this.#kept.length = 0;
    this.#keptBytes = 0;
  }

  #list(dialect: "sotw" | "delta", response: OutgoingResponse): ResourceList {
    const { resources } = response;
    if (resources.length < LONG) return listOf(dialect, response);
    const at = this.#kept.findIndex((list) => list.dialect === dialect && same(list.resources, resources));
    const [known] = at < 0 ? [] : this.#kept.splice(at, 1);
    if (known !== undefined) {
      this.#kept.push(known);
      return listOfBytes(known.bytes);
    }
    const list = listOf(dialect, response);
    if (list.size < LARGE) return list;
    const out = new Frame(list.size);
    list.writeTo(out);
    const { bytes } = out;
    this.#kept.push({ dialect, resources, bytes });
    this.#keptBytes += bytes.length;
    while (this.#keptBytes > this.#limit) this.#keptBytes -= this.#kept.shift()?.bytes.length ?? 0;
    return listOfBytes(bytes);
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
function whole(response: OutgoingResponse, resources: ResourceList): Uint8Array {
  const { version, typeUrl, nonce, removed } = response;
  let size = textSize(version) + resources.size + textSize(typeUrl) + textSize(nonce);
  for (const name of removed) size += textSize(name);
  const out = new Frame(size);
  out.text(1, version);
  resources.writeTo(out);
  out.text(4, typeUrl);
  out.text(5, nonce);
  for (const name of removed) out.text(6, name);
  return out.bytes;
}

function listOfBytes(bytes: Uint8Array): ResourceList {
  return { size: bytes.length, writeTo: (out) => out.raw(bytes) };
}

function listOf(dialect: "sotw" | "delta", { typeUrl, resources }: OutgoingResponse): ResourceList {
  const type = textSize(typeUrl);
  let size = 0;
  for (const resource of resources) size += fieldSize(elementSize(dialect, type, resource));
  const writeTo = (out: Frame): void => {
    for (const resource of resources) {
      const body = bodySize(resource);
      out.head(2, elementSize(dialect, type, resource));
      if (dialect === "delta") {
        out.text(1, resource.version);
        out.head(2, type + fieldSize(body));
      }
      out.text(1, typeUrl);
      out.head(2, body);
      if (resource instanceof PiecedResource) for (const piece of resource.pieces) out.raw(piece);
      else out.raw(resource.body);
      if (dialect === "delta") out.text(3, resource.name);
    }
  };
  return { size, writeTo };
}

const bodySize = (resource: EncodedResource): number =>
  resource instanceof PiecedResource ? resource.length : resource.body.length;

/** State of the world: an `Any`; delta: a `Resource` with name and version around it. */
function elementSize(dialect: "sotw" | "delta", type: number, resource: EncodedResource): number {
  const any = type + fieldSize(bodySize(resource));
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
