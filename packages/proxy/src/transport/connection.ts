import type { OutputBuffer } from "@heddle/wire";
import type { TlsSession } from "../tls/tls-session.ts";
import type { SocketAddress } from "./address.ts";

/** Why a connection ended before both sides had finished. */
export interface ConnectionError {
  readonly kind: "reset" | "timeout" | "refused" | "unreachable" | "tls" | "other";
  readonly message: string;
}

/** What a connection tells its owner. Called from the event loop, never from inside a call to the connection (but for `abort`). */
export interface ConnectionHandler {
  onData(chunk: Uint8Array): void;
  /** The peer will send nothing more; our direction stays open. */
  onEnd(): void;
  /** The kernel took output: producers that stopped may go on while `writable`. */
  onDrain(): void;
  /** Always the last call, exactly once. `undefined` for an orderly end. */
  onClose(error: ConnectionError | undefined): void;
}

/** Facts about the peer that the TLS handshake proved. */
export interface PeerIdentity {
  /** URI subject alternative names, in the certificate's order. */
  readonly uriSans: readonly string[];
  readonly dnsSans: readonly string[];
  readonly subject: string;
  /** DER of the leaf. */
  readonly certificate: Uint8Array | undefined;
  /** DER of the certificates that were sent behind it, nearest issuer first. */
  readonly issuers?: readonly Uint8Array[];
  /** End of the leaf's validity. Units: ms since 1970. */
  readonly untilMs?: number;
}

/** State of a finished TLS handshake. */
export interface TlsState {
  readonly version: string;
  /** In OpenSSL's words. */
  readonly cipher: string;
  readonly alpn: string | undefined;
  readonly sni: string | undefined;
  readonly peer: PeerIdentity | undefined;
  /** Our roots or pins cover the peer's certificate. Only of clients' connections. */
  readonly verified?: boolean;
  /** It went on from an earlier handshake. */
  readonly reused: boolean;
  /** Our own certificate; undefined: we showed none. */
  readonly own?: OwnIdentity | undefined;
}

/** A certificate that is taken apart when somebody asks. */
export interface OwnIdentity {
  identity(): PeerIdentity;
}

/** When an outgoing connection was made. Units: ms of the monotonic clock; -1: not. */
export interface DialTimes {
  readonly dialledMs: number;
  readonly connectedMs: number;
  readonly securedMs: number;
}

/** A byte stream; the seam between the event loop and everything above. Writes of one event leave in one system call. */
export interface Connection {
  /** Who gets the events; may be replaced at any time by the present owner. */
  handler: ConnectionHandler;
  /** Bytes that wait for the kernel. A codec puts its own buffer here while nothing waits. */
  output: OutputBuffer;
  readonly id: number;
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  readonly tls: TlsState | undefined;
  /** Asked of the runtime the first time that it is read, which must be while the connection is open. */
  readonly tlsSession: TlsSession | undefined;
  /** The kernel's newest estimate; after the end the last that was read. Units: ms; undefined: never read. */
  readonly roundTripMs: number | undefined;
  /** Undefined: it was accepted. */
  readonly times: DialTimes | undefined;
  readonly closed: boolean;
  /** We ended it, not the peer. */
  readonly endedHere: boolean;
  /** False while more output waits than the limit; `onDrain` follows. */
  readonly writable: boolean;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Sends bytes; what the kernel does not take at once is copied. */
  write(bytes: Uint8Array): void;
  /** `output` was filled: send it before the present event ends. */
  wantsFlush(): void;
  /**
   * More bytes that already wait, also while it is paused: without the copy and the allocation of `onData`. They are valid until the next
   * event. Undefined when none wait, and with TLS.
   */
  readAhead(): Uint8Array | undefined;
  /** The handler keeps nothing of a chunk that `onData` gave it: its memory may be used again at once, not after the next collection. */
  recycle(chunk: Uint8Array): void;
  pause(): void;
  resume(): void;
  /** Sends what waits, then ends our direction. */
  shutdown(): void;
  /** Sends what waits, then closes both directions. */
  close(): void;
  /** Closes at once; the peer sees a reset where the system can send one. */
  abort(): void;
}

/** A handler for connections that nobody owns yet or any more. */
export const IGNORE_EVENTS: ConnectionHandler = {
  onData() {},
  onEnd() {},
  onDrain() {},
  onClose() {},
};
