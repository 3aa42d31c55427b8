import type { SocketAddress } from "./address.ts";
import { asBunHandlers, type NativeHandlers, type NativeSocket, type SocketEvents } from "./bun-socket.ts";
import type { FlushQueue } from "./flush-queue.ts";
import type { Kernel } from "./kernel.ts";
import { createNativeHandlers } from "./native-handlers.ts";
import { type ConnectionShared, StreamConnection } from "./stream-connection.ts";

/** Takes connections of a bound port. */
export type AcceptHandler = (connection: StreamConnection) => void;

/** A bound port. */
export interface BoundPort {
  readonly address: SocketAddress | { readonly path: string };
  /** No new connections; those that are there go on. */
  stop(): void;
}

/** Who binds ports: this process alone, or the first or one of the others of several that share them (SO_REUSEPORT). */
export type PortSharing = "alone" | "first" | "others";

/** Sockets of this process. */
export interface Network {
  readonly kernel: Kernel;
  readonly queue: FlushQueue;
  readonly shared: ConnectionShared;
  readonly handlers: NativeHandlers;
  /** Errors: throws what the system says (address in use, no permission). */
  listen(at: SocketAddress | { readonly path: string }, accept: AcceptHandler): BoundPort;
}

class Acceptor implements SocketEvents {
  readonly #shared: ConnectionShared;
  readonly #accept: AcceptHandler;

  constructor(shared: ConnectionShared, accept: AcceptHandler) {
    this.#shared = shared;
    this.#accept = accept;
  }

  socketOpened(socket: NativeSocket): void {
    const connection = new StreamConnection(this.#shared, socket);
    socket.data = connection;
    this.#accept(connection);
  }
  socketHandshake(): void {}
  socketData(): void {}
  socketEnd(): void {}
  socketDrain(): void {}
  socketClosed(): void {}
  socketError(): void {}
}

class BunNetwork implements Network {
  readonly kernel: Kernel;
  readonly queue: FlushQueue;
  readonly shared: ConnectionShared;
  readonly handlers: NativeHandlers;
  readonly #ports: PortSharing;

  constructor(kernel: Kernel, queue: FlushQueue, ports: PortSharing) {
    this.#ports = ports;
    this.kernel = kernel;
    this.queue = queue;
    this.shared = { queue, nextId: 1 };
    this.handlers = createNativeHandlers(queue);
  }

  listen(at: SocketAddress | { readonly path: string }, accept: AcceptHandler): BoundPort {
    // A path can't be shared, and a port that the system chooses differs in each process: the first one serves those alone.
    if (this.#ports === "others" && ("path" in at || at.port === 0)) return { address: at, stop: () => undefined };
    const acceptor = new Acceptor(this.shared, accept);
    const common = {
      allowHalfOpen: true,
      data: acceptor as SocketEvents,
      socket: asBunHandlers(this.#acceptHandlers(acceptor)),
    };
    if ("path" in at) {
      const server = Bun.listen<SocketEvents>({ unix: at.path, ...common });
      return { address: at, stop: () => server.stop(false) };
    }
    const options = { hostname: at.ip, port: at.port, reusePort: this.#ports !== "alone", ...common };
    const server = Bun.listen<SocketEvents>(options);
    return { address: { ip: at.ip, port: server.port }, stop: () => server.stop(false) };
  }

  /** Each accepted socket starts with the listener's shared data, so `open` goes to the acceptor directly. */
  #acceptHandlers(acceptor: Acceptor): NativeHandlers {
    const queue = this.queue;
    return {
      ...this.handlers,
      open(socket) {
        queue.enter();
        acceptor.socketOpened(socket);
        queue.leave();
      },
    };
  }
}

export function createNetwork(kernel: Kernel, queue: FlushQueue, ports: PortSharing = "alone"): Network {
  return new BunNetwork(kernel, queue, ports);
}
