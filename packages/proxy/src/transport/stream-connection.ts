// Hot path: every byte passes here.
import { createOutputBuffer, type OutputBuffer, type SpareMemory } from "@heddle/wire";
import { readTlsSession, type TlsSession } from "../tls/tls-session.ts";
import { plainIp, type SocketAddress } from "./address.ts";
import { freeChunk, type NativeSocket, type SocketEvents } from "./bun-socket.ts";
import {
  type Connection,
  type ConnectionError,
  type ConnectionHandler,
  type DialTimes,
  IGNORE_EVENTS,
  type TlsState,
} from "./connection.ts";
import { connectionError, errnoError } from "./connection-error.ts";
import type { Flushable, FlushQueue } from "./flush-queue.ts";
import type { Kernel } from "./kernel.ts";
import type { SessionStore } from "./session-store.ts";

/** From this size on, bytes go to the kernel without a copy when nothing waits before them. Units: bytes. */
const DIRECT_BYTES = 4096;
/** Above this much unsent output producers are asked to pause. Source: half of Envoy's per-connection default. Units: bytes. */
const HIGH_WATER_BYTES = 524_288;

const OPEN = 0;
const SHUTDOWN_WANTED = 1;
const SHUT_DOWN = 2;
const CLOSE_WANTED = 3;

/** What all connections of a process share. */
export interface ConnectionShared {
  readonly queue: FlushQueue;
  readonly kernel: Kernel;
  /** For output that the kernel does not take at once. */
  readonly spare: SpareMemory;
  nextId: number;
  /** Connections of clients that are open. */
  accepted: number;
}

/** The connection over a native socket, plain or TLS. */
export class StreamConnection implements Connection, Flushable, SocketEvents {
  handler: ConnectionHandler = IGNORE_EVENTS;
  output: OutputBuffer;
  readonly id: number;
  readonly shared: ConnectionShared;
  socket: NativeSocket;
  tls: TlsState | undefined = undefined;
  /** Where a server's sessions go; undefined: they are dropped. */
  sessions: SessionStore | undefined = undefined;
  times: DialTimes | undefined = undefined;
  closed = false;
  /** It counts among `accepted`. */
  counted = false;
  bytesIn = 0;
  bytesOut = 0;
  /** True between a write that the kernel cut short and its drain event. */
  #blocked = false;
  #queued = false;
  #ending = OPEN;
  #paused = false;
  /** The peer's end was told to the handler. */
  #peerEnded = false;
  #local: SocketAddress | undefined = undefined;
  #remote: SocketAddress | undefined = undefined;
  #failure: ConnectionError | undefined = undefined;
  #tlsSession: TlsSession | undefined = undefined;
  #roundTripMs: number | undefined = undefined;

  constructor(shared: ConnectionShared, socket: NativeSocket) {
    this.shared = shared;
    this.id = shared.nextId++;
    this.output = createOutputBuffer(undefined, shared.spare);
    this.socket = socket;
  }

  get tlsSession(): TlsSession | undefined {
    if (this.#tlsSession === undefined && this.tls !== undefined && !this.closed) {
      const der = this.socket.getSession();
      if (der !== undefined) this.#tlsSession = readTlsSession(der);
    }
    return this.#tlsSession;
  }

  get roundTripMs(): number | undefined {
    if (!this.closed) this.#roundTripMs = this.shared.kernel.roundTripMs(this.socket.fd) ?? this.#roundTripMs;
    return this.#roundTripMs;
  }

  get local(): SocketAddress {
    this.#local ??= { ip: plainIp(this.socket.localAddress ?? ""), port: this.socket.localPort ?? 0 };
    return this.#local;
  }

  get remote(): SocketAddress {
    this.#remote ??= { ip: plainIp(this.socket.remoteAddress ?? ""), port: this.socket.remotePort ?? 0 };
    return this.#remote;
  }

  /** We ended it, not the peer. */
  get endedHere(): boolean {
    return this.#ending >= CLOSE_WANTED && !this.#peerEnded;
  }

  get writable(): boolean {
    return this.output.length < HIGH_WATER_BYTES && !this.closed;
  }

