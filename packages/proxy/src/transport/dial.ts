import type { Clock, ClockTimer } from "@heddle/std";
import type { SocketAddress } from "./address.ts";
import {
  asBunHandlers,
  type NativeSecureContext,
  type NativeSocket,
  NO_EVENTS,
  type SocketEvents,
} from "./bun-socket.ts";
import type { ConnectionError, OwnIdentity, TlsState } from "./connection.ts";
import { connectionError, errnoError } from "./connection-error.ts";
import type { DialOptions } from "./kernel.ts";
import type { Network } from "./network.ts";
import type { SessionStore } from "./session-store.ts";
import { StreamConnection } from "./stream-connection.ts";

/** TLS of an outgoing connection. */
export interface DialTls {
  readonly context: NativeSecureContext;
  /** Wire form: each protocol with its length before it. */
  readonly alpn: Uint8Array | undefined;
  readonly sni: string;
  /** Sessions of earlier handshakes; undefined: none are used. */
  readonly sessions: SessionStore | undefined;
  readonly own?: OwnIdentity | undefined;
  /** Checks the finished handshake; a text says why the peer is refused. */
  verify(state: TlsState, chainError: string | undefined): string | undefined;
}

export interface DialTarget extends DialOptions {
  readonly address: SocketAddress;
  readonly tls: DialTls | undefined;
  /** Sent before everything else, TLS too. */
  readonly greeting?: Uint8Array | undefined;
  /** TCP and TLS together. Units: ms. */
  readonly timeoutMs: number;
}

/** Who waits for a connection. Exactly one of both is called, unless the dial was cancelled. */
export interface DialOwner {
  onConnected(connection: StreamConnection): void;
  onConnectFailed(error: ConnectionError): void;
}

/** A connection attempt under way. */
export interface Dial {
  cancel(): void;
}

const CONNECTING = 0;
const SECURING = 1;
const DONE = 2;

class SocketDial implements Dial, SocketEvents {
  readonly #network: Network;
  readonly #target: DialTarget;
  readonly #owner: DialOwner;
  readonly #timer: ClockTimer;
  readonly #clock: Clock;
  readonly #dialledMs: number;
  #connectedMs = -1;
  #state = CONNECTING;
  /** The runtime has the socket, and the owner not yet the dial. */
  #starting = true;
  #raw: NativeSocket | undefined;
  #connection: StreamConnection | undefined;
  #failure: ConnectionError | undefined;
  #session: Uint8Array | undefined;

