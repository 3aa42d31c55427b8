// Hot path: one per accepted HTTP connection.

import { createRoster, type Enlisted, type Expirable, type WheelTimer } from "@heddle/std";
import { HTTP_1_1, type HttpConnection, type ServerHandler, type ServerStream, type WireFailure } from "@heddle/wire";
import { noteOpen } from "../config/log-needs.ts";
import type { ConnectionInfo } from "../listener/connection-info.ts";
import { MULTIPLEX_ALPN } from "../tls/multiplex-alpn.ts";
import { createServerCodec, sharedLimits } from "../transport/codecs.ts";
import type { Connection, ConnectionError } from "../transport/connection.ts";
import { type HttpLink, type LinkOwner, SocketLink } from "../transport/http-link.ts";
import { type KeepAlive, startKeepAlive } from "../transport/keep-alive.ts";
import { ByteCount } from "../upstream/count-connection.ts";
import type { HttpManager } from "./connection-manager.ts";
import { Exchange, type ExchangeOwner } from "./exchange.ts";
import { LATE_HEAD, lateAnswer, SILENT_HEAD, tellUnread, unreadCause } from "./unread-request.ts";

/** An HTTP connection of a client. */
export interface HttpDownstream extends Enlisted {
  /** No new requests; closes when those under way are done. */
  drain(): void;
  /** The same, but an idle HTTP/1 connection may bring one more request. */
  retire(): void;
  readonly activeExchanges: number;
  /** Brings the byte counts of the connection manager up to date. */
  countBytes(): void;
  /** Envoy's name of what was spoken; "" before the first request. */
  readonly protocol: string;
  /** It ended because the client sent no HTTP. */
  readonly wrong: boolean;
  readonly clientReset: "" | "RemoteReset";
  /** Why we closed it, in Envoy's words; "": we did not, or no answer was the last. */
  readonly closeReason: string;
}

/** Told when the connection is gone. */
export interface HttpDownstreamOwner {
  /** @param ms How long it was open. */
  onDownstreamClosed(downstream: HttpDownstream, ms: number): void;
}

class ServerConnection implements HttpDownstream, ServerHandler, LinkOwner, ExchangeOwner, Expirable {
  readonly #manager: HttpManager;
  readonly #info: ConnectionInfo;
  readonly #owner: HttpDownstreamOwner;
  readonly #link: SocketLink<HttpConnection>;
  rosterAt = -1;
  readonly #exchanges = createRoster<Exchange>();
  readonly #timer: WheelTimer;
  readonly #keepAlive: KeepAlive | undefined;
  readonly #openedMs: number;
  #lastUsedMs: number;
  /** When the head that is arriving now began; -1: none is. Units: ms of the wheel. */
  #headSinceMs = -1;
  #requests = 0;
  readonly #multiplexed: boolean;
  readonly #http2: boolean;
  readonly #openedAt: number;
  /** A request was under way when the connection ended. */
  #broke = false;
  wrong = false;
  clientReset: HttpDownstream["clientReset"] = "";
  /** When a time limit of the connection was reached; -1: none was. Units: ms of the wheel. */
  #overdueMs = -1;
  /** An answer is out that nobody asked for any more: the client may read it. */
  lingers = false;
  /** The client left the connection to us. */
  #waitedInVain = false;
  readonly #bytes: ByteCount;

