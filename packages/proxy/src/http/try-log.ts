import type { Clock, TimerWheel } from "@heddle/std";
import { createHeaderList, type HeaderList, type HttpStream, type ResponseHead } from "@heddle/wire";
import type { LogNeeds } from "../config/log-needs.ts";
import type { UpstreamLogConfig } from "../config/upstream-log.ts";
import { rescueUpstream } from "../rescue.ts";
import { type LineInterval, startLineInterval } from "../telemetry/line-interval.ts";
import type { Cluster } from "../upstream/cluster.ts";
import type { UpstreamFailure } from "../upstream/failure.ts";
import type { Host } from "../upstream/host.ts";
import type { PooledConnection } from "../upstream/pool.ts";
import type { Attempt, AttemptOwner } from "./attempt.ts";
import type { ExchangeLog } from "./early-lines.ts";
import type { ExchangeLogType, ExchangeRecord } from "./exchange-record.ts";
import type { TryLimit } from "./exchange-timers.ts";
import { noteUpstream, type UpstreamRecord } from "./note-upstream.ts";

/** Writes lines of tries, where a router has logs of its own. */
export interface TryLogs {
  /** Stands between a try and its exchange. */
  watch(exchange: ExchangeRecord & AttemptOwner, cluster: Cluster, host: Host): WatchedTry;
  /** A try that found its cluster full. */
  refused(exchange: ExchangeRecord & AttemptOwner, cluster: Cluster, failure: UpstreamFailure): void;
}

/** What is noted of one try for its lines. */
export interface WatchedTry extends AttemptOwner {
  /** The limits of the try, which end with it. */
  limits: { end(): void } | undefined;
  /** One of its limits is over. */
  timedOut(limit: TryLimit): void;
  /** The try is over: writes its line. */
  end(): void;
}

interface Surroundings {
  readonly config: UpstreamLogConfig;
  readonly logs: readonly ExchangeLog[];
  readonly wheel: TimerWheel;
  readonly clock: Clock;
  readonly needs: LogNeeds;
}

type Noted = {
  -readonly [K in
    | "response"
    | "responseTrailers"
    | "status"
    | "grpcStatus"
    | "flags"
    | "transportFailure"
    | "bytesSent"
    | "endMs"
    | "requestEndMs"
    | "firstByteMs"
    | "upstreamEndMs"
    | "upstreamBodyMs"
    | "upstreamBytes"
    | "downstreamBytes"
    | "logType"]: ExchangeRecord[K];
} & UpstreamRecord;

class Watched implements WatchedTry {
  readonly #around: Surroundings;
  readonly #exchange: ExchangeRecord & AttemptOwner;
  readonly #cluster: Cluster;
  #host: Host | undefined;
  readonly #startMs: number;
  readonly #startTime: number;
  readonly #noted: Noted;
  #stream: HttpStream | undefined = undefined;
  #lines: LineInterval | undefined = undefined;
  limits: { end(): void } | undefined = undefined;

