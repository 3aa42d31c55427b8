// Hot path: every byte passes here.
import { plainIp, type SocketAddress } from "./address.ts";
import type { NativeSocket, SocketEvents } from "./bun-socket.ts";
import {
  type Connection,
  type ConnectionError,
  type ConnectionHandler,
  IGNORE_EVENTS,
  type TlsState,
} from "./connection.ts";
import { connectionError } from "./connection-error.ts";
import type { Flushable, FlushQueue } from "./flush-queue.ts";

/** Gathers small writes; what is larger goes to the socket as it is. Units: bytes. */
const GATHER_BYTES = 16_384;
/** Above this much unsent output producers are asked to pause. Default: Envoy's per-connection limit is 1 MiB. Units: bytes. */
const HIGH_WATER_BYTES = 262_144;
const MAX_POOLED_BUFFERS = 64;

/** What all connections of a process share. */
export interface ConnectionShared {
  readonly queue: FlushQueue;
  /** Buffers between uses. */
  readonly spare: Buffer[];
  nextId: number;
}

/** The connection over a native socket, plain or TLS. */
export class StreamConnection implements Connection, Flushable, SocketEvents {
  handler: ConnectionHandler = IGNORE_EVENTS;
  readonly id: number;
  readonly shared: ConnectionShared;
  socket: NativeSocket | undefined;
  tls: TlsState | undefined;
  closed = false;
  writable = true;
  bytesIn = 0;
  bytesOut = 0;
  /** Output of the present event; undefined when there is none. */
  #gather: Buffer | undefined;
  #gathered = 0;
  #queued = false;
  /** Output that the kernel would not take yet, oldest first. Invariant: empty unless a drain event is due. */
  #backlog: Uint8Array[] = [];
  #backlogBytes = 0;
  /** 0 open, 1 shutdown wanted, 2 shut down, 3 close wanted. */
  #ending = 0;
  #paused = false;
  #local: SocketAddress | undefined;
  #remote: SocketAddress | undefined;
  #failure: ConnectionError | undefined;

  constructor(shared: ConnectionShared, socket: NativeSocket | undefined) {
    this.shared = shared;
    this.id = shared.nextId++;
    this.socket = socket;
  }

  get local(): SocketAddress {
    this.#local ??= { ip: plainIp(this.socket?.localAddress ?? ""), port: this.socket?.localPort ?? 0 };
    return this.#local;
  }

  get remote(): SocketAddress {
    this.#remote ??= { ip: plainIp(this.socket?.remoteAddress ?? ""), port: this.socket?.remotePort ?? 0 };
    return this.#remote;
  }

