// Hot path: acquire and release run for every request.

import { createRoster, type Enlisted } from "@heddle/std";
import { MULTIPLEX_ALPN } from "../tls/multiplex-alpn.ts";
import type { ConnectionError } from "../transport/connection.ts";
import type { Dial, DialOwner } from "../transport/dial.ts";
import type { StreamConnection } from "../transport/stream-connection.ts";
import { countDestroyed, countDialFailure, countHandshake } from "./count-connection.ts";
import { connectFailure, type UpstreamFailure, upstreamFailure } from "./failure.ts";
import type { HostPool, PoolWaiter } from "./pool.ts";
import type { PoolSurroundings } from "./pool-surroundings.ts";
import { type LinkPool, PooledLink } from "./pooled-link.ts";
import { CONNECTIONS_AHEAD, wantsConnection } from "./preconnect.ts";

/** Streams that a connection is expected to take before its server has said. Source: Envoy's default of `max_concurrent_streams`. */
const ASSUMED_STREAMS = 1024;

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

class ConnectionPool implements HostPool, LinkPool {
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

  get active(): number {
    let active = 0;
    for (const link of this.#links.snapshot()) active += link.http.activeStreams;
    return active;
  }

  get capacity(): number {
    let capacity = this.#dials.size * this.#streamsPerDial;
    for (const link of this.#links.snapshot()) capacity += link.http.capacity;
    return capacity;
  }

  get #streamsPerDial(): number {
    return this.#shared ? (this.surroundings.http.http2.maxConcurrentStreams ?? ASSUMED_STREAMS) : 1;
  }

  acquire(waiter: PoolWaiter, fresh = false): void {
    const ready = fresh && this.#mayMakeOne ? undefined : this.#takeReady();
    if (ready !== undefined) {
      this.#handOut(ready, waiter);
      this.#connectAhead();
      return;
    }
    const { limits, counters } = this.surroundings;
    if (counters.pending >= limits.maxPendingRequests) {
      counters.pendingOverflow++;
      waiter.onPoolFailure(upstreamFailure("overflow", "too many requests wait for a connection (circuit breaker)"));
      return;
    }
    counters.pending++;
    counters.pendingTotal++;
    this.#waiters.push(waiter);
    if (this.#needsDial) {
      if (this.#mayDial) this.#startDial();
      else counters.connectionOverflow++;
    }
    this.#connectAhead();
  }

  preconnect(ratio: number): boolean {
    if (!this.surroundings.host.healthy || this.#draining || !this.#mayDial) return false;
    if (!wantsConnection(this.pending + this.active + 1, this.capacity + this.active, ratio)) return false;
    return this.#startDial();
  }

  /** Connections for streams to come. Source: Envoy: a few at a time, so that a host that comes back is not flooded. */
  #connectAhead(): void {
    const ratio = this.surroundings.preconnect;
    if (ratio <= 1 || !this.surroundings.host.healthy || this.#draining) return;
    for (let i = 0; i < CONNECTIONS_AHEAD && this.#mayDial; i++) {
      if (!wantsConnection(this.pending + this.active, this.capacity + this.active, ratio)) return;
      if (!this.#startDial()) return;
    }
  }

  get #needsDial(): boolean {
    return this.#waiters.length > this.#dials.size * this.#streamsPerDial;
  }

  /** One request alone may have a connection made for it, and wait for that. */
  get #mayMakeOne(): boolean {
    const { limits, counters } = this.surroundings;
    return !this.#shared && this.#mayDial && counters.pending < limits.maxPendingRequests;
  }

  /** A host may always have one connection, whatever the limit of the cluster. */
  get #mayDial(): boolean {
    const { limits, counters } = this.surroundings;
    const own = this.#links.size + this.#dials.size;
    return own === 0 || (counters.connections < limits.maxConnections && own < limits.maxHostConnections);
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
    const { preconnect } = this.surroundings;
    const surplus = http2 && preconnect <= 1 && this.#waiters.length === 0 && this.#takeReady() !== undefined;
    this.#links.add(link);
    // Dials that began before it was known that one connection serves all.
    if (surplus) link.http.shutdown();
    else this.offer(link);
    // One HTTP/2 connection serves many who waited for it.
    while (this.#waiters.length > 0 && link.http.capacity > 0) this.offer(link);
    link.waited = link.requests === 0;
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
    link.beforeRequest();
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

  /** False: there can be none, as every waiter was told. */
  #startDial(): boolean {
    const { counters } = this.surroundings;
    const target = this.surroundings.target();
    if ("code" in target) {
      this.#failWaiters(target);
      return false;
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
    return true;
  }

  #dialForWaiters(): void {
    if (this.#needsDial && this.#mayDial) this.#startDial();
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
