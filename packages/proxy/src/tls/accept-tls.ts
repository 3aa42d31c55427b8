import type { Clock, ClockTimer } from "@heddle/std";
import { type NativeSocket, NO_EVENTS, type SocketEvents } from "../transport/bun-socket.ts";
import type { TlsState } from "../transport/connection.ts";
import type { Network } from "../transport/network.ts";
import type { StreamConnection } from "../transport/stream-connection.ts";
import { withHint } from "./handshake-hint.ts";
import { chooseAlpn } from "./multiplex-alpn.ts";
import { refusePeer } from "./san-check.ts";
import { alpnWire, type ReadyTls } from "./secure-context.ts";

/** Who waits for the server side of a handshake; one of both is called once. */
export interface AcceptTlsOwner {
  onSecured(connection: StreamConnection): void;
  onRefused(reason: string): void;
}

export interface AcceptTlsOptions {
  readonly ready: ReadyTls;
  readonly requireCertificate: boolean;
  /** The server's protocols, best first. */
  readonly alpn: readonly string[];
  /** The client's, from its hello. */
  readonly offered: readonly string[];
  /** HTTP is served here, so our own proxies may share a connection. */
  readonly multiplex: boolean;
  /** Units: ms. */
  readonly timeoutMs: number;
}

class Handshake implements SocketEvents {
  readonly #network: Network;
  readonly #connection: StreamConnection;
  readonly #options: AcceptTlsOptions;
  readonly #owner: AcceptTlsOwner;
  readonly #clock: Clock;
  readonly #timer: ClockTimer;
  #socket: NativeSocket | undefined;
  #done = false;

  constructor(
    network: Network,
    connection: StreamConnection,
    options: AcceptTlsOptions,
    owner: AcceptTlsOwner,
    clock: Clock,
  ) {
    this.#network = network;
    this.#connection = connection;
    this.#options = options;
    this.#owner = owner;
    this.#clock = clock;
    this.#timer = clock.after(options.timeoutMs, () => this.#refuse(`no TLS handshake within ${options.timeoutMs} ms`));
  }

  start(first: Uint8Array): void {
    const { ready, requireCertificate } = this.#options;
    const { alpn, offered, multiplex } = this.#options;
    // The runtime would end a handshake without a common protocol, so it only hears of the chosen one.
    const chosen = chooseAlpn(alpn, offered, multiplex);
    const wire = chosen === undefined ? undefined : alpnWire([chosen]);
    this.#connection.pinAddresses();
    const raw = this.#network.silence(this.#connection.socket);
    raw.data = NO_EVENTS;
    const [, secure] = raw.upgradeTLS({
      isServer: true,
      initialData: first,
      data: this,
      tls: {
        secureContext: ready.context,
        requestCert: requireCertificate || ready.asksPeer || ready.pins !== undefined,
        rejectUnauthorized: requireCertificate && ready.verifyChain,
        ...(wire === undefined ? {} : { ALPNProtocols: wire }),
      },
      socket: this.#network.handlers,
    });
    this.#socket = secure;
    this.#connection.adopt(secure);
  }

  socketOpened(socket: NativeSocket): void {
    this.#socket = socket;
  }

  socketHandshake(socket: NativeSocket, ok: boolean, error: Error | null): void {
    if (this.#done) return;
    const state = this.#network.handshakes.read(socket);
    // `ok` says that keys were agreed on; what is wrong with the certificate comes as an error beside it.
    const chainError = error?.message ?? (ok ? this.#expiry(state) : "the handshake failed");
    const { ready, requireCertificate } = this.#options;
    if (!ok && state.peer === undefined) {
      this.#refuse(withHint(chainError ?? "the handshake failed"));
      return;
    }
    const refusal = refusePeer({ ...ready, required: requireCertificate }, state.peer, chainError);
    if (refusal !== undefined) {
      this.#refuse(refusal);
      return;
    }
    this.#done = true;
    this.#timer.cancel();
    const verified = state.peer !== undefined && (chainError === undefined || ready.pins !== undefined);
    const known = verified ? { ...state, verified } : state;
    this.#connection.tls = ready.own === undefined ? known : { ...known, own: ready.own };
    socket.data = this.#connection;
    this.#owner.onSecured(this.#connection);
  }

  /** A handshake that goes on from an earlier one does not check the certificate again. Source: Envoy reverifies on resumption. */
  #expiry({ reused, peer }: TlsState): string | undefined {
    const over = reused && peer?.untilMs !== undefined && peer.untilMs <= this.#clock.now();
    return over ? "certificate has expired" : undefined;
  }

  socketData(): void {}
  socketDrain(): void {}

  socketEnd(): void {
    this.#refuse("the client ended the connection during the handshake");
  }

  socketError(error: Error): void {
    this.#refuse(withHint(error.message));
  }

  socketClosed(error: Error | undefined): void {
    this.#refuse("the client closed the connection during the handshake");
    this.#connection.socketClosed(error);
  }

  #refuse(reason: string): void {
    if (this.#done) return;
    this.#done = true;
    this.#timer.cancel();
    this.#owner.onRefused(reason);
    this.#socket?.terminate();
  }
}

/** Runs the server side of TLS on a connection whose first bytes were already read. */
export function acceptTls(
  network: Network,
  connection: StreamConnection,
  first: Uint8Array,
  options: AcceptTlsOptions,
  owner: AcceptTlsOwner,
  clock: Clock,
): void {
  new Handshake(network, connection, options, owner, clock).start(first);
}
