import type { SocketAddress } from "./address.ts";

/** Why a connection ended before both sides had finished. */
export interface ConnectionError {
  readonly kind: "reset" | "timeout" | "refused" | "unreachable" | "tls" | "other";
  readonly message: string;
}

/** What a connection tells its owner. Called from the event loop, never from inside a call to the connection. */
export interface ConnectionHandler {
  onData(chunk: Uint8Array): void;
  /** The peer will send nothing more; our direction stays open. */
  onEnd(): void;
  /** Buffered output fell under the limit: producers may go on. */
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
}

/** State of a finished TLS handshake. */
export interface TlsState {
  readonly version: string;
  readonly alpn: string | undefined;
  readonly sni: string | undefined;
  readonly peer: PeerIdentity | undefined;
}

/** A byte stream; the seam between the event loop and everything above. Writes of one event leave in one system call. */
export interface Connection {
  /** Who gets the events; may be replaced at any time by the present owner. */
  handler: ConnectionHandler;
  readonly id: number;
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  readonly tls: TlsState | undefined;
  readonly closed: boolean;
  /** False while more output is buffered than the limit; `onDrain` follows. */
  readonly writable: boolean;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Takes ownership of the bytes. */
  write(bytes: Uint8Array): void;
  /** Text in which each character is one byte, such as an HTTP/1 head. */
  writeLatin1(text: string): void;
  pause(): void;
  resume(): void;
  /** Sends what is buffered, then ends our direction. */
  shutdown(): void;
  /** Sends what is buffered, then closes both directions. */
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
