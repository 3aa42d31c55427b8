// Hot path: acquire and release run for every request.

import { createRoster, type Enlisted, type Expirable, type TimerWheel, type WheelTimer } from "@heddle/std";
import type { ClientConnection, WireFailure } from "@heddle/wire";
import type { UpstreamHttpConfig } from "../config/upstream-http.ts";
import { MULTIPLEX_ALPN } from "../tls/multiplex-alpn.ts";
import { formatAddress } from "../transport/address.ts";
import { createClientCodec, sharedLimits } from "../transport/codecs.ts";
import type { ConnectionError, PeerIdentity } from "../transport/connection.ts";
import type { Dial, DialOwner, DialTarget } from "../transport/dial.ts";
import { type HttpLink, type LinkOwner, SocketLink } from "../transport/http-link.ts";
import type { StreamConnection } from "../transport/stream-connection.ts";
import { ByteCount, countDestroyed, countDialFailure, countHandshake } from "./count-connection.ts";
import type { ClusterCounters, ClusterLimits } from "./counters.ts";
import { connectFailure, type UpstreamFailure, upstreamFailure } from "./failure.ts";
import type { Host } from "./host.ts";
import type { HostPool, PooledConnection, PoolWaiter } from "./pool.ts";

/** What a pool needs from its cluster and process. */
export interface PoolSurroundings {
  readonly host: Host;
  readonly protocol: "http1" | "http2";
  readonly transportKey: unknown;
  readonly serverName: string | undefined;
  readonly http: UpstreamHttpConfig;
  readonly limits: ClusterLimits;
  readonly counters: ClusterCounters;
  readonly wheel: TimerWheel;
  /** Goes away as soon as it is empty: it serves one client only. */
  readonly ephemeral: boolean;
  /** The target with fresh secrets, or why there can be none. */
  target(): DialTarget | UpstreamFailure;
  dial(target: DialTarget, owner: DialOwner): Dial;
  /** The pool holds nothing any more and was told to drain. */
  onEmpty(pool: HostPool): void;
}

class PooledLink implements PooledConnection, LinkOwner, Expirable, Enlisted {
  rosterAt = -1;
  readonly pool: ConnectionPool;
  readonly link: SocketLink<ClientConnection>;
  readonly http: ClientConnection;
  readonly localText: string;
  readonly peer: PeerIdentity | undefined;
  readonly secure: boolean;
  readonly bytes: ByteCount;
  readonly #connection: StreamConnection;
  readonly #openedMs = performance.now();
  requests = 0;
  brokeOff = false;
  /** Its place in the pool's stack of usable connections. */
  ready = false;
  readonly idleTimer: WheelTimer;
  /** Ends the connection at its greatest age; undefined: it has none. */
  readonly #ageTimer: WheelTimer | undefined;
  /** Start of the last request, or end where the connection then stands idle. Units: ms of the wheel. */
  lastUsedMs: number;
  /** 0: never. */
  readonly idleMs: number;
  readonly #wheel: TimerWheel;

  constructor(pool: ConnectionPool, connection: StreamConnection, wheel: TimerWheel, http2: boolean) {
    this.pool = pool;
    this.#connection = connection;
    this.bytes = new ByteCount(connection);
    const limits = pool.surroundings.http.http2;
    this.link = new SocketLink(connection, this, (host) =>
      createClientCodec(http2, pool.protocol === "http2" ? limits : sharedLimits(limits), host),
    );
    this.http = this.link.http;
    this.localText = formatAddress(connection.local);
    this.peer = connection.tls?.peer;
    this.secure = connection.tls !== undefined;
    this.idleTimer = wheel.create(this);
    const maxAgeMs = pool.surroundings.http.maxConnectionDurationMs;
    this.#ageTimer = maxAgeMs > 0 ? wheel.create({ onExpire: () => this.#tooOld() }) : undefined;
    this.#ageTimer?.arm(maxAgeMs);
    this.#wheel = wheel;
    this.idleMs = pool.surroundings.http.idleTimeoutMs;
    this.lastUsedMs = wheel.nowMs;
    if (this.idleMs > 0) this.idleTimer.arm(this.idleMs);
  }

  onExpire(): void {
    const leftMs = this.http.activeStreams > 0 ? this.idleMs : this.lastUsedMs + this.idleMs - this.#wheel.nowMs;
    if (leftMs > 0) this.idleTimer.arm(leftMs);
    else {
      this.pool.surroundings.counters.connectionIdleTimeouts++;
      this.http.shutdown();
    }
  }

