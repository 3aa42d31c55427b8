// Hot path: one per connection; `beforeRequest` and `used` run for every request.
import type { Enlisted, Expirable, TimerWheel, WheelTimer } from "@heddle/std";
import type { ClientConnection, WireFailure } from "@heddle/wire";
import { formatAddress } from "../transport/address.ts";
import { createClientCodec, sharedLimits } from "../transport/codecs.ts";
import type { ConnectionError, PeerIdentity } from "../transport/connection.ts";
import { type HttpLink, type LinkOwner, SocketLink } from "../transport/http-link.ts";
import { type KeepAlive, startKeepAlive } from "../transport/keep-alive.ts";
import type { StreamConnection } from "../transport/stream-connection.ts";
import { ByteCount, countDestroyed } from "./count-connection.ts";
import type { PooledConnection } from "./pool.ts";
import type { PoolSurroundings } from "./pool-surroundings.ts";

/** The pool that a connection belongs to. */
export interface LinkPool {
  readonly protocol: "http1" | "http2";
  readonly surroundings: PoolSurroundings;
  /** The connection can take requests again, or never will. */
  offer(link: PooledLink): void;
  /** The connection is gone. */
  forget(link: PooledLink): void;
}

/** A connection of a pool, with its timers. */
export class PooledLink implements PooledConnection, LinkOwner, Expirable, Enlisted {
  rosterAt = -1;
  readonly pool: LinkPool;
  readonly link: SocketLink<ClientConnection>;
  readonly http: ClientConnection;
  readonly localText: string;
  readonly peer: PeerIdentity | undefined;
  readonly secure: boolean;
  readonly bytes: ByteCount;
  readonly socket: StreamConnection;
  readonly #openedMs = performance.now();
  requests = 0;
  brokeOff = false;
  waited = false;
  /** Its place in the pool's stack of usable connections. */
  ready = false;
  readonly idleTimer: WheelTimer;
  /** Ends the connection at its greatest age; undefined: it has none. */
  readonly #ageTimer: WheelTimer | undefined;
  /** Start of the last request, or end where the connection then stands idle. Units: ms of the wheel. */
  lastUsedMs: number;
  /** 0: never. */
  readonly idleMs: number;
  readonly #keepAlive: KeepAlive | undefined;
  readonly #wheel: TimerWheel;

  constructor(pool: LinkPool, connection: StreamConnection, wheel: TimerWheel, http2: boolean) {
    this.pool = pool;
    this.socket = connection;
    this.bytes = new ByteCount(connection);
    const limits = pool.surroundings.http.http2;
    this.link = new SocketLink(connection, this, (host) =>
      createClientCodec(http2, pool.protocol === "http2" ? limits : sharedLimits(limits), () => wheel.nowMs, host),
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
    const { pings } = this.http;
    if (limits.keepAlive !== undefined && pings !== undefined)
      this.#keepAlive = startKeepAlive(limits.keepAlive, pings, pool.surroundings, () => this.#dead());
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

  #dead(): void {
    this.pool.surroundings.counters.keepAliveTimeouts++;
    this.link.connection.abort();
  }

  /** A request follows at once. */
  beforeRequest(): void {
    this.#keepAlive?.beforeRequest(this.#wheel.nowMs - this.lastUsedMs);
    this.used();
    this.requests++;
  }

  /** Cheap enough for each request: the timer stays armed and looks at the time when it expires. */
  used(): void {
    this.lastUsedMs = this.#wheel.nowMs;
  }

  onLinkClosed(_link: HttpLink, _error: ConnectionError | undefined): void {
    this.idleTimer.release();
    this.#ageTimer?.release();
    this.#keepAlive?.release();
    const { counters } = this.pool.surroundings;
    this.bytes.addTo(counters);
    countDestroyed(counters, this.socket.endedHere, this.brokeOff, performance.now() - this.#openedMs);
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