  constructor(network: Network, target: DialTarget, owner: DialOwner, clock: Clock) {
    this.#network = network;
    this.#target = target;
    this.#owner = owner;
    this.#clock = clock;
    this.#dialledMs = clock.monotonic();
    this.#timer = clock.after(target.timeoutMs, () => {
      this.#fail({ kind: "timeout", message: `no connection within ${target.timeoutMs} ms` });
      this.#raw?.terminate();
    });
    const fd = network.kernel.dial(target.address, target);
    if (fd < 0) {
      // Owners may not be called back before they have the dial in hand.
      queueMicrotask(() => this.#fail(errnoError(-fd)));
      return;
    }
    // `fd` is missing from Bun's published types.
    const handlers = target.tls === undefined ? network.handlers : network.silentHandlers;
    const options = { fd, allowHalfOpen: true, data: this as SocketEvents, socket: asBunHandlers(handlers) };
    Bun.connect<SocketEvents>(options as unknown as Bun.TCPSocketConnectOptions<SocketEvents>).catch(
      (error: unknown) => {
        this.#fail(error instanceof Error ? connectionError(error) : { kind: "other", message: String(error) });
      },
    );
    this.#starting = false;
    // Nearby servers may be connected already. Not from the runtime's event, after which it runs what was queued.
    if (this.#raw !== undefined) queueMicrotask(() => this.#openedAtOnce());
  }

  cancel(): void {
    if (this.#state === DONE) return;
    this.#state = DONE;
    this.#timer.cancel();
    this.#raw?.terminate();
  }

  socketOpened(socket: NativeSocket): void {
    if (this.#state === CONNECTING && this.#raw === undefined) {
      this.#raw = socket;
      if (!this.#starting) this.socketDrain();
      return;
    }
    if (this.#state === SECURING) {
      const { sessions, sni = "" } = this.#target.tls ?? {};
      const session = sessions?.take(sni);
      if (session !== undefined) socket.setSession(session);
      return;
    }
    if (this.#state === DONE && this.#connection === undefined) socket.terminate();
  }

  /** The first drain event is the end of the TCP handshake. */
  socketDrain(): void {
    if (this.#state !== CONNECTING || this.#raw === undefined) return;
    if (this.#network.kernel.connected(this.#raw.fd)) this.#connected(this.#raw);
  }

  #openedAtOnce(): void {
    const { queue } = this.#network;
    queue.enter();
    this.socketDrain();
    queue.leave();
  }

  socketHandshake(socket: NativeSocket, ok: boolean, error: Error | null): void {
    const tls = this.#target.tls;
    const connection = this.#connection;
    if (this.#state !== SECURING || tls === undefined || connection === undefined) return;
    const state = this.#network.handshakes.read(socket);
    // `ok` says that keys were agreed on; what is wrong with the certificate comes as an error beside it.
    // The runtime compares the server's host name too; meshes compare SPIFFE ids instead, which `verify` does.
    const chainError = ok && !error ? undefined : chainFailure(error);
    const refusal = tls.verify(state, chainError);
    if (refusal !== undefined) {
      this.#fail({ kind: "tls", message: refusal });
      socket.terminate();
      return;
    }
    connection.tls = tls.own === undefined ? state : { ...state, own: tls.own };
    connection.sessions = tls.sessions;
    if (this.#session !== undefined) connection.socketSession(socket, this.#session);
    socket.data = connection;
    this.#finish(connection);
  }

  /** With TLS 1.2 it comes before the end of the handshake: nothing of a server that is refused is kept. */
  socketSession(_socket: NativeSocket, session: Uint8Array): void {
    this.#session = session;
  }

  socketData(): void {}

  socketEnd(): void {
    this.#fail({ kind: "reset", message: "the peer ended the connection during its set-up" });
    this.#raw?.terminate();
  }

  socketClosed(error: Error | undefined): void {
    const failure = this.#failure ?? (error instanceof Error ? connectionError(error) : undefined);
    this.#fail(failure ?? { kind: "reset", message: "the connection closed during its set-up" });
  }

  socketError(error: Error): void {
    this.#failure ??= connectionError(error);
  }

  #connected(socket: NativeSocket): void {
    const connection = new StreamConnection(this.#network.shared, socket);
    this.#connectedMs = this.#clock.monotonic();
    this.#connection = connection;
    connection.pinAddresses();
    // A fresh connection takes the few bytes of a header at once.
    if (this.#target.greeting !== undefined) socket.write(this.#target.greeting);
    const tls = this.#target.tls;
    if (tls === undefined) {
      socket.data = connection;
      this.#finish(connection);
      return;
    }
    this.#state = SECURING;
    const [raw, secure] = socket.upgradeTLS({
      isServer: false,
      data: this,
      tls: {
        secureContext: tls.context,
        rejectUnauthorized: false,
        ...(tls.alpn === undefined ? {} : { ALPNProtocols: tls.alpn }),
        ...(tls.sni === "" ? {} : { serverName: tls.sni }),
      },
      socket: this.#network.handlers,
    });
    raw.data = NO_EVENTS;
    this.#raw = secure;
    connection.adopt(secure);
  }

  #finish(connection: StreamConnection): void {
    this.#state = DONE;
    this.#timer.cancel();
    connection.times = {
      dialledMs: this.#dialledMs,
      connectedMs: this.#connectedMs,
      securedMs: connection.tls === undefined ? -1 : this.#clock.monotonic(),
    };
    this.#owner.onConnected(connection);
  }

  #fail(error: ConnectionError): void {
    if (this.#state === DONE) return;
    this.#state = DONE;
    this.#timer.cancel();
    this.#owner.onConnectFailed(error);
  }
}

function chainFailure(error: Error | null): string | undefined {
  if (error === null) return "the handshake failed";
  const code = "code" in error ? String(error.code) : "";
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return undefined;
  return code === "" ? error.message : `${code}: ${error.message}`;
}

/** Starts a connection. The owner is never called before this returns. */
export function dial(network: Network, target: DialTarget, owner: DialOwner, clock: Clock): Dial {
  return new SocketDial(network, target, owner, clock);
}