  #tooOld(): void {
    this.pool.surroundings.counters.connectionMaxDuration++;
    this.http.shutdown();
  }

  /** Cheap enough for each request: the timer stays armed and looks at the time when it expires. */
  used(): void {
    this.lastUsedMs = this.#wheel.nowMs;
  }

  onLinkClosed(_link: HttpLink, _error: ConnectionError | undefined): void {
    this.idleTimer.release();
    this.#ageTimer?.release();
    const { counters } = this.pool.surroundings;
    this.bytes.addTo(counters);
    countDestroyed(counters, this.#connection.endedHere, this.brokeOff, performance.now() - this.#openedMs);
    counters.requestsOfConnections.record(this.requests);
    this.pool.forget(this);
  }

  onLinkFailure(_link: HttpLink, _failure: WireFailure): void {
    this.pool.surroundings.counters.protocolErrors++;
  }

  onLinkCapacity(_link: HttpLink): void {
    this.pool.offer(this);
  }
}

class PendingDial implements DialOwner, Enlisted {
  rosterAt = -1;
  readonly pool: ConnectionPool;
  readonly startedMs = performance.now();
  dial: Dial | undefined;

  constructor(pool: ConnectionPool) {
    this.pool = pool;
  }

  onConnected(connection: StreamConnection): void {
    this.pool.connected(this, connection);
  }

  onConnectFailed(error: ConnectionError): void {
    this.pool.dialFailed(this, connectFailure(error));
  }
}

class ConnectionPool implements HostPool {
  readonly protocol: "http1" | "http2";
  readonly transportKey: unknown;
  readonly serverName: string | undefined;
  readonly surroundings: PoolSurroundings;
  /** Usable connections, the one used last on top: the others may idle out. */
  readonly #ready: PooledLink[] = [];
  readonly #links = createRoster<PooledLink>();
  readonly #dials = createRoster<PendingDial>();
  /** Invariant: empty unless a dial is under way or the cluster is at its connection limit. */
  readonly #waiters: PoolWaiter[] = [];
  #draining = false;
  /** Connections carry many requests at once, as far as is known: HTTP/2, or a peer that multiplexes HTTP/1.1. */
  #shared: boolean;

  constructor(surroundings: PoolSurroundings) {
    this.surroundings = surroundings;
    this.protocol = surroundings.protocol;
    this.transportKey = surroundings.transportKey;
    this.serverName = surroundings.serverName;
    this.#shared = surroundings.protocol === "http2";
  }

  get connections(): number {
    return this.#links.size;
  }

  get pending(): number {
    return this.#waiters.length;
  }