  constructor(around: Surroundings, exchange: ExchangeRecord & AttemptOwner, cluster: Cluster, host: Host | undefined) {
    this.#around = around;
    this.#exchange = exchange;
    this.#cluster = cluster;
    this.#host = host;
    this.#startMs = around.clock.monotonic();
    this.#startTime = around.clock.now();
    this.#noted = {
      response: undefined,
      responseTrailers: undefined,
      status: 0,
      grpcStatus: -1,
      flags: "-",
      transportFailure: "",
      bytesSent: 0,
      endMs: -1,
      requestEndMs: -1,
      firstByteMs: -1,
      upstreamEndMs: -1,
      upstreamBodyMs: -1,
      upstreamBytes: undefined,
      downstreamBytes: undefined,
      logType: "UpstreamEnd",
      upstream: undefined,
      upstreamLocal: "",
      upstreamPrincipal: "",
      upstreamReadyMs: -1,
      upstreamSecure: false,
      upstreamVersion: 0,
    };
    const { intervalMs } = around.config;
    if (intervalMs > 0)
      this.#lines = startLineInterval(around.wheel, intervalMs, () => this.#write("UpstreamPeriodic"));
  }

  onAttemptReady(attempt: Attempt, connection: PooledConnection): void {
    noteUpstream(this.#noted, connection, this.#around);
    this.#exchange.onAttemptReady(attempt, connection);
    this.#stream = attempt.stream;
    this.#noteClient();
    if (this.#around.config.whenReady) this.#write("UpstreamPoolReady");
  }

  onAttemptInformational(attempt: Attempt, head: ResponseHead): void {
    this.#exchange.onAttemptInformational(attempt, head);
  }

  onAttemptHead(attempt: Attempt, head: ResponseHead, endStream: boolean): void {
    const noted = this.#noted;
    this.#noteClient();
    noted.firstByteMs = this.#around.clock.monotonic();
    noted.status = head.status;
    // As the server sent it: the exchange goes on to change it.
    const headers = createHeaderList();
    headers.appendAll(head.headers);
    noted.response = { ...head, headers };
    this.#noteGrpc(headers);
    this.#exchange.onAttemptHead(attempt, head, endStream);
  }

  onAttemptData(attempt: Attempt, bytes: Uint8Array, start: number, end: number, endStream: boolean): void {
    this.#noted.bytesSent += end - start;
    this.#exchange.onAttemptData(attempt, bytes, start, end, endStream);
  }

  onAttemptTrailers(attempt: Attempt, trailers: HeaderList): void {
    const kept = createHeaderList();
    kept.appendAll(trailers);
    this.#noted.responseTrailers = kept;
    this.#noteGrpc(kept);
    this.#exchange.onAttemptTrailers(attempt, trailers);
  }

  onAttemptFailed(attempt: Attempt, failure: UpstreamFailure): void {
    this.failed(failure);
    // The try was released before it tells so.
    if (attempt.over) this.#finish();
    this.#exchange.onAttemptFailed(attempt, failure);
  }

  onAttemptDrain(attempt: Attempt): void {
    this.#exchange.onAttemptDrain(attempt);
  }

  timedOut(limit: TryLimit): void {
    this.#noted.flags = limit === "max-stream" ? "UMSDR" : "UT";
  }

  failed(failure: UpstreamFailure): void {
    this.#noted.flags = rescueUpstream(failure).flag;
    // Source: Envoy, for which a host that was full was not chosen.
    if (failure.code === "overflow") this.#host = undefined;
    if (failure.code === "tls-failed" || failure.code === "connect-failed")
      this.#noted.transportFailure = failure.cause;
  }

  end(): void {
    this.limits?.end();
    if (this.#around.needs.bytes) this.#noted.upstreamBytes = this.#stream?.wireBytes;
    // A connection that failed tells its reason next.
    if (this.#noted.upstream !== undefined || this.#noted.flags !== "-") this.#finish();
    else queueMicrotask(() => this.#finish());
  }

  #finish(): void {
    if (this.#noted.endMs >= 0) return;
    this.#lines?.release();
    this.#noted.endMs = this.#around.clock.monotonic();
    this.#write("UpstreamEnd");
  }

  /** While the client's stream is open. */
  #noteClient(): void {
    this.#noted.downstreamBytes = this.#exchange.downstreamBytes;
  }

  #noteGrpc(headers: HeaderList): void {
    const status = headers.get("grpc-status");
    if (status !== undefined && this.#exchange.grpc) this.#noted.grpcStatus = Number(status);
  }

  #write(logType: ExchangeLogType): void {
    const exchange = this.#exchange;
    const noted = this.#noted;
    const connected = noted.upstream !== undefined;
    const record: ExchangeRecord = {
      connection: exchange.connection,
      forwardedIp: exchange.forwardedIp,
      request: exchange.request,
      route: exchange.route,
      grpc: exchange.grpc,
      requestMessages: exchange.requestMessages,
      responseMessages: exchange.responseMessages,
      originalPath: exchange.originalPath,
      peerMetadataId: exchange.peerMetadataId,
      peerMetadata: exchange.peerMetadata,
      span: exchange.span,
      ...noted,
      endMs: noted.endMs < 0 ? this.#around.clock.monotonic() : noted.endMs,
      logType,
      cluster: this.#cluster,
      clusterName: this.#cluster.config.name,
      host: this.#host,
      failedTries: [],
      virtualCluster: undefined,
      details: "",
      // Seen from the server's side.
      bytesReceived: noted.bytesSent,
      bytesSent: connected ? exchange.bytesReceived : 0,
      attempts: 0,
      startMs: this.#startMs,
      startTime: this.#startTime,
      upstreamWantedMs: this.#startMs,
      metadata: undefined,
      filterState: undefined,
      sharedState: exchange.sharedState,
    };
    for (const log of this.#around.logs) log.writeExchange(record);
  }
}

class Watchers implements TryLogs {
  readonly #around: Surroundings;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  watch(exchange: ExchangeRecord & AttemptOwner, cluster: Cluster, host: Host): WatchedTry {
    return new Watched(this.#around, exchange, cluster, host);
  }

  refused(exchange: ExchangeRecord & AttemptOwner, cluster: Cluster, failure: UpstreamFailure): void {
    const watched = new Watched(this.#around, exchange, cluster, undefined);
    watched.failed(failure);
    watched.end();
  }
}

export function createTryLogs(
  config: UpstreamLogConfig,
  logs: readonly ExchangeLog[],
  needs: LogNeeds,
  { wheel, clock }: Pick<Surroundings, "wheel" | "clock">,
): TryLogs {
  return new Watchers({ config, logs, needs, wheel, clock });
}
