// Hot path: every byte of a TCP connection passes here.
import type { Clock, Enlisted, Expirable, TimerWheel, WheelTimer } from "@heddle/std";
import { type LogNeeds, noteOpen } from "../config/log-needs.ts";
import { AT_END } from "../config/log-timing.ts";
import type { TcpProxyConfig } from "../config/network-filters.ts";
import type { ConnectionInfo } from "../listener/connection-info.ts";
import { rescueUpstream } from "../rescue.ts";
import { type LineInterval, startLineInterval } from "../telemetry/line-interval.ts";
import { formatAddress } from "../transport/address.ts";
import type { Connection, ConnectionError, ConnectionHandler } from "../transport/connection.ts";
import type { Dial } from "../transport/dial.ts";
import type { Cluster, HostCriteria } from "../upstream/cluster.ts";
import type { ClusterSet } from "../upstream/cluster-set.ts";
import { hash64 } from "../upstream/consistent-hash.ts";
import { countDestroyed, countDialFailure, countHandshake } from "../upstream/count-connection.ts";
import { connectFailure, type UpstreamFailure, upstreamFailure } from "../upstream/failure.ts";
import type { Host } from "../upstream/host.ts";
import { dialTunnel, type TunnelOwner } from "../upstream/tunnel-connection.ts";
import { createFlow, type Flow } from "./flow.ts";
import type { TcpCounters } from "./tcp-counters.ts";
import type { TcpLog, TcpLogType, TcpObserver, TcpRecord } from "./tcp-record.ts";
import { tcpValues } from "./tcp-values.ts";
import { tunnelRequest } from "./tunnel-request.ts";

/** What TCP connections of one filter chain have in common. */
export interface TcpManager {
  readonly config: TcpProxyConfig;
  readonly clusters: ClusterSet;
  readonly wheel: TimerWheel;
  readonly clock: Clock;
  readonly random: () => number;
  readonly observers: readonly TcpObserver[];
  /** Those among them that write lines before the end, where the configuration wants some. */
  readonly logs: readonly TcpLog[];
  readonly counters: TcpCounters;
  readonly upstreamAlpn: readonly string[] | undefined;
  readonly needs: Pick<LogNeeds, "open">;
  /** The cluster is named by the client's SNI. Source: Envoy `envoy.filters.network.sni_cluster`. */
  readonly sniCluster: boolean;
  /** How often observers hear of connections that stay open. Units: ms. */
  readonly reportingMs: number;
}

/** A proxied TCP connection. */
export interface TcpSession extends Enlisted {
  close(): void;
  /** Brings the byte counts up to date. */
  countBytes(): void;
}

export interface TcpSessionOwner {
  /** @param ms How long it was open. */
  onTcpClosed(session: TcpSession & TcpRecord, ms: number): void;
}

/** How often idle connections are looked for, at least and at most. Units: ms. */
const SWEEP_MS = 5000;
const SHORTEST_SWEEP_MS = 50;

/** Limits shorter than a sweep are looked at as often as they are long. */
function sweepOf(config: TcpProxyConfig): number {
  const limits = [config.idleTimeoutMs, config.maxDurationMs].filter((ms) => ms > 0);
  return Math.max(SHORTEST_SWEEP_MS, Math.min(SWEEP_MS, ...limits));
}
/** Bytes kept while the upstream connection is made; then reading stops. Units: bytes. */
const EARLY_BYTES = 65_536;

/** Copies what one side sends to the other. */
class Side implements ConnectionHandler {
  readonly session: Session;
  readonly toUpstream: boolean;

  constructor(session: Session, toUpstream: boolean) {
    this.session = session;
    this.toUpstream = toUpstream;
  }

  onData(chunk: Uint8Array): void {
    this.session.relay(chunk, this.toUpstream);
  }

  onEnd(): void {
    this.session.ended(this.toUpstream);
  }

  onDrain(): void {
    this.session.drained(this.toUpstream);
  }

  onClose(error: ConnectionError | undefined): void {
    this.session.closed(this.toUpstream, error);
  }
}

