// Hot path: heads are reused, because their flat storage is dearer than the stream itself.
import { createRequestHead, createResponseHead, type RequestHead, type ResponseHead } from "../http/message-head.ts";

const KEEP = 32;

/** Request heads of a server connection. A head belongs to its stream until `onClose` has returned. */
export class RequestHeadPool {
  readonly #free: RequestHead[] = [];

  take(): RequestHead {
    return this.#free.pop() ?? createRequestHead();
  }

  give(head: RequestHead): void {
    if (this.#free.length >= KEEP) return;
    head.headers.clear();
    this.#free.push(head);
  }
}

/** Response heads of a client connection. */
export class ResponseHeadPool {
  readonly #free: ResponseHead[] = [];

  take(): ResponseHead {
    return this.#free.pop() ?? createResponseHead();
  }

  give(head: ResponseHead): void {
    if (this.#free.length >= KEEP) return;
    head.headers.clear();
    this.#free.push(head);
  }
}
