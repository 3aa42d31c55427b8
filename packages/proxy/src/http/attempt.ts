// Hot path: one per try of a request.
import {
  HEADER_ID,
  type HeaderList,
  type HttpStream,
  type ResponseHead,
  type StreamHandler,
  type WireFailure,
} from "@heddle/wire";
import type { Cluster } from "../upstream/cluster.ts";
import { type UpstreamFailure, upstreamFailure } from "../upstream/failure.ts";
import type { Host } from "../upstream/host.ts";
import type { HostPool, PooledConnection, PoolWaiter } from "../upstream/pool.ts";
import type { TryLimit } from "./exchange-timers.ts";

const GRPC_STATUS = HEADER_ID["grpc-status"];

/** What an attempt tells the exchange; nothing after `abandon`. */
export interface AttemptOwner {
  /** A connection is there: start the stream with `connection.http.request(…, attempt)`. */
  onAttemptReady(attempt: Attempt, connection: PooledConnection): void;
  onAttemptInformational(attempt: Attempt, head: ResponseHead): void;
  onAttemptHead(attempt: Attempt, head: ResponseHead, endStream: boolean): void;
  onAttemptData(attempt: Attempt, bytes: Uint8Array, start: number, end: number, endStream: boolean): void;
  onAttemptTrailers(attempt: Attempt, trailers: HeaderList): void;
  onAttemptFailed(attempt: Attempt, failure: UpstreamFailure): void;
  onAttemptDrain(attempt: Attempt): void;
}

/** One try of a request at one host. */
export class Attempt implements StreamHandler, PoolWaiter {
  readonly cluster: Cluster;
  readonly host: Host;
  readonly #pool: HostPool;
  #owner: AttemptOwner | undefined;
  connection: PooledConnection | undefined = undefined;
  stream: HttpStream | undefined = undefined;
  /** A final response head has come. */
  answered = false;
  /** The connection was there before: it had carried requests, or waited for its first. */
  reused = false;
  /** Its own time limits, and who writes lines of it; undefined mostly. */
  limits: { end(): void; timedOut?(limit: TryLimit): void } | undefined = undefined;
  #sentMs = 0;
  #counted = true;
  #waiting = true;

  constructor(owner: AttemptOwner, cluster: Cluster, host: Host, pool: HostPool) {
    this.#owner = owner;
    this.cluster = cluster;
    this.host = host;
    this.#pool = pool;
    host.active++;
    host.stats.rqTotal++;
    cluster.counters.requests++;
  }

  /** `fresh`: its connection may not be one that stood idle. */
  start(fresh: boolean): void {
    this.#pool.acquire(this, fresh);
  }

