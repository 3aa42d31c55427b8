import type { BufferConfig } from "../config/filters/buffer.ts";
import type { FilterCall, HttpFilter } from "./http-filter.ts";

/** Keeps a request back until its body is complete. Source: Envoy `envoy.filters.http.buffer`. */
class BufferFilter implements HttpFilter {
  readonly #maxBytes: number;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  onRequest(call: FilterCall): boolean {
    if (this.#maxBytes === 0) return true;
    call.readBody(this.#maxBytes, ({ bytes, partial }) => {
      if (partial || bytes.length > this.#maxBytes) {
        call.reply({ status: 413, body: "Payload Too Large", details: "request_payload_too_large", flag: "-" });
        return;
      }
      const { headers } = call.request;
      // The length is known now, which servers may want that don't take chunks.
      if (bytes.length > 0 && !headers.has("content-length")) headers.append("content-length", String(bytes.length));
      call.resume();
    });
    return false;
  }
}

export function createBufferFilter(config: BufferConfig): HttpFilter {
  return new BufferFilter(config.maxBytes);
}
