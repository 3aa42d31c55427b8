import {
  createOutputBuffer,
  type HeaderList,
  type HttpStream,
  type RequestHead,
  type ResponseHead,
  type StreamHandler,
  type WireFailure,
} from "@heddle/wire";
import type { SocketAddress } from "../transport/address.ts";
import {
  type Connection,
  type ConnectionError,
  type ConnectionHandler,
  IGNORE_EVENTS,
} from "../transport/connection.ts";
import type { Dial } from "../transport/dial.ts";
import type { Cluster, ConnectionEnds } from "./cluster.ts";
import type { UpstreamFailure } from "./failure.ts";
import type { Host } from "./host.ts";
import type { HostPool, PooledConnection, PoolWaiter } from "./pool.ts";

/** Who waits for a tunnel or a connection. */
export interface TunnelOwner {
  onConnected(connection: Connection): void;
  onConnectFailed(error: ConnectionError): void;
}

const NOTHING = new Uint8Array(0);
const UNKNOWN: SocketAddress = { ip: "", port: 0 };

/** A TCP connection whose bytes travel in an HTTP request and its response. */
class TunnelConnection implements Connection, StreamHandler, PoolWaiter, Dial {
  handler: ConnectionHandler = IGNORE_EVENTS;
  readonly output = createOutputBuffer();
  readonly id = 0;
  readonly tls = undefined;
  readonly times = undefined;
  readonly tlsSession = undefined;
  readonly roundTripMs = undefined;
  readonly remote: SocketAddress;
  local = UNKNOWN;
  closed = false;
  endedHere = false;
  writable = true;
  bytesIn = 0;
  bytesOut = 0;
  readonly #head: RequestHead;
  #pool: HostPool | undefined;
  #owner: TunnelOwner | undefined;
  #stream: HttpStream | undefined;
  #sendEnded = false;
  #receiveEnded = false;

  constructor(pool: HostPool, host: Host, head: RequestHead, owner: TunnelOwner) {
    this.#pool = pool;
    this.#head = head;
    this.#owner = owner;
    this.remote = host.address;
  }

  start(): void {
    // Owners may not be called back before they have the dial in hand.
    queueMicrotask(() => this.#pool?.acquire(this));
  }

  cancel(): void {
    this.#owner = undefined;
    this.#pool?.cancel(this);
    this.#pool = undefined;
    this.#stream?.reset();
  }

  onConnection(connection: PooledConnection): void {
    this.#pool = undefined;
    if (this.#owner === undefined) return;
    this.#head.scheme = connection.secure ? "https" : "http";
    this.#stream = connection.http.request(this.#head, false, this);
  }

  onPoolFailure(failure: UpstreamFailure): void {
    this.#pool = undefined;
    this.#refuse(failure.cause);
  }

  onHead(_stream: HttpStream, head: ResponseHead, endStream: boolean): void {
    const owner = this.#owner;
    if (head.status < 200 || head.status > 299 || endStream) {
      this.#refuse(`the tunnel was refused with status ${head.status}`);
      this.#stream?.reset();
      return;
    }
    this.#owner = undefined;
    owner?.onConnected(this);
  }

  onInformational(): void {}

  onData(_stream: HttpStream, bytes: Uint8Array, start: number, end: number, endStream: boolean): void {
    this.bytesIn += end - start;
    if (end > start) this.handler.onData(bytes.subarray(start, end));
    if (endStream) this.#ended();
  }

  onTrailers(_stream: HttpStream, _trailers: HeaderList): void {
    this.#ended();
  }

  onReset(_stream: HttpStream, failure: WireFailure): void {
    this.#stream = undefined;
    if (failure.code === "local") return;
    this.#refuse(failure.message);
    this.#close({ kind: "reset", message: failure.message });
  }

  onDrain(): void {
    this.writable = true;
    this.handler.onDrain();
  }

  onClose(): void {
    this.#stream = undefined;
    this.#close(undefined);
  }

  write(bytes: Uint8Array): void {
    if (this.#sendEnded || this.#stream === undefined) return;
    this.bytesOut += bytes.length;
    this.writable = this.#stream.sendData(bytes, 0, bytes.length, false);
  }

  wantsFlush(): void {}

  /** Chunks are parts of what the codec still reads. */
  recycle(): void {}

  readAhead(): undefined {
    return undefined;
  }

  pause(): void {
    this.#stream?.pause();
  }

  resume(): void {
    this.#stream?.resume();
  }

  shutdown(): void {
    if (this.#sendEnded) return;
    this.#sendEnded = true;
    this.#stream?.sendData(NOTHING, 0, 0, true);
  }

  close(): void {
    this.endedHere = true;
    this.shutdown();
    // The far end may send on only while somebody listens.
    if (!this.#receiveEnded) this.#stream?.reset();
    this.#close(undefined);
  }

  abort(): void {
    this.#stream?.reset();
    this.#close(undefined);
  }

  #ended(): void {
    if (this.#receiveEnded) return;
    this.#receiveEnded = true;
    this.handler.onEnd();
  }

  #refuse(message: string): void {
    const owner = this.#owner;
    this.#owner = undefined;
    owner?.onConnectFailed({ kind: "refused", message });
  }

  #close(error: ConnectionError | undefined): void {
    if (this.closed) return;
    this.closed = true;
    queueMicrotask(() => this.handler.onClose(error));
  }
}

/** Opens a tunnel through a host. The owner is never called before this returns. */
export function dialTunnel(
  cluster: Cluster,
  host: Host,
  head: RequestHead,
  owner: TunnelOwner,
  client: ConnectionEnds,
): Dial {
  const pool = cluster.pool(host, cluster.config.http.protocol === "http2", undefined, client);
  const tunnel = new TunnelConnection(pool, host, head, owner);
  tunnel.start();
  return tunnel;
}
