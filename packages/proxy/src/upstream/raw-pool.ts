import {
  type ClientConnection,
  createOutputBuffer,
  createResponseHead,
  HTTP_1_1,
  type HttpStream,
  type RequestHead,
  type StreamHandler,
  wireFailure,
} from "@heddle/wire";
import { formatAddress } from "../transport/address.ts";
import type { Connection, ConnectionError, ConnectionHandler, PeerIdentity } from "../transport/connection.ts";
import type { Dial, DialOwner } from "../transport/dial.ts";
import type { Cluster, ConnectionEnds } from "./cluster.ts";
import { ByteCount, countDestroyed, countDialFailure, countHandshake } from "./count-connection.ts";
import { connectFailure, upstreamFailure } from "./failure.ts";
import type { Host } from "./host.ts";
import type { HostPool, PooledConnection, PoolWaiter } from "./pool.ts";
import { proxyHeader } from "./proxy-greeting.ts";

/** The connection itself as an HTTP stream whose answer is 200: the far end of a CONNECT tunnel. Source: Envoy `connect_config`. */
class RawStream implements PooledConnection, ClientConnection, HttpStream, ConnectionHandler {
  readonly version = HTTP_1_1;
  /** Nothing is ever put here; the socket has its own. */
  readonly output = createOutputBuffer();
  readonly id = 1;
  readonly supportsUpgrade = true;
  readonly headPending = false;
  readonly #socket: Connection;
  readonly #onGone: () => void;
  handler: StreamHandler;
  requests = 1;
  brokeOff = false;
  waited = false;
  receiveClosed = false;
  sendClosed = false;
  readonly wireBytes = undefined;
  #reset = false;
  #over = false;

  constructor(socket: Connection, idle: StreamHandler, onGone: () => void) {
    this.#socket = socket;
    this.handler = idle;
    this.#onGone = onGone;
    socket.handler = this;
  }