  acquire(waiter: PoolWaiter): void {
    const ready = this.#takeReady();
    if (ready !== undefined) {
      this.#handOut(ready, waiter);
      return;
    }
    const { limits, counters } = this.surroundings;
    if (counters.pending >= limits.maxPendingRequests) {
      counters.pendingOverflow++;
      waiter.onPoolFailure(upstreamFailure("overflow", "too many requests wait for a connection (circuit breaker)"));
      return;
    }
    const own = this.#links.size + this.#dials.size;
    const mayDial = own === 0 || (counters.connections < limits.maxConnections && own < limits.maxHostConnections);
    if (!mayDial) counters.connectionOverflow++;
    counters.pending++;
    counters.pendingTotal++;
    this.#waiters.push(waiter);
    if (mayDial && (!this.#shared || this.#dials.size === 0)) this.#startDial();
  }

  cancel(waiter: PoolWaiter): void {
    const at = this.#waiters.indexOf(waiter);
    if (at < 0) return;
    this.#waiters.splice(at, 1);
    this.surroundings.counters.pending--;
  }

  countBytes(): void {
    for (const link of this.#links.snapshot()) link.bytes.addTo(this.surroundings.counters);
  }

  drain(): void {
    this.#draining = true;
    for (const link of this.#links.snapshot()) link.http.shutdown();
    this.#reportEmpty();
  }

  close(): void {
    this.#draining = true;
    for (const dial of this.#dials.snapshot()) this.#dropDial(dial);
    this.#failWaiters(upstreamFailure("connect-failed", "the endpoint was removed"));
    for (const link of this.#links.snapshot()) link.link.connection.abort();
    this.#reportEmpty();
  }

  /** A connection can take requests again, or never will. */
  offer(link: PooledLink): void {
    if (link.http.capacity === 0) return;
    if (this.#draining) {
      link.http.shutdown();
      return;
    }
    const waiter = this.#waiters.shift();
    if (waiter !== undefined) {
      this.surroundings.counters.pending--;
      if (!link.ready) this.#push(link);
      this.#handOut(link, waiter);
      return;
    }
    if (!link.ready) this.#push(link);
    link.used();
  }

  connected(dial: PendingDial, connection: StreamConnection): void {
    this.#dials.delete(dial);
    const { counters, host, wheel } = this.surroundings;
    host.stats.cxActive++;
    counters.connectTime.record(performance.now() - dial.startedMs);
    if (connection.tls !== undefined) countHandshake(counters, connection.tls);
    const alpn = connection.tls?.alpn;
    const agreed = alpn === "h2" && this.surroundings.http.protocol === "auto";
    const http2 = this.protocol === "http2" || alpn === MULTIPLEX_ALPN || agreed;
    this.#shared = http2;
    if (http2 && this.protocol === "http1") {
      counters.connectionsHttp1--;
      counters.connectionsHttp2++;
    }
    const link = new PooledLink(this, connection, wheel, http2);
    const surplus = http2 && this.#waiters.length === 0 && this.#takeReady() !== undefined;
    this.#links.add(link);
    // Dials that began before it was known that one connection serves all.
    if (surplus) link.http.shutdown();
    else this.offer(link);
    // One HTTP/2 connection serves many who waited for it.
    while (this.#waiters.length > 0 && link.http.capacity > 0) this.offer(link);
    this.#dialForWaiters();
  }

  dialFailed(dial: PendingDial, failure: UpstreamFailure): void {
    this.#dials.delete(dial);
    const { counters, host } = this.surroundings;
    counters.connections--;
    countDialFailure(counters, failure, performance.now() - dial.startedMs);
    host.stats.cxConnectFail++;
    if (this.#shared) {
      counters.pendingFailures += this.#waiters.length;
      this.#failWaiters(failure);
    } else {
      const waiter = this.#waiters.shift();
      if (waiter !== undefined) {
        counters.pending--;
        counters.pendingFailures++;
        waiter.onPoolFailure(failure);
      }
    }
    this.#reportEmpty();
  }

  /** The connection is gone. */
  forget(link: PooledLink): void {
    if (!this.#links.delete(link)) return;
    this.surroundings.counters.connections--;
    this.surroundings.host.stats.cxActive--;
    if (link.ready) {
      link.ready = false;
      const at = this.#ready.indexOf(link);
      if (at >= 0) this.#ready.splice(at, 1);
    }
    this.#dialForWaiters();
    this.#reportEmpty();
  }

  #push(link: PooledLink): void {
    link.ready = true;
    this.#ready.push(link);
  }

  #takeReady(): PooledLink | undefined {
    const ready = this.#ready;
    while (ready.length > 0) {
      const link = ready[ready.length - 1];
      if (link !== undefined && link.http.capacity > 0) return link;
      ready.pop();
      if (link !== undefined) link.ready = false;
    }
    return undefined;
  }

  #handOut(link: PooledLink, waiter: PoolWaiter): void {
    link.used();
    link.requests++;
    waiter.onConnection(link);
    const limit = this.surroundings.http.maxRequestsPerConnection;
    if (limit > 0 && link.requests >= limit) {
      this.surroundings.counters.connectionMaxRequests++;
      link.http.shutdown();
    }
    if (link.http.capacity > 0 || !link.ready) return;
    // On top nearly always; a look-up elsewhere is for HTTP/2 at its limit.
    if (this.#ready[this.#ready.length - 1] === link) {
      this.#ready.pop();
      link.ready = false;
    }
  }

  #startDial(): void {
    const { counters } = this.surroundings;
    const target = this.surroundings.target();
    if ("code" in target) {
      this.#failWaiters(target);
      return;
    }
    counters.connections++;
    // Attempts count, also those that fail. Source: Envoy upstream_cx_total.
    counters.connectionsTotal++;
    if (this.protocol === "http2") counters.connectionsHttp2++;
    else counters.connectionsHttp1++;
    this.surroundings.host.stats.cxTotal++;
    const pending = new PendingDial(this);
    this.#dials.add(pending);
    pending.dial = this.surroundings.dial(target, pending);
  }

  #dialForWaiters(): void {
    const { limits, counters } = this.surroundings;
    if (this.#shared && this.#dials.size > 0) return;
    if (
      this.#waiters.length > this.#dials.size &&
      this.#links.size + this.#dials.size < limits.maxHostConnections &&
      (counters.connections < limits.maxConnections || this.#links.size + this.#dials.size === 0)
    ) {
      this.#startDial();
    }
  }

  #dropDial(dial: PendingDial): void {
    this.#dials.delete(dial);
    dial.dial?.cancel();
    const { counters } = this.surroundings;
    counters.connections--;
    countDestroyed(counters, true, false, performance.now() - dial.startedMs);
  }

  #failWaiters(failure: UpstreamFailure): void {
    const waiters = this.#waiters.splice(0);
    this.surroundings.counters.pending -= waiters.length;
    for (const waiter of waiters) waiter.onPoolFailure(failure);
  }

  #reportEmpty(): void {
    if (!this.#draining && !(this.surroundings.ephemeral && this.#waiters.length === 0)) return;
    if (this.#links.size === 0 && this.#dials.size === 0) this.surroundings.onEmpty(this);
  }
}

export function createConnectionPool(surroundings: PoolSurroundings): HostPool {
  return new ConnectionPool(surroundings);
}
