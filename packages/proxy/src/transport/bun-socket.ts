import type { SocketHandler } from "bun";

/** The native parts of Bun's sockets that its published types leave out. Source: Bun 1.4.5, `node:tls` inside the runtime. */
export interface NativeSocket {
  data: SocketEvents;
  readonly fd: number;
  readonly alpnProtocol: string | false | null;
  readonly authorized: boolean;
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  write(bytes: Uint8Array, offset?: number, length?: number): number;
  pause(): void;
  resume(): void;
  shutdown(): void;
  end(): void;
  /** Gives the descriptor back, and says nothing to the peer while another descriptor of the same connection is open. */
  close(): void;
  terminate(): void;
  getServername(): string | undefined | false;
  getTLSVersion(): string;
  /** Client, in `open`: a session to go on from. */
  setSession(session: Uint8Array): void;
  /** The handshake went on from a session. */
  isSessionReused(): boolean;
  /** DER; undefined: not TLS, or closed. */
  getSession(): Uint8Array | undefined;
  getCipher(): { readonly name: string } | undefined;
  getPeerCertificate(abbreviated?: boolean): NativeCertificate | undefined;
  getPeerX509Certificate(): { readonly raw: Buffer } | undefined;
  upgradeTLS(options: NativeUpgrade): [raw: NativeSocket, tls: NativeSocket];
}

export interface NativeCertificate {
  readonly subject?: Readonly<Record<string, string | string[]>>;
  readonly subjectaltname?: string;
  readonly valid_to?: string;
  readonly raw?: Uint8Array;
  /** Of the whole chain, where that was asked for; a root names itself. */
  readonly issuerCertificate?: NativeCertificate;
}

/** An SSL_CTX with keys parsed, shared by all connections of one configuration. */
export interface NativeSecureContext {
  readonly nativeSecureContext: unique symbol;
}

export interface NativeUpgrade {
  readonly isServer: boolean;
  /** Bytes read before the upgrade. */
  readonly initialData?: Uint8Array;
  readonly data: SocketEvents;
  readonly tls: {
    readonly secureContext: NativeSecureContext;
    readonly requestCert?: boolean;
    readonly rejectUnauthorized: boolean;
    readonly ALPNProtocols?: Uint8Array;
    readonly serverName?: string;
  };
  readonly socket: NativeHandlers;
}

/** Who receives a native socket's events; sits in its `data` field. */
export interface SocketEvents {
  socketOpened(socket: NativeSocket): void;
  socketHandshake(socket: NativeSocket, ok: boolean, error: Error | null): void;
  socketData(chunk: Uint8Array): void;
  /** The server gave a session to go on from; before or after the end of the handshake, once or more often. */
  socketSession?(socket: NativeSocket, session: Uint8Array): void;
  socketEnd(): void;
  socketDrain(): void;
  socketClosed(error: Error | undefined): void;
  socketError(error: Error): void;
}

export interface NativeHandlers {
  open(socket: NativeSocket): void;
  handshake(socket: NativeSocket, ok: boolean, error: Error | null): void;
  session?(socket: NativeSocket, session: Uint8Array): void;
  data?(socket: NativeSocket, chunk: Uint8Array): void;
  end(socket: NativeSocket): void;
  drain(socket: NativeSocket): void;
  close(socket: NativeSocket, error?: Error): void;
  error(socket: NativeSocket, error: Error): void;
}

/** From this size on freeing a chunk's memory at once is worth the call. Units: bytes. */
export const BULK_BYTES = 65_536;

/** Frees the memory of a chunk now, not at the next collection: the next chunk then gets the same, still in the processor's cache. */
export function freeChunk(chunk: Uint8Array): void {
  const { buffer } = chunk;
  if (buffer instanceof ArrayBuffer && buffer.byteLength === chunk.byteLength) buffer.transfer(0);
}

/** The raw half of an upgraded socket also sees the ciphertext; nobody listens there. */
export const NO_EVENTS: SocketEvents = {
  socketOpened() {},
  socketHandshake() {},
  socketData(chunk) {
    if (chunk.length >= BULK_BYTES) freeChunk(chunk);
  },
  socketEnd() {},
  socketDrain() {},
  socketClosed() {},
  socketError() {},
};

/** Handlers in the form that Bun's types ask for. */
export function asBunHandlers(handlers: NativeHandlers): SocketHandler<SocketEvents> {
  return handlers as unknown as SocketHandler<SocketEvents>;
}