class Session implements TcpSession, TcpRecord, TunnelOwner, Expirable {
  rosterAt = -1;
  readonly connection: ConnectionInfo;
  readonly startMs: number;
  readonly startTime: number;
  readonly #manager: TcpManager;
  readonly #owner: TcpSessionOwner;
  readonly #downstream: Connection;
  readonly #timer: WheelTimer;
  upstream: Connection | undefined = undefined;
  /** Both directions, once there is an upstream connection. */
  #toUpstream: Flow | undefined = undefined;
  #toDownstream: Flow | undefined = undefined;
  #dial: Dial | undefined = undefined;
  #early: Uint8Array[] = [];
  #earlyBytes = 0;
  #clientEnded = false;
  #serverEnded = false;
  #lastActivityMs: number;
  #reportedMs: number;
  readonly #sweepMs: number;
  attempts = 0;
  logType: TcpLogType = "TcpConnectionEnd";
  readonly protocol = "";
  readonly proxied = true;
  closeReason = "";
  upstreamCloseReason = "";
  readonly termination = "";
  readonly handshakeFailure = "";
  clientReset: TcpRecord["clientReset"] = "";
  #lines: LineInterval | undefined = undefined;
  #criteria: HostCriteria | undefined = undefined;
  #over = false;
  #opened = false;
  upstreamWantedMs = -1;
  /** -1: never. */
  upstreamReadyMs = -1;
  #countedReceived = 0;
  #countedSent = 0;
  cluster: Cluster | undefined = undefined;
  clusterName = "";
  host: Host | undefined = undefined;
  upstreamLocal = "";
  upstreamSecure = false;
  upstreamPrincipal = "";
  flags = "-";
  details = "";
  transportFailure = "";
  upstreamReset = false;
  readonly failedTries: { readonly host: Host }[] = [];
  bytesReceived = 0;
  bytesSent = 0;
  endMs = -1;

  constructor(manager: TcpManager, owner: TcpSessionOwner, info: ConnectionInfo, downstream: Connection) {
    this.#manager = manager;
    this.#owner = owner;
    this.connection = info;
    this.#downstream = downstream;
    this.startMs = manager.clock.monotonic();
    this.startTime = manager.clock.now();
    this.#lastActivityMs = manager.wheel.nowMs;
    this.#timer = manager.wheel.create(this);
    this.#reportedMs = manager.wheel.nowMs;
    this.#sweepMs = Math.min(manager.reportingMs, sweepOf(manager.config));
    this.#timer.arm(this.#sweepMs);
    manager.counters.connectionsTotal++;
  }