  write(bytes: Uint8Array): void {
    const length = bytes.length;
    if (length === 0 || this.closed || this.#ending >= 2) return;
    this.bytesOut += length;
    if (this.#backlogBytes > 0) {
      this.#defer(bytes);
      return;
    }
    if (this.#gathered + length <= GATHER_BYTES) {
      const gather = this.#gather ?? this.#startGather();
      gather.set(bytes, this.#gathered);
      this.#gathered += length;
      return;
    }
    this.#sendGathered();
    if (this.#backlogBytes > 0) this.#defer(bytes);
    else this.#send(bytes, length);
  }

  writeLatin1(text: string): void {
    const length = text.length;
    if (this.closed || this.#ending >= 2) return;
    if (this.#backlogBytes > 0 || this.#gathered + length > GATHER_BYTES) {
      this.write(Buffer.from(text, "latin1"));
      return;
    }
    this.bytesOut += length;
    const gather = this.#gather ?? this.#startGather();
    gather.write(text, this.#gathered, "latin1");
    this.#gathered += length;
  }

  flush(): void {
    this.#queued = false;
    if (this.#gathered > 0) this.#sendGathered();
    if (this.#ending !== 0 && this.#backlogBytes === 0) this.#finish();
  }

  pause(): void {
    if (this.#paused || this.closed) return;
    this.#paused = true;
    this.socket?.pause();
  }

  resume(): void {
    if (!this.#paused || this.closed) return;
    this.#paused = false;
    this.socket?.resume();
  }

  shutdown(): void {
    if (this.#ending !== 0 || this.closed) return;
    this.#ending = 1;
    this.#enqueue();
  }

  close(): void {
    if (this.#ending === 3 || this.closed) return;
    this.#ending = 3;
    this.#enqueue();
  }

  abort(): void {
    if (this.closed) return;
    this.#ending = 3;
    const socket = this.socket;
    if (socket === undefined) this.socketClosed(undefined);
    else socket.terminate();
  }

  socketOpened(_socket: NativeSocket): void {}

  socketHandshake(_socket: NativeSocket, _ok: boolean, _error: Error | null): void {}

  socketData(chunk: Uint8Array): void {
    this.bytesIn += chunk.length;
    if (this.#ending < 3) this.handler.onData(chunk);
  }

  socketEnd(): void {
    if (this.#ending < 3) this.handler.onEnd();
  }

  socketDrain(): void {
    this.#sendBacklog();
    if (this.#backlogBytes > 0) return;
    if (!this.writable) {
      this.writable = true;
      if (this.#ending < 3) this.handler.onDrain();
    }
    if (this.#ending !== 0) this.#enqueue();
  }

  socketError(error: Error): void {
    this.#failure ??= connectionError(error);
  }

  socketClosed(error: Error | undefined): void {
    if (this.closed) return;
    // Addresses are asked for after the end too (access log), when the socket no longer knows them.
    this.closed = true;
    this.writable = false;
    this.#backlog = [];
    this.#backlogBytes = 0;
    this.#releaseGather();
    const failure = this.#failure ?? (error === undefined || error === null ? undefined : connectionError(error));
    this.handler.onClose(failure);
  }

  /** Remembers both addresses while the socket still has them. */
  pinAddresses(): void {
    this.#local = this.local;
    this.#remote = this.remote;
  }

  #startGather(): Buffer {
    const gather = this.shared.spare.pop() ?? Buffer.allocUnsafeSlow(GATHER_BYTES);
    this.#gather = gather;
    this.#enqueue();
    return gather;
  }

  #enqueue(): void {
    if (this.#queued) return;
    this.#queued = true;
    this.shared.queue.add(this);
  }

  #releaseGather(): void {
    const gather = this.#gather;
    this.#gather = undefined;
    this.#gathered = 0;
    if (gather !== undefined && this.shared.spare.length < MAX_POOLED_BUFFERS) this.shared.spare.push(gather);
  }

  #sendGathered(): void {
    const gather = this.#gather;
    const length = this.#gathered;
    if (gather === undefined) return;
    const sent = length === 0 ? 0 : (this.socket?.write(gather, 0, length) ?? 0);
    // The buffer goes back to the pool, so what is left of it must be copied.
    if (sent < length) this.#defer(Uint8Array.prototype.slice.call(gather, Math.max(0, sent), length));
    this.#releaseGather();
  }

  #send(bytes: Uint8Array, length: number): void {
    const sent = this.socket?.write(bytes, 0, length) ?? 0;
    if (sent < length) this.#defer(bytes.subarray(Math.max(0, sent)));
  }

  #defer(bytes: Uint8Array): void {
    if (this.closed) return;
    this.#backlog.push(bytes);
    this.#backlogBytes += bytes.length;
    if (this.#backlogBytes > HIGH_WATER_BYTES) this.writable = false;
  }

  #sendBacklog(): void {
    const socket = this.socket;
    if (socket === undefined) return;
    let done = 0;
    while (done < this.#backlog.length) {
      const bytes = this.#backlog[done];
      if (bytes === undefined) break;
      const sent = Math.max(0, socket.write(bytes));
      this.#backlogBytes -= sent;
      if (sent < bytes.length) {
        this.#backlog[done] = bytes.subarray(sent);
        break;
      }
      done++;
    }
    if (done > 0) this.#backlog.splice(0, done);
  }

  #finish(): void {
    const socket = this.socket;
    if (socket === undefined || this.closed) return;
    if (this.#ending === 3) {
      socket.end();
    } else if (this.#ending === 1) {
      this.#ending = 2;
      socket.shutdown();
    }
  }
}
