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

/** Encodes a `DiscoveryResponse`. By hand, because the resources are bytes already and only need their frame. */
export function encodeSotwResponse(response: OutgoingResponse): Uint8Array {
  const out = new Frame();
  out.text(1, response.version);
  for (const resource of response.resources)
    out.nested(2, (any) => any.text(1, response.typeUrl).bytes(2, resource.body));
  return out.text(4, response.typeUrl).text(5, response.nonce).finish();
}

/** Encodes a `DeltaDiscoveryResponse`. */
export function encodeDeltaResponse(response: OutgoingResponse): Uint8Array {
  const out = new Frame();
  out.text(1, response.version);
  for (const resource of response.resources) {
    out.nested(2, (entry) =>
      entry
        .text(1, resource.version)
        .nested(2, (any) => any.text(1, response.typeUrl).bytes(2, resource.body))
        .text(3, resource.name),
    );
  }
  out.text(4, response.typeUrl).text(5, response.nonce);
  for (const name of response.removed) out.text(6, name);
  return out.finish();
}

const encoder = new TextEncoder();

/** Collects length-delimited fields as chunks and joins them once. */
class Frame {
  readonly #chunks: Uint8Array[] = [];
  #length = 0;

  text(field: number, value: string): this {
    return value === "" ? this : this.bytes(field, encoder.encode(value));
  }

  bytes(field: number, value: Uint8Array): this {
    this.#head(field, value.length);
    return this.#push(value);
  }

  nested(field: number, write: (inner: Frame) => void): this {
    const inner = new Frame();
    write(inner);
    this.#head(field, inner.#length);
    for (const chunk of inner.#chunks) this.#push(chunk);
    return this;
  }

  finish(): Uint8Array {
    const whole = new Uint8Array(this.#length);
    let offset = 0;
    for (const chunk of this.#chunks) {
      whole.set(chunk, offset);
      offset += chunk.length;
    }
    return whole;
  }

  #head(field: number, length: number): void {
    const head: number[] = [(field << 3) | 2];
    let rest = length;
    for (; rest > 0x7f; rest = Math.floor(rest / 128)) head.push((rest % 128) | 0x80);
    head.push(rest);
    this.#push(Uint8Array.from(head));
  }

  #push(chunk: Uint8Array): this {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    return this;
  }
}