  start(first: Uint8Array): void {
    this.#downstream.handler = new Side(this, true);
    if (this.#manager.needs.open) noteOpen(this.#downstream);
    if (first.length > 0) this.relay(first, true);
    const { config, clusters } = this.#manager;
    if (config.logTiming !== AT_END) this.#logEarly();
    const choice = chooseTcpCluster(config, this.#manager.random);
    const bySni = this.#manager.sniCluster && this.connection.sni !== "";
    this.clusterName = bySni ? this.connection.sni : (choice?.cluster ?? "");
    const hash = config.hashSourceIp ? hash64(this.connection.remote.ip) : undefined;
    const subset = bySni ? undefined : choice?.subset;
    if (hash !== undefined || subset !== undefined) this.#criteria = { hash, subset, original: undefined };
    this.cluster = clusters.get(this.clusterName);
    this.#tryConnect();
  }

  close(flags = "-", reason = ""): void {
    this.closeReason = reason;
    this.upstreamCloseReason = reason;
    this.#finish(flags, "");
    this.#downstream.close();
    this.upstream?.close();
  }

  relay(chunk: Uint8Array, toUpstream: boolean): void {
    const flow = toUpstream ? this.#toUpstream : this.#toDownstream;
    if (flow !== undefined) {
      flow.pass(chunk);
      return;
    }
    this.#count(chunk.length, toUpstream);
    this.#early.push(chunk);
    this.#earlyBytes += chunk.length;
    if (this.#earlyBytes > EARLY_BYTES) this.#downstream.pause();
  }

  #count(bytes: number, toUpstream: boolean): void {
    this.#lastActivityMs = this.#manager.wheel.nowMs;
    if (toUpstream) this.bytesReceived += bytes;
    else this.bytesSent += bytes;
  }

  ended(toUpstream: boolean): void {
    if (toUpstream) {
      this.#clientEnded = true;
      this.upstream?.shutdown();
    } else {
      this.#serverEnded = true;
      this.#downstream.shutdown();
    }
    if (this.#clientEnded && this.#serverEnded) {
      this.#downstream.close();
      this.upstream?.close();
    }
  }

  drained(fromDownstream: boolean): void {
    if (fromDownstream) this.#toDownstream?.drained();
    else this.#toUpstream?.drained();
  }

  closed(downstream: boolean, error: ConnectionError | undefined): void {
    const other = downstream ? this.upstream : this.#downstream;
    const reset = error?.kind === "reset";
    if (downstream) this.#dial?.cancel();
    if (!this.#over) {
      if (reset && downstream) this.clientReset = "RemoteReset";
      else if (reset) {
        this.upstreamReset = true;
        this.clientReset = "LocalReset";
      }
      if (downstream && this.upstream === undefined) this.#finish("DC", "");
      else this.#finish(error === undefined || downstream ? "-" : reset ? "UR" : "UC", "");
    }
    if (other !== undefined && !other.closed) {
      // A reset on one side is a reset on the other; an orderly end lets what waits go out.
      if (reset) other.abort();
      else other.close();
    }
  }

  onConnected(upstream: Connection): void {
    this.#dial = undefined;
    this.upstream = upstream;
    const host = this.host;
    if (host !== undefined) {
      this.cluster?.outlier?.onServed(host);
      host.stats.cxActive++;
    }
    if (this.cluster !== undefined) {
      const { counters } = this.cluster;
      counters.requestsTotal++;
      counters.connectTime.record(this.#manager.clock.monotonic() - this.upstreamWantedMs);
      if (upstream.tls !== undefined) countHandshake(counters, upstream.tls);
      this.upstreamReadyMs = this.#manager.clock.monotonic();
    }
    if (this.#manager.needs.open) noteOpen(upstream);
    this.upstreamLocal = formatAddress(upstream.local);
    this.upstreamSecure = upstream.tls !== undefined;
    this.upstreamPrincipal = upstream.tls?.peer?.uriSans[0] ?? "";
    upstream.handler = new Side(this, false);
    this.#opened = true;
    for (const observer of this.#manager.observers) observer.onTcpOpened(this);
    if (this.#manager.config.logTiming.whenConnected) this.#log("TcpUpstreamConnected");
    this.#toUpstream = createFlow(this.#downstream, upstream, (bytes) => this.#count(bytes, true));
    this.#toDownstream = createFlow(upstream, this.#downstream, (bytes) => this.#count(bytes, false));
    for (const chunk of this.#early) upstream.write(chunk);
    this.#early = [];
    this.#downstream.resume();
    if (this.#clientEnded) upstream.shutdown();
  }

  onConnectFailed(error: ConnectionError): void {
    this.#dial = undefined;
    this.#release();
    if (this.host !== undefined) this.host.stats.cxConnectFail++;
    if (this.cluster !== undefined) {
      const ms = this.#manager.clock.monotonic() - this.upstreamWantedMs;
      this.cluster.counters.pendingFailures++;
      countDialFailure(this.cluster.counters, connectFailure(error), ms);
      if (this.host !== undefined) this.cluster.outlier?.onLocalFailure(this.host);
    }
    if (this.attempts < this.#manager.config.maxConnectAttempts) {
      if (this.host !== undefined) this.failedTries.push({ host: this.host });
      this.#tryConnect();
      return;
    }
    if (this.cluster !== undefined && this.#manager.config.maxConnectAttempts > 1)
      this.cluster.counters.attemptsExceeded++;
    this.#fail(connectFailure(error));
  }

  onExpire(): void {
    if (this.#over) return;
    const { config, wheel } = this.#manager;
    const idle = config.idleTimeoutMs > 0 && wheel.nowMs - this.#lastActivityMs >= config.idleTimeoutMs;
    const old = config.maxDurationMs > 0 && this.#manager.clock.monotonic() - this.startMs >= config.maxDurationMs;
    if (idle || old) {
      if (idle) this.#manager.counters.idleTimeouts++;
      else this.#manager.counters.maxDuration++;
      if (idle) this.close("-", "tcp_session_idle_timeout");
      else this.close("DT", "max_connection_duration_reached");
      return;
    }
    if (this.#opened && wheel.nowMs - this.#reportedMs >= this.#manager.reportingMs) {
      this.#reportedMs = wheel.nowMs;
      for (const observer of this.#manager.observers) observer.onTcpProgress(this);
    }
    this.#timer.arm(this.#sweepMs);
  }

  #tryConnect(): void {
    this.attempts++;
    const cluster = this.cluster;
    if (cluster === undefined) {
      this.#manager.counters.noRoute++;
      this.#fail(upstreamFailure("no-cluster", `there is no cluster ${this.clusterName}`));
      return;
    }
    if (cluster.counters.connections >= cluster.config.limits.maxConnections) {
      cluster.counters.connectionOverflow++;
      this.#fail(upstreamFailure("overflow", "too many connections to the cluster (circuit breaker)"));
      return;
    }
    const host = cluster.pick(this.connection.original, NONE, 1, this.#criteria);
    if (host === undefined) {
      cluster.counters.noHealthyHost++;
      this.#fail(upstreamFailure("no-healthy-host", "the cluster has no healthy endpoint"));
      return;
    }
    const alpn = this.connection.upstreamAlpn ?? this.#manager.upstreamAlpn;
    const { tunnel } = this.#manager.config;
    const dial =
      tunnel === undefined
        ? cluster.dial(host, alpn, this, this.connection)
        : dialTunnel(cluster, host, tunnelRequest(tunnel, tcpValues(this)), this, this.connection);
    if ("code" in dial) {
      this.#fail(dial);
      return;
    }
    this.host = host;
    host.active++;
    host.stats.cxTotal++;
    cluster.counters.connections++;
    cluster.counters.connectionsTotal++;
    cluster.counters.pendingTotal++;
    this.upstreamWantedMs = this.#manager.clock.monotonic();
    this.#dial = dial;
  }

  countBytes(): void {
    const received = this.bytesReceived - this.#countedReceived;
    const sent = this.bytesSent - this.#countedSent;
    this.#countedReceived = this.bytesReceived;
    this.#countedSent = this.bytesSent;
    const { counters } = this.#manager;
    counters.bytesReceived += received;
    counters.bytesSent += sent;
    if (this.cluster === undefined || this.upstreamReadyMs < 0) return;
    this.cluster.counters.bytesReceived += sent;
    this.cluster.counters.bytesSent += received;
  }

  /** Lines before anything else, where a log wants them. */
  #logEarly(): void {
    const { config, wheel } = this.#manager;
    const { atStart, intervalMs } = config.logTiming;
    if (atStart) this.#log("TcpConnectionStart");
    if (intervalMs > 0) this.#lines = startLineInterval(wheel, intervalMs, () => this.#log("TcpPeriodic"));
  }

  #log(type: TcpLogType): void {
    this.logType = type;
    this.endMs = this.#manager.clock.monotonic();
    for (const log of this.#manager.logs) log.writeConnection(this);
    this.logType = "TcpConnectionEnd";
    this.endMs = -1;
  }

  #fail(failure: UpstreamFailure): void {
    const { flag } = rescueUpstream(failure);
    if (flag === "UF") this.transportFailure = failure.cause;
    this.closeReason = `tcp_initializion_failure:${INIT_FAILURES[flag] ?? 0}`;
    // Source: Envoy has used up its attempts, also when there was to be one.
    this.#finish(flag === "UF" ? "UF,URX" : flag, "");
    // What the client said was read by nobody: as the kernel has it then, its connection is reset. Source: Envoy leaves such bytes in the kernel.
    if (this.#earlyBytes > 0) this.#downstream.abort();
    else this.#downstream.close();
  }

  #release(): void {
    if (this.host === undefined || this.cluster === undefined) return;
    this.host.active--;
    if (this.upstream !== undefined) this.host.stats.cxActive--;
    this.cluster.counters.connections--;
  }

  #finish(flags: string, details: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#timer.release();
    this.#lines?.release();
    const dialing = this.#dial !== undefined;
    this.#dial?.cancel();
    this.#dial = undefined;
    if (dialing || this.upstream !== undefined) this.#release();
    this.#early = [];
    this.flags = flags;
    this.details = details;
    this.endMs = this.#manager.clock.monotonic();
    this.countBytes();
    if (this.cluster !== undefined && this.upstreamReadyMs >= 0) {
      const here = this.upstream?.endedHere === true || this.upstream?.closed === false;
      // The one request of a TCP connection is the connection.
      countDestroyed(this.cluster.counters, here, true, this.endMs - this.upstreamReadyMs);
      this.cluster.counters.requestsOfConnections.record(1);
    }
    for (const observer of this.#manager.observers) {
      // Connections that failed count as opened and closed too. Source: Istio's stats filter.
      if (!this.#opened) observer.onTcpOpened(this);
      observer.onTcpDone(this);
    }
    this.#owner.onTcpClosed(this, this.endMs - this.startMs);
  }
}

/** By flag; a connection that could not be made is 0. Source: Envoy `Filter::UpstreamFailureReason`. */
const INIT_FAILURES: Readonly<Record<string, number>> = { UH: 1, UO: 2, NC: 3 };

const NONE: readonly Host[] = [];

function chooseTcpCluster(
  config: TcpProxyConfig,
  random: () => number,
): TcpProxyConfig["clusters"][number] | undefined {
  const only = config.clusters[0];
  if (config.clusters.length === 1) return only;
  let point = random() * config.totalWeight;
  for (const item of config.clusters) {
    point -= item.weight;
    if (point < 0) return item;
  }
  return only;
}

/** Relays a connection. `first`: bytes that were read before. */
export function serveTcp(
  manager: TcpManager,
  info: ConnectionInfo,
  downstream: Connection,
  first: Uint8Array,
  owner: TcpSessionOwner,
): TcpSession {
  const session = new Session(manager, owner, info, downstream);
  session.start(first);
  return session;
}
