import { Duplex } from "node:stream";
import { inNetworkNamespace } from "@heddle/netlink";
import type { NodeContext } from "../node-context.ts";

/** A TCP connection to a port inside a pod's network. */
export class PodSocket extends Duplex {
  #socket: Bun.Socket | undefined;
  #pending: { readonly rest: Uint8Array; readonly done: (error?: Error | null) => void } | undefined;
  #ended = false;

  constructor() {
    super({ allowHalfOpen: true });
  }

  /** Bun's handlers of this connection. */
  get handlers(): Bun.SocketHandler {
    return {
      data: (socket, chunk) => {
        if (!this.push(chunk)) socket.pause();
      },
      drain: () => this.#flush(),
      end: () => this.#endInput(),
      close: () => {
        this.#endInput();
        this.#pending?.done(new Error("connection closed"));
        this.#pending = undefined;
        this.destroy();
      },
      error: (_socket, error) => void this.destroy(error),
    };
  }

  opened(socket: Bun.Socket): void {
    this.#socket = socket;
  }

  #endInput(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.push(null);
  }

  #flush(): void {
    const pending = this.#pending;
    this.#pending = undefined;
    if (pending) this.#send(pending.rest, pending.done);
  }

  /** Native sockets take what fits; the rest waits for `drain`. */
  #send(data: Uint8Array, done: (error?: Error | null) => void): void {
    const sent = this.#socket?.write(data) ?? -1;
    if (sent < 0) done(new Error("connection closed"));
    else if (sent < data.length) this.#pending = { rest: data.subarray(sent), done };
    else done();
  }

  override _read(): void {
    this.#socket?.resume();
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error | null) => void): void {
    this.#send(Uint8Array.from(chunk), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket?.shutdown();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket?.end();
    done(error);
  }
}

/**
 * Connects to 127.0.0.1 of a pod. The socket is made while this thread is in the pod's network namespace and stays there; nothing else
 * of the node does. Errors: rejects in the words of Go's dialler, which users know from Kubernetes.
 */
export async function connectToPod(
  node: NodeContext,
  networkNamespace: string | undefined,
  port: number,
): Promise<PodSocket> {
  const stream = new PodSocket();
  const dial = (): Promise<Bun.Socket> =>
    Bun.connect<undefined>({ hostname: "127.0.0.1", port, allowHalfOpen: true, socket: stream.handlers });
  try {
    stream.opened(
      await (networkNamespace === undefined ? dial() : inNetworkNamespace(node.libc, networkNamespace, dial)),
    );
    return stream;
  } catch (error) {
    stream.on("error", () => {});
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    const reason =
      code === "ECONNREFUSED" ? "connection refused" : error instanceof Error ? error.message : String(error);
    throw new Error(`dial tcp4 127.0.0.1:${port}: connect: ${reason}`);
  }
}