  get http(): ClientConnection {
    return this;
  }
  get connection(): ClientConnection {
    return this;
  }
  get socket(): Connection {
    return this.#socket;
  }
  get localText(): string {
    return formatAddress(this.#socket.local);
  }
  get peer(): PeerIdentity | undefined {
    return this.#socket.tls?.peer;
  }
  get secure(): boolean {
    return this.#socket.tls !== undefined;
  }
  get capacity(): number {
    return 0;
  }
  get activeStreams(): number {
    return this.#over ? 0 : 1;
  }
  get shouldClose(): boolean {
    return this.#over;
  }
  get bufferedBytes(): number {
    return this.#socket.writable ? 0 : 1;
  }

  request(_head: RequestHead, endStream: boolean, handler: StreamHandler): HttpStream {
    this.handler = handler;
    // The attempt learns its stream from the return value, before anything arrives.
    queueMicrotask(() => {
      if (!this.#over && !this.#reset) handler.onHead(this, createResponseHead(), false);
    });
    if (endStream) this.#endSending();
    return this;
  }

  sendData(bytes: Uint8Array, start: number, end: number, endStream: boolean): boolean {
    if (end > start) this.#socket.write(bytes.subarray(start, end));
    if (endStream) this.#endSending();
    return this.#socket.writable;
  }

  sendTrailers(): void {
    this.#endSending();
  }

  reset(): void {
    if (this.#over || this.#reset) return;
    this.#reset = true;
    this.handler.onReset(this, wireFailure("local", "the tunnel was given up"));
    this.#socket.close();
  }

  pause(): void {
    this.#socket.pause();
  }
  resume(): void {
    this.#socket.resume();
  }

  onData(chunk: Uint8Array): void {
    if (!this.#reset) this.handler.onData(this, chunk, 0, chunk.length, false);
  }

  onEnd(): void {
    this.receiveClosed = true;
    if (!this.#reset) this.handler.onData(this, NOTHING, 0, 0, true);
    this.#closeWhenDone();
  }

  onDrain(): void {
    this.handler.onDrain(this);
  }

  onClose(error: ConnectionError | undefined): void {
    if (this.#over) return;
    this.#over = true;
    if (!this.#reset && !this.receiveClosed)
      this.handler.onReset(this, wireFailure("connection-closed", error?.message ?? "the connection closed"));
    this.handler.onClose(this);
    this.#onGone();
  }

  receive(): void {}
  receiveEnd(): void {}
  drained(): void {}
  abort(): void {
    this.#socket.abort();
  }
  shutdown(): void {}

  #endSending(): void {
    if (this.sendClosed) return;
    this.sendClosed = true;
    this.#socket.shutdown();
    this.#closeWhenDone();
  }

  #closeWhenDone(): void {
    if (this.sendClosed && this.receiveClosed) this.#socket.close();
  }
}

const NOTHING = new Uint8Array(0);

const IDLE: StreamHandler = {
  onHead() {},
  onInformational() {},
  onData() {},
  onTrailers() {},
  onReset() {},
  onDrain() {},
  onClose() {},
};

/** Makes one connection for one request. */
class RawPool implements HostPool, DialOwner {
  readonly protocol = "http1";
  readonly transportKey = undefined;
  readonly serverName = undefined;
  readonly #cluster: Cluster;
  readonly #host: Host;
  readonly #alpn: readonly string[] | undefined;
  readonly #version: "v1" | "v2" | undefined;
  readonly #client: ConnectionEnds;
  #waiter: PoolWaiter | undefined;
  #dial: Dial | undefined;
  #counted = false;

  constructor(
    cluster: Cluster,
    host: Host,
    alpn: readonly string[] | undefined,
    version: "v1" | "v2" | undefined,
    client: ConnectionEnds,
  ) {
    this.#cluster = cluster;
    this.#host = host;
    this.#alpn = alpn;
    this.#version = version;
    this.#client = client;
  }

  get connections(): number {
    return this.#counted ? 1 : 0;
  }
  get pending(): number {
    return this.#dial === undefined ? 0 : 1;
  }

  get active(): number {
    return this.connections - this.pending;
  }
  get capacity(): number {
    return 0;
  }

  preconnect(): boolean {
    return false;
  }

  acquire(waiter: PoolWaiter): void {
    const { counters, config } = this.#cluster;
    if (counters.connections >= config.limits.maxConnections) {
      counters.connectionOverflow++;
      waiter.onPoolFailure(upstreamFailure("overflow", "too many connections to the cluster (circuit breaker)"));
      return;
    }
    this.#waiter = waiter;
    this.#counted = true;
    counters.connections++;
    const dial = this.#cluster.dial(this.#host, this.#alpn, this, this.#client);
    if ("code" in dial) {
      this.#waiter = undefined;
      this.#release();
      waiter.onPoolFailure(dial);
      return;
    }
    // A neighbour may answer before the call returns.
    if (this.#waiter !== undefined) this.#dial = dial;
    counters.connectionsTotal++;
    counters.connectionsHttp1++;
    counters.pendingTotal++;
    this.#host.stats.cxTotal++;
  }

  cancel(): void {
    if (this.#dial === undefined) return;
    this.#dial.cancel();
    this.#dial = undefined;
    this.#waiter = undefined;
    this.#release();
  }

  countBytes(): void {}
  drain(): void {}
  close(): void {
    this.cancel();
  }

  onConnected(socket: Connection): void {
    const waiter = this.#waiter;
    this.#dial = undefined;
    this.#waiter = undefined;
    this.#host.stats.cxActive++;
    const { counters } = this.#cluster;
    if (socket.tls !== undefined) countHandshake(counters, socket.tls);
    const openedMs = performance.now();
    const stream = new RawStream(socket, IDLE, () => {
      this.#host.stats.cxActive--;
      new ByteCount(socket).addTo(counters);
      countDestroyed(counters, socket.endedHere, false, performance.now() - openedMs);
      this.#release();
    });
    if (this.#version !== undefined) socket.write(proxyHeader(this.#version, this.#client));
    if (waiter === undefined) socket.close();
    else waiter.onConnection(stream);
  }

  onConnectFailed(error: ConnectionError): void {
    const waiter = this.#waiter;
    this.#dial = undefined;
    this.#waiter = undefined;
    this.#release();
    this.#host.stats.cxConnectFail++;
    const failure = connectFailure(error);
    const { counters } = this.#cluster;
    countDialFailure(counters, failure, 0);
    if (waiter !== undefined) counters.pendingFailures++;
    waiter?.onPoolFailure(failure);
  }

  #release(): void {
    if (!this.#counted) return;
    this.#counted = false;
    this.#cluster.counters.connections--;
  }
}

/** A pool of one connection that carries the body of one request as it is. `version`: a PROXY header goes first. */
export function createRawPool(
  cluster: Cluster,
  host: Host,
  alpn: readonly string[] | undefined,
  version: "v1" | "v2" | undefined,
  client: ConnectionEnds,
): HostPool {
  return new RawPool(cluster, host, alpn, version, client);
}