  /** Stops without telling the owner anything more. */
  abandon(): void {
    this.#owner = undefined;
    if (this.#waiting) {
      this.#waiting = false;
      this.cluster.counters.cancelled++;
      this.#pool.cancel(this);
      this.#release();
    } else if (this.stream !== undefined && !(this.stream.receiveClosed && this.stream.sendClosed)) {
      // Only HTTP/2 can end one request alone. Source: Envoy counts so.
      if (this.#pool.protocol === "http2") this.cluster.counters.sentResets++;
      else if (this.connection !== undefined) this.connection.brokeOff = true;
      this.stream.reset();
    }
  }

  onConnection(connection: PooledConnection): void {
    this.#waiting = false;
    if (this.#owner === undefined) return;
    this.connection = connection;
    this.cluster.counters.requestsTotal++;
    this.cluster.outlier?.onConnected(this.host);
    this.reused = connection.requests > 1 || connection.waited;
    if (this.cluster.observesLatency) this.#sentMs = performance.now();
    this.#owner.onAttemptReady(this, connection);
  }

  onPoolFailure(failure: UpstreamFailure): void {
    this.#waiting = false;
    this.#release();
    if (failure.code !== "overflow") this.cluster.outlier?.onLocalFailure(this.host);
    this.#owner?.onAttemptFailed(this, failure);
  }

  onHead(_stream: HttpStream, head: ResponseHead, endStream: boolean): void {
    this.answered = true;
    const { status } = head;
    if (status >= 500) this.host.stats.rqError++;
    else this.host.stats.rqSuccess++;
    if (this.cluster.outlier !== undefined) this.cluster.outlier.onStatus(this.host, outlierStatus(head));
    if (this.cluster.observesLatency) this.cluster.onLatency(this.host, performance.now() - this.#sentMs);
    this.#owner?.onAttemptHead(this, head, endStream);
  }

  onInformational(_stream: HttpStream, head: ResponseHead): void {
    this.#owner?.onAttemptInformational(this, head);
  }

  onData(_stream: HttpStream, bytes: Uint8Array, start: number, end: number, endStream: boolean): void {
    this.#owner?.onAttemptData(this, bytes, start, end, endStream);
  }

  onTrailers(_stream: HttpStream, trailers: HeaderList): void {
    this.#owner?.onAttemptTrailers(this, trailers);
  }

  onReset(_stream: HttpStream, failure: WireFailure): void {
    if (failure.code === "local") return;
    const cause = fromWire(failure);
    // Source: Envoy counts so; what broke HTTP/2 is a reset of our own.
    if (cause.code === "reset") this.cluster.counters.receivedResets++;
    else if (cause.code === "protocol" && this.#pool.protocol === "http2") this.cluster.counters.sentResets++;
    else if (cause.code === "protocol" || cause.code === "connection-closed") this.#breaksOff();
    if (!this.answered) this.host.stats.rqError++;
    if (this.#owner !== undefined) this.cluster.outlier?.onLocalFailure(this.host);
    this.#owner?.onAttemptFailed(this, cause);
  }

  #breaksOff(): void {
    if (this.connection !== undefined) this.connection.brokeOff = true;
  }

  onDrain(_stream: HttpStream): void {
    this.#owner?.onAttemptDrain(this);
  }

  onClose(_stream: HttpStream): void {
    this.stream = undefined;
    this.#release();
  }

  /** Nothing more will come of it. */
  get over(): boolean {
    return !this.#counted;
  }

  #release(): void {
    if (!this.#counted) return;
    this.#counted = false;
    this.limits?.end();
    this.host.active--;
    this.cluster.counters.requests--;
  }
}

const LAST_GRPC_STATUS = 16;
/** HTTP statuses of the gRPC statuses that are the server's fault. Source: Envoy `grpcToHttpStatus`. */
const GRPC_AS_HTTP: Readonly<Record<number, number>> = { 2: 500, 4: 504, 12: 501, 13: 500, 14: 503, 15: 500 };

/** A gRPC status in the head stands for the HTTP status that says the same. */
function outlierStatus(head: ResponseHead): number {
  const text = head.headers.getId(GRPC_STATUS);
  if (text === undefined || head.status !== 200) return head.status;
  const code = Number(text);
  return GRPC_AS_HTTP[code] ?? (code >= 0 && code <= LAST_GRPC_STATUS ? 200 : 500);
}

/** Of HTTP/2 error codes that say more than that the server gave up. Source: Envoy. */
const PEER_ERRORS: Readonly<Record<number, UpstreamFailure["code"]>> = { 1: "protocol", 10: "connect-error" };

function fromWire(failure: WireFailure): UpstreamFailure {
  switch (failure.code) {
    case "refused":
      return upstreamFailure("refused-stream", failure.message);
    case "connection-closed":
      return upstreamFailure("connection-closed", failure.message, failure.retryable);
    case "protocol":
    case "limit":
    case "abuse":
      return upstreamFailure("protocol", failure.message);
    case "peer-error":
      return upstreamFailure(PEER_ERRORS[failure.h2Code] ?? "reset", failure.message);
    case "cancelled":
    case "local":
      return upstreamFailure("reset", failure.message);
  }
}