  constructor(
    manager: HttpManager,
    info: ConnectionInfo,
    connection: Connection,
    http2: boolean,
    owner: HttpDownstreamOwner,
  ) {
    this.#manager = manager;
    this.#info = info;
    this.#owner = owner;
    this.#http2 = http2;
    this.#multiplexed = http2 && connection.tls?.alpn === MULTIPLEX_ALPN;
    this.#openedMs = manager.wheel.nowMs;
    this.#lastUsedMs = this.#openedMs;
    this.#openedAt = manager.clock.monotonic();
    this.#bytes = new ByteCount(connection);
    if (manager.needs.open) noteOpen(connection);
    const { config } = manager;
    this.#link = new SocketLink(connection, this, (host) =>
      createServerCodec(
        http2,
        this.#multiplexed ? { ...config, http2: sharedLimits(config.http2) } : config,
        info.tls === undefined ? "http" : "https",
        () => manager.wheel.nowMs,
        host,
        this,
      ),
    );
    const { counters } = manager;
    counters.connectionsTotal++;
    counters.connectionsActive++;
    if (http2) {
      counters.connectionsHttp2++;
      counters.connectionsHttp2Active++;
    } else {
      counters.connectionsHttp1++;
      counters.connectionsHttp1Active++;
    }
    if (info.tls !== undefined) {
      counters.connectionsTls++;
      counters.connectionsTlsActive++;
    }
    const { keepAlive } = config.http2;
    const { pings } = this.#link.http;
    if (keepAlive !== undefined && pings !== undefined)
      this.#keepAlive = startKeepAlive(keepAlive, pings, manager, () => {
        counters.keepAliveTimeouts++;
        connection.abort();
      });
    this.#timer = manager.wheel.create(this);
    this.#timer.arm(SWEEP_MS);
  }

  get activeExchanges(): number {
    return this.#exchanges.size;
  }

  get protocol(): string {
    if (this.#requests === 0) return "";
    return this.#http2 ? "HTTP/2" : "HTTP/1.1";
  }

  get closeReason(): string {
    if (this.#waitedInVain) return "triggered_delayed_close_timeout";
    const answered = this.#requests > 0 && !this.wrong;
    return answered && this.#link.connection.endedHere ? "deferred_close_on_drained_connection" : "";
  }

  /** Bytes that arrived before the codec was chosen. */
  receive(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#link.onData(bytes);
  }

  drain(): void {
    this.#link.http.shutdown();
  }

  retire(): void {
    // An HTTP/1 answer that has begun can't announce the end any more; the next one will.
    if (this.#http2 || this.#exchanges.snapshot().some(({ status }) => status === 0)) this.#link.http.shutdown();
  }

  onRequest(stream: ServerStream, endStream: boolean, expectContinue: boolean): void {
    const manager = this.#manager;
    this.#headSinceMs = -1;
    this.#requests++;
    const limit = manager.config.maxRequestsPerConnection;
    const overdue = this.#overdueMs >= 0;
    const drains = manager.draining || manager.health.failed;
    if (drains || overdue || (limit > 0 && this.#requests >= limit)) {
      if (drains) manager.counters.drainCloses++;
      else if (!overdue) manager.counters.maxRequests++;
      this.#link.http.shutdown();
    }
    if (this.#multiplexed) stream.request.version = HTTP_1_1;
    const exchange = new Exchange(manager, this, this.#info, stream);
    stream.handler = exchange;
    this.#exchanges.add(exchange);
    if (!manager.overload.active) exchange.begin(endStream, expectContinue);
    else this.#beginOverloaded(exchange, endStream, expectContinue);
  }

  #beginOverloaded(exchange: Exchange, endStream: boolean, expectContinue: boolean): void {
    const { overload, counters } = this.#manager;
    const shed = overload.shedsRequest();
    if (shed) counters.overloadClosed++;
    const end = overload.endsKeepAlive();
    if (end) counters.overloadNoKeepAlive++;
    if (shed || end) this.#link.http.shutdown();
    if (!shed) {
      exchange.begin(endStream, expectContinue);
      return;
    }
    exchange.originalPath = exchange.request.path;
    exchange.fail("overload");
    // Who goes on sending a body would keep the connection.
    const { connection } = this.#link;
    if (!endStream && !this.#http2)
      this.#manager.clock.after(this.#manager.config.delayedCloseMs, () => connection.close());
  }

  countBytes(): void {
    this.#bytes.addTo(this.#manager.counters);
  }

  onExchangeOver(exchange: Exchange): void {
    this.#exchanges.delete(exchange);
    if (exchange.status === 0 && !this.#http2) this.#broke = true;
    this.#lastUsedMs = this.#manager.wheel.nowMs;
  }

  onLinkClosed(_link: HttpLink, error: ConnectionError | undefined): void {
    if (error?.kind === "reset") this.clientReset = "RemoteReset";
    this.#timer.release();
    this.#keepAlive?.release();
    const { counters, clock } = this.#manager;
    counters.connectionsActive--;
    if (this.#http2) counters.connectionsHttp2Active--;
    else counters.connectionsHttp1Active--;
    if (this.#info.tls !== undefined) counters.connectionsTlsActive--;
    const here = this.#link.connection.endedHere;
    if (here) counters.destroyedLocal++;
    else counters.destroyedRemote++;
    if (this.#broke && here) counters.destroyedLocalBusy++;
    else if (this.#broke) counters.destroyedRemoteBusy++;
    const ms = clock.monotonic() - this.#openedAt;
    counters.connectionTime.record(ms);
    this.countBytes();
    this.#owner.onDownstreamClosed(this, ms);
  }

  onLinkFailure(_link: HttpLink, failure: WireFailure): void {
    // Of a head that was late everything is told.
    if (this.lingers) return;
    const manager = this.#manager;
    const gone = failure.code === "connection-closed";
    if (!gone) manager.counters.protocolErrors++;
    this.wrong ||= !gone;
    // Bytes that are not read any more would reset the connection, and with it the answer that says why.
    if (!gone && !this.#http2) this.#linger();
    // HTTP/1 answers what it can't read as a request. Source: Envoy counts it as one.
    if (this.#http2 || this.#exchanges.size > 0 || (!gone && failure.status < 400)) return;
    if (failure.status === 431) manager.counters.tooLarge++;
    if (gone) this.#requests++;
    this.#broke ||= gone;
    tellUnread(manager, this.#info, unreadCause(failure));
  }

  onLinkCapacity(): void {}

  /** A request may be on its way: HTTP/2 says which is the last, HTTP/1 with its next answer. */
  #beginEnd(nowMs: number): void {
    this.#overdueMs = nowMs;
    this.retire();
  }

  /** Source: Envoy waits for `drain_timeout`, then as long as for any client that does not close. */
  #endOverdue(nowMs: number): void {
    const { drainMs, delayedCloseMs } = this.#manager.config;
    if (this.#exchanges.size > 0 || nowMs - this.#overdueMs < drainMs + delayedCloseMs) return;
    this.#giveUpWaiting();
  }

  /** Without a limit of its own, a head may take as long as a stream may be silent. */
  #checkHead(nowMs: number): void {
    const { config, counters } = this.#manager;
    const own = config.requestHeadersTimeoutMs > 0;
    const limitMs = own ? config.requestHeadersTimeoutMs : config.streamIdleTimeoutMs;
    if (this.lingers || limitMs === 0 || !this.#link.http.headPending) {
      this.#headSinceMs = -1;
      return;
    }
    if (this.#headSinceMs < 0) this.#headSinceMs = nowMs;
    if (nowMs - this.#headSinceMs < limitMs) return;
    if (own) counters.headerTimeouts++;
    else counters.streamIdleTimeouts++;
    const { connection, http } = this.#link;
    // The bytes of an HTTP/2 head belong to no stream yet.
    if (this.#http2) {
      connection.close();
      return;
    }
    const cause = own ? LATE_HEAD : SILENT_HEAD;
    this.#requests++;
    this.#linger();
    http.abort("the head of a request did not become complete in time");
    connection.write(lateAnswer(this.#manager, cause));
    tellUnread(this.#manager, this.#info, cause);
  }

  /** The client has time to read the last answer, and to close. Source: Envoy `delayed_close_timeout`. */
  #linger(): void {
    this.lingers = true;
    this.#manager.clock.after(this.#manager.config.delayedCloseMs, () => this.#giveUpWaiting());
  }

  /** The client had its time to close. */
  #giveUpWaiting(): void {
    const { connection } = this.#link;
    if (connection.closed) return;
    if (this.#manager.config.delayedCloseMs > 0) {
      this.#waitedInVain = true;
      this.#manager.counters.delayedCloses++;
    }
    connection.close();
  }

  /** Looks at all deadlines of the connection; coarse, so that requests arm no timers of their own. */
  onExpire(): void {
    const { config, wheel } = this.#manager;
    const nowMs = wheel.nowMs;
    for (const exchange of this.#exchanges.snapshot()) exchange.checkDurations(nowMs);
    const http = this.#link.http;
    if (this.#overdueMs >= 0) this.#endOverdue(nowMs);
    else if (
      this.#exchanges.size === 0 &&
      !http.headPending &&
      config.idleTimeoutMs > 0 &&
      nowMs - this.#lastUsedMs >= config.idleTimeoutMs
    ) {
      this.#manager.counters.idleTimeouts++;
      this.#beginEnd(nowMs);
    } else if (config.maxConnectionDurationMs > 0 && nowMs - this.#openedMs >= config.maxConnectionDurationMs) {
      if (!http.shouldClose) this.#manager.counters.maxDuration++;
      this.#beginEnd(nowMs);
    }
    this.#checkHead(nowMs);
    if (!this.#link.connection.closed) this.#timer.arm(SWEEP_MS);
  }
}

/** How exact idle timeouts are. Units: ms. */
const SWEEP_MS = 1000;

/** Serves HTTP on a connection. `first`: bytes that were read before. */
export function serveHttp(
  manager: HttpManager,
  info: ConnectionInfo,
  connection: Connection,
  http2: boolean,
  first: Uint8Array,
  owner: HttpDownstreamOwner,
): HttpDownstream {
  const downstream = new ServerConnection(manager, info, connection, http2, owner);
  downstream.receive(first);
  return downstream;
}
