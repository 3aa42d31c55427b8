// Hot path: every chunk of a gRPC request and of its response.
import { GRPC_PREFIX_BYTES } from "@heddle/wire";

/** Counts the messages of one direction, however its bytes are cut. Source: gRPC over HTTP/2, "Length-Prefixed-Message". */
export class GrpcMessages {
  /** A message counts as soon as its length is known, as in Envoy. */
  count = 0;
  /** Bytes of the prefix that have come. */
  #prefix = 0;
  #length = 0;
  /** Bytes of the message that are to come. */
  #left = 0;

  read(bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    while (at < end) {
      if (this.#left > 0) {
        const step = Math.min(this.#left, end - at);
        this.#left -= step;
        at += step;
        continue;
      }
      if (this.#prefix > 0) this.#length = this.#length * 256 + (bytes[at] ?? 0);
      this.#prefix++;
      at++;
      if (this.#prefix < GRPC_PREFIX_BYTES) continue;
      this.count++;
      this.#left = this.#length;
      this.#prefix = 0;
      this.#length = 0;
    }
  }
}
