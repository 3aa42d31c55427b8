import { createSpareMemory } from "@heddle/wire";
import type { SocketAddress } from "./address.ts";
import { asBunHandlers, type NativeHandlers, type NativeSocket, NO_EVENTS, type SocketEvents } from "./bun-socket.ts";
import type { FlushQueue } from "./flush-queue.ts";
import type { Kernel } from "./kernel.ts";
import { createNativeHandlers } from "./native-handlers.ts";
import { type ConnectionShared, StreamConnection } from "./stream-connection.ts";
import { createHandshakeReader, type HandshakeReader } from "./tls-state.ts";

/** Takes connections of a bound port. */
export type AcceptHandler = (connection: StreamConnection) => void;

/** A bound port. */
export interface BoundPort {
  readonly address: SocketAddress | { readonly path: string };
  /** No new connections; those that are there go on. */
  stop(): void;
  /** Who wants to connect is passed over from now on; those whose connection is being made are still accepted, until `stop`. */
  refuseNew(): void;
  /** Stops for a while: new connections are refused, or taken by who else listens on the port. Errors: throws when the port is no longer free. */
  setAccepting(on: boolean): void;
}

/** Who binds ports: this process alone, or the first or one of the others of several that share them (SO_REUSEPORT). */
export type PortSharing = "alone" | "first" | "others";

/** Sockets of this process. */
export interface Network {
  readonly kernel: Kernel;
  readonly queue: FlushQueue;
  readonly shared: ConnectionShared;
  readonly handlers: NativeHandlers;
  /** The same without `data`, for sockets that become TLS: what stays of the plain socket would get a copy of all ciphertext. */
  readonly silentHandlers: NativeHandlers;
  readonly handshakes: HandshakeReader;
  /**
   * The connection of an accepted socket over a socket of its own with the silent handlers; the accepted one, which shares the handlers of its
   * listener, is gone then without an event. Gives the accepted one itself where no descriptor is left.
   */
  silence(accepted: NativeSocket): NativeSocket;
  /** Errors: throws what the system says (address in use, no permission). */
  listen(at: SocketAddress | { readonly path: string }, accept: AcceptHandler): BoundPort;
}

/** What listens at present. */
interface Listening {
  /** Missing from Bun's published types. */
  readonly fd?: number;
  stop(closeActive: boolean): void;
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
    connection.counted = true;
    this.#shared.accepted++;
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

class Port implements BoundPort {
  readonly address: BoundPort["address"];
  readonly #kernel: Kernel;
  readonly #listen: () => Listening;
  #server: Listening | undefined;
  #stopped = false;

  constructor(kernel: Kernel, address: BoundPort["address"], listen: () => Listening, server = listen()) {
    this.#kernel = kernel;
    this.address = address;
    this.#listen = listen;
    this.#server = server;
  }

  stop(): void {
    this.#stopped = true;
    this.setAccepting(false);
  }

  refuseNew(): void {
    this.#stopped = true;
    const fd = this.#server?.fd ?? -1;
    if (fd >= 0 && !("path" in this.address)) this.#kernel.refuseNew(fd);
  }

  setAccepting(on: boolean): void {
    if (on && !this.#stopped) this.#server ??= this.#listen();
    if (on) return;
    this.#server?.stop(false);
    this.#server = undefined;
  }
}

class BunNetwork implements Network {
  readonly kernel: Kernel;
  readonly queue: FlushQueue;
  readonly shared: ConnectionShared;
  readonly handlers: NativeHandlers;
  readonly silentHandlers: NativeHandlers;
  readonly handshakes = createHandshakeReader();
  readonly #ports: PortSharing;

  constructor(kernel: Kernel, queue: FlushQueue, ports: PortSharing) {
    this.#ports = ports;
    this.kernel = kernel;
    this.queue = queue;
    this.shared = { queue, kernel, spare: createSpareMemory(), nextId: 1, accepted: 0 };
    this.handlers = createNativeHandlers(queue);
    const { data: _, ...silent } = this.handlers;
    this.silentHandlers = silent;
  }

  listen(at: SocketAddress | { readonly path: string }, accept: AcceptHandler): BoundPort {
    // A path can't be shared, and a port that the system chooses differs in each process: the first one serves those alone.
    if (this.#ports === "others" && ("path" in at || at.port === 0))
      return { address: at, stop() {}, refuseNew() {}, setAccepting() {} };
    const acceptor = new Acceptor(this.shared, accept);
    const common = {
      allowHalfOpen: true,
      data: acceptor as SocketEvents,
      socket: asBunHandlers(this.#acceptHandlers(acceptor)),
    };
    if ("path" in at) {
      return new Port(this.kernel, at, () => Bun.listen<SocketEvents>({ unix: at.path, ...common }));
    }
    let { port } = at;
    const listen = () => {
      const options = { hostname: at.ip, port, reusePort: this.#ports !== "alone", ...common };
      const server = Bun.listen<SocketEvents>(options);
      port = server.port;
      return server;
    };
    const server = listen();
    return new Port(this.kernel, { ip: at.ip, port }, listen, server);
  }

  silence(accepted: NativeSocket): NativeSocket {
    const fd = this.kernel.duplicate(accepted.fd);
    if (fd < 0) return accepted;
    let opened: NativeSocket | undefined;
    const data: SocketEvents = {
      ...NO_EVENTS,
      socketOpened(socket) {
        opened = socket;
      },
    };
    // `fd` is missing from Bun's published types. A descriptor that is connected opens at once.
    const options = { fd, allowHalfOpen: true, data, socket: asBunHandlers(this.silentHandlers) };
    Bun.connect<SocketEvents>(options as unknown as Bun.TCPSocketConnectOptions<SocketEvents>).catch(() => undefined);
    if (opened === undefined) return accepted;
    accepted.data = NO_EVENTS;
    accepted.close();
    return opened;
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