  write(bytes: Uint8Array): void {
    const length = bytes.length;
    if (length === 0 || this.closed || this.#ending !== OPEN) return;
    let from = 0;
    if (length >= DIRECT_BYTES && !this.#blocked) {
      if (this.output.length > 0) this.#send();
      if (!this.#blocked) {
        from = Math.max(0, this.socket.write(bytes, 0, length));
        this.bytesOut += from;
        if (from === length) return;
        this.#blocked = true;
      }
    }
    this.output.append(bytes, from, length);
    this.wantsFlush();
  }

  wantsFlush(): void {
    if (this.#queued || this.closed) return;
    this.#queued = true;
    this.shared.queue.add(this);
  }

  flush(): void {
    this.#queued = false;
    if (this.closed) return;
    if (!this.#blocked && this.output.length > 0) this.#send();
    if (this.#ending !== OPEN && this.output.length === 0) this.#finish();
  }

  readAhead(): Uint8Array | undefined {
    if (this.tls !== undefined || this.closed || this.#ending >= CLOSE_WANTED) return undefined;
    const { kernel } = this.shared;
    const taken = kernel.receive(this.socket.fd);
    if (taken <= 0) {
      // The end shows once more to the runtime; an error is told only once.
      if (taken < 0) {
        this.#failure ??= errnoError(-taken);
        this.socket.terminate();
      }
      return undefined;
    }
    this.bytesIn += taken;
    return taken === kernel.inbox.length ? kernel.inbox : kernel.inbox.subarray(0, taken);
  }

  recycle(chunk: Uint8Array): void {
    freeChunk(chunk);
  }

  pause(): void {
    // The close event comes to a reader only.
    if (this.#paused || this.closed || this.#ending === CLOSE_WANTED) return;
    this.#paused = true;
    this.socket.pause();
  }

  resume(): void {
    if (!this.#paused || this.closed) return;
    this.#paused = false;
    this.socket.resume();
  }

  shutdown(): void {
    if (this.#ending !== OPEN || this.closed) return;
    this.#ending = SHUTDOWN_WANTED;
    this.wantsFlush();
  }

  close(): void {
    if (this.#ending === CLOSE_WANTED || this.closed) return;
    this.#ending = CLOSE_WANTED;
    this.resume();
    this.wantsFlush();
  }

  abort(): void {
    if (this.closed) return;
    this.#ending = CLOSE_WANTED;
    this.socket.terminate();
  }

  /** Moves to the TLS socket that took over the native one. */
  adopt(socket: NativeSocket): void {
    this.#local = this.local;
    this.#remote = this.remote;
    this.socket = socket;
    if (this.#paused) socket.pause();
  }

  /** Remembers both addresses while the socket still has them. */
  pinAddresses(): void {
    this.#local = this.local;
    this.#remote = this.remote;
  }

  socketOpened(_socket: NativeSocket): void {}

  socketHandshake(_socket: NativeSocket, _ok: boolean, _error: Error | null): void {}

  socketSession(_socket: NativeSocket, session: Uint8Array): void {
    const { tls, sessions } = this;
    if (tls === undefined || sessions === undefined) return;
    const untilMs = tls.peer?.untilMs ?? Number.POSITIVE_INFINITY;
    sessions.keep({ session, sni: tls.sni ?? "", once: tls.version === "TLSv1.3", untilMs });
  }

  socketData(chunk: Uint8Array): void {
    this.bytesIn += chunk.length;
    if (this.#ending < CLOSE_WANTED) this.handler.onData(chunk);
  }

  socketEnd(): void {
    this.#peerEnded = true;
    if (this.#ending < CLOSE_WANTED) this.handler.onEnd();
    else if (!this.closed) this.socket.end();
  }

  socketDrain(): void {
    this.#blocked = false;
    if (this.output.length > 0) this.#send();
    if (this.#ending !== OPEN && this.output.length === 0) this.#finish();
  }

  socketError(error: Error): void {
    this.#failure ??= connectionError(error);
  }

  socketClosed(error: Error | undefined): void {
    if (this.closed) return;
    this.closed = true;
    if (this.counted) this.shared.accepted--;
    const failure = this.#failure ?? (error instanceof Error ? connectionError(error) : undefined);
    // With our half closed already, the runtime reports the peer's orderly end as the close alone.
    if (failure === undefined && !this.#peerEnded && this.#ending < CLOSE_WANTED) this.handler.onEnd();
    // What was not sent is still there to be looked at.
    this.handler.onClose(failure);
    this.handler = IGNORE_EVENTS;
    this.output.clear();
  }

  #send(): void {
    const output = this.output;
    const length = output.length;
    const sent = this.socket.write(output.bytes, output.start, length);
    if (sent > 0) {
      output.consume(sent);
      this.bytesOut += sent;
    }
    if (sent < length) this.#blocked = true;
    if (sent > 0 && this.#ending < CLOSE_WANTED) this.handler.onDrain();
  }

  #finish(): void {
    if (this.#ending === CLOSE_WANTED) {
      this.socket.end();
    } else if (this.#ending === SHUTDOWN_WANTED) {
      this.#ending = SHUT_DOWN;
      this.socket.shutdown();
    }
  }
}
