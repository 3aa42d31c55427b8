import type { JsonValue } from "@bufbuild/protobuf";
import type { Clock, ClockTimer, Logger } from "@heddle/std";
import type { ListenerConfig } from "../config/listener.ts";
import type { ProxyProtocolConfig } from "../config/listener-filters.ts";
import { noteOpen } from "../config/log-needs.ts";
import { type HttpDownstreamOwner, serveHttp } from "../http/downstream.ts";
import type { HttpManagerCounters } from "../http/manager-counters.ts";
import { serveTcp, type TcpSessionOwner } from "../network/tcp-proxy.ts";
import type { TcpObserver } from "../network/tcp-record.ts";
import { type InspectionNeeds, inspectionNeeds, matchFilterChain } from "../router/chain-matcher.ts";
import { type AcceptTlsOptions, acceptTls } from "../tls/accept-tls.ts";
import { isTimeout, loggedFailure } from "../tls/logged-failure.ts";
import type { SecureContexts } from "../tls/secure-context.ts";
import { formatAddress, type SocketAddress } from "../transport/address.ts";
import { type ConnectionError, type ConnectionHandler, IGNORE_EVENTS } from "../transport/connection.ts";
import type { Network } from "../transport/network.ts";
import type { StreamConnection } from "../transport/stream-connection.ts";
import type { ChainRuntime } from "./chain-runtime.ts";
import { readClientHeader } from "./client-header.ts";
import { CodecChoice, decided, isPreface, type SilentEnd } from "./codec-choice.ts";
import { type ConnectionEnd, tellEnd, tellSession } from "./connection-end.ts";
import { type ConnectionInfo, describeConnection } from "./connection-info.ts";
import { HelloWait } from "./hello-wait.ts";
import { type Inspection, inspect, PLAIN } from "./inspector.ts";
import type { InspectorCounters, ListenerCounters } from "./listener-counters.ts";
import type { GateVerdict } from "./network-gate.ts";

/** What accepted connections need from the listeners. */
export interface IncomingSurroundings {
  readonly network: Network;
  readonly clock: Clock;
  readonly contexts: SecureContexts;
  readonly log: Logger;
  readonly inspector: InspectorCounters;
  /** Counters of a listener. */
  countersOf(listener: ListenerConfig): ListenerCounters;
  /** Who is told of all connections of a listener when they end. */
  observersOf(listener: ListenerConfig): readonly TcpObserver[];
  /** Listener for a redirected connection; undefined: stay where it came in. */
  findListener(destination: SocketAddress): ListenerConfig | undefined;
  chainRuntime(listener: ListenerConfig, chain: ListenerConfig["chains"][number]): ChainRuntime;
  /** URI name in our own certificate; "" when there is none. */
  localUri(): string;
}

/** Longest start of a connection that is kept while it is inspected. Units: bytes. */
const MAX_INSPECT_BYTES = 65_536;
const DEFAULT_HANDSHAKE_MS = 10_000;
const EMPTY = new Uint8Array(0);

/** What a sidecar of another cluster asked a gateway for in vain. */
const UNKNOWN_SERVICE =
  "the server name is that of a mesh service: is there such a Service here, within the Gateway's hosts, and a DestinationRule with the same subset?";

/** A connection from its accept until a filter chain owns it: original destination → inspection → chain → TLS → last filter. */
class Incoming implements ConnectionHandler {
  readonly #around: IncomingSurroundings;
  readonly #connection: StreamConnection;
  readonly #listener: ListenerConfig;
  readonly #needs: InspectionNeeds;
  readonly #counters: ListenerCounters;
  readonly #observers: readonly TcpObserver[];
  readonly #openedMs: number;
  /** Until a chain has it: why none will. */
  #unserved: ConnectionEnd | undefined = {};
  #inspection = PLAIN;
  #destination: SocketAddress;
  /** By redirection or a PROXY header; undefined: the listener's own address was called. */
  #original: SocketAddress | undefined;
  #client: SocketAddress;
  /** A PROXY header comes first. */
  #header: ProxyProtocolConfig | undefined;
  /** What was kept of that header. */
  #metadata: Map<string, JsonValue> | undefined = undefined;
  #timer: ClockTimer | undefined = undefined;
  #first: Uint8Array = EMPTY;
  #ended = false;
  #chosen = false;

  constructor(around: IncomingSurroundings, connection: StreamConnection, bound: ListenerConfig) {
    this.#around = around;
    this.#connection = connection;
    connection.pinAddresses();
    const redirected = bound.useOriginalDst || bound.listenerFilters.includes("original-dst");
    const original = redirected ? around.network.kernel.originalDst(connection.socket.fd) : undefined;
    this.#original = original;
    this.#destination = original ?? connection.local;
    const target = bound.useOriginalDst && original !== undefined ? around.findListener(original) : undefined;
    this.#listener = target ?? bound;
    this.#needs = inspectionNeeds(this.#listener);
    this.#counters = around.countersOf(this.#listener);
    this.#observers = around.observersOf(this.#listener);
    this.#openedMs = around.clock.monotonic();
    this.#client = connection.remote;
    this.#header = this.#listener.proxyProtocol;
  }

  start(): void {
    this.#counters.inspecting++;
    this.#connection.handler = this;
    if (!this.#needs.tls && !this.#needs.http && this.#header === undefined) {
      this.#choose(PLAIN);
      return;
    }
    const timeoutMs = this.#listener.inspectTimeoutMs;
    if (timeoutMs > 0) this.#timer = this.#around.clock.after(timeoutMs, () => this.#inspectTimeout());
  }

  onData(chunk: Uint8Array): void {
    this.#first = this.#first.length === 0 ? chunk : Buffer.concat([this.#first, chunk]);
    if (this.#chosen || !this.#takeHeader()) return;
    const inspection = inspect(this.#first, this.#needs);
    if (inspection !== undefined) this.#choose(inspection);
    else if (this.#first.length > MAX_INSPECT_BYTES) this.#choose(PLAIN);
  }

  /** False while the PROXY header is incomplete, or when it is wrong. */
  #takeHeader(): boolean {
    const config = this.#header;
    if (config === undefined) return true;
    const read = readClientHeader(this.#first, config);
    if (read.kind === "incomplete") return false;
    if (read.kind === "wrong") {
      this.#chosen = true;
      this.#counters.inspecting--;
      this.#around.log.info("a connection without a proper PROXY header is closed", {
        listener: this.#listener.name,
        client: formatAddress(this.#client),
        reason: read.reason,
      });
      this.#connection.close();
      return false;
    }
    this.#header = undefined;
    this.#first = this.#first.subarray(read.bytes);
    this.#metadata = read.metadata;
    this.#client = read.source ?? this.#client;
    this.#original = read.destination ?? this.#original;
    this.#destination = read.destination ?? this.#destination;
    if (this.#needs.tls || this.#needs.http) return this.#first.length > 0;
    this.#choose(PLAIN);
    return false;
  }

  onEnd(): void {
    // Too little came to know what it is; what came is passed on as it is.
    this.#ended = true;
    if (!this.#chosen) this.#choose(PLAIN);
  }

  onDrain(): void {}

  onClose(_error: ConnectionError | undefined): void {
    this.#timer?.cancel();
    if (!this.#chosen) {
      this.#counters.inspecting--;
      this.#counters.inspectGone++;
    }
    this.#chosen = true;
    if (this.#unserved !== undefined) this.#tell(this.#unserved);
  }

  /** A server-first protocol: the client waits, and so would we. */
  #inspectTimeout(): void {
    if (this.#chosen) return;
    this.#counters.inspectTimeouts++;
    if (!this.#listener.continueOnTimeout) {
      this.#chosen = true;
      this.#counters.inspecting--;
      this.#connection.close();
      return;
    }
    this.#choose(PLAIN);
  }

  #choose(inspection: Inspection): void {
    this.#chosen = true;
    this.#counters.inspecting--;
    if (this.#needs.tls) countInspection(this.#around.inspector, inspection);
    this.#timer?.cancel();
    const remote = this.#client;
    const chain = matchFilterChain(this.#listener, {
      destinationIp: this.#destination.ip,
      destinationPort: this.#destination.port,
      sourceIp: remote.ip,
      directSourceIp: this.#connection.remote.ip,
      sourcePort: remote.port,
      ...inspection,
    });
    if (chain === undefined) {
      this.#counters.noChainMatch++;
      this.#inspection = inspection;
      // Source: Envoy looks for no chain once the client is gone.
      const gone = this.#ended && this.#first.length === 0;
      this.#unserved = gone ? {} : { flags: "NR", details: "filter_chain_not_found" };
      // Somebody in the mesh is waiting for an answer to this one; anything else may be a scan.
      const hint = inspection.serverName?.startsWith("outbound_") === true ? UNKNOWN_SERVICE : undefined;
      this.#around.log[hint === undefined ? "debug" : "info"]("no filter chain matches; the connection is closed", {
        listener: this.#listener.name,
        destination: formatAddress(this.#destination),
        serverName: inspection.serverName,
        transport: inspection.transportProtocol,
        alpn: inspection.applicationProtocols,
        ...(hint === undefined ? {} : { hint }),
      });
      this.#connection.close();
      return;
    }
    this.#unserved = undefined;
    this.#inspection = inspection;
    this.#counters.connectionsTotal++;
    this.#counters.connectionsActive++;
    const runtime = this.#around.chainRuntime(this.#listener, chain);
    // As the chain first came: after an update that repeats it, clients still go on from their earlier handshakes.
    const { tls } = runtime.config;
    if (tls === undefined) {
      this.#serve(runtime, this.#first);
      return;
    }
    const ready = this.#around.contexts.ready(tls);
    if (!ready.ok) {
      this.#refused(ready.error, runtime);
      this.#connection.close();
      return;
    }
    const timeoutMs = chain.handshakeTimeoutMs > 0 ? chain.handshakeTimeoutMs : DEFAULT_HANDSHAKE_MS;
    const accept = (offered: readonly string[]) =>
      this.#acceptTls(runtime, {
        ready: ready.value,
        // Source: Envoy wants a certificate wherever it wants names or pins in it.
        requireCertificate:
          tls.requireClientCertificate || ready.value.sans.length > 0 || ready.value.pins !== undefined,
        alpn: tls.alpn,
        offered,
        multiplex: runtime.handler.kind === "http" && runtime.handler.manager.config.codec === "auto",
        timeoutMs,
      });
    if (inspection.transportProtocol === "tls" || tls.alpn.length === 0) {
      accept(inspection.applicationProtocols);
      return;
    }
    // Without an inspector nobody has read yet what the client offers.
    const wait = new HelloWait(this.#connection, timeoutMs, this.#around.clock, {
      onHello: (first, offered) => {
        this.#first = first;
        this.#connection.handler = this;
        accept(offered);
      },
      onRefused: (reason) => this.#refused(reason, runtime),
    });
    this.#connection.handler = wait;
    // What came behind a PROXY header may be all that the client says.
    if (this.#first.length > 0) wait.onData(this.#first);
  }

  #acceptTls(runtime: ChainRuntime, options: AcceptTlsOptions): void {
    acceptTls(
      this.#around.network,
      this.#connection,
      this.#first,
      options,
      {
        onSecured: () => {
          if (this.#connection.tls !== undefined) this.#counters.handshake(this.#connection.tls);
          this.#serve(runtime, EMPTY);
        },
        onRefused: (reason) => this.#refused(reason, runtime),
      },
      this.#around.clock,
    );
  }

  /** Gone before its last filter had it. */
  #gone(): void {
    this.#counters.gone(this.#around.clock.monotonic() - this.#openedMs);
  }

  #refused(reason: string, runtime: ChainRuntime): void {
    const { handler } = runtime;
    this.#counters.handshakeFailed(reason);
    this.#gone();
    const slow = isTimeout(reason)
      ? { termination: "transport socket timeout was reached", ...closedFor("transport_socket_timeout") }
      : {};
    this.#tell({ handshakeFailure: loggedFailure(reason), ...slow }, runtime);
    if (handler.kind === "http") {
      // Source: Envoy has the connection manager in place before the handshake.
      const { counters } = handler.manager;
      counters.connectionsTotal++;
      counters.connectionsTls++;
      counters.destroyedRemote++;
    } else if (handler.kind === "tcp") handler.manager.counters.connectionsTotal++;
    this.#around.log.info("TLS handshake with a client failed", {
      listener: this.#listener.name,
      client: formatAddress(this.#connection.remote),
      reason,
    });
  }

  #turnAway(verdict: GateVerdict | undefined, runtime: ChainRuntime): void {
    const connection = this.#connection;
    this.#around.log.debug("a network filter closes a connection", {
      listener: this.#listener.name,
      client: formatAddress(connection.remote),
      reason: verdict?.reason ?? "",
    });
    this.#gone();
    const { text = "", termination = "", details = "", closeReason = "", flags = "-" } = verdict ?? {};
    // Source: Envoy has chosen an upstream before it asks who may enter.
    const upstreamCloseReason = termination === "" ? "" : closeReason;
    this.#tell(
      { termination, details, bytesSent: Buffer.byteLength(text), closeReason, upstreamCloseReason, flags },
      runtime,
    );
    connection.handler = IGNORE_EVENTS;
    if (verdict !== undefined && verdict.text !== "") connection.write(Buffer.from(verdict.text, "utf8"));
    if (verdict === undefined || verdict.delayMs === 0) connection.close();
    else this.#around.clock.after(verdict.delayMs, () => connection.close());
  }

  #describe(runtime: ChainRuntime | undefined): ConnectionInfo {
    const connection = this.#connection;
    return describeConnection(connection, this.#destination, this.#client, {
      original: this.#original,
      metadata: this.#metadata,
      direction: this.#listener.direction,
      chainName: runtime?.config.name ?? "",
      chainMetadata: runtime?.config.metadata,
      listenerName: this.#listener.name,
      listenerMetadata: this.#listener.metadata,
      handshakeMs: connection.tls === undefined ? -1 : this.#around.clock.monotonic() - this.#openedMs,
      upstreamAlpn: runtime?.upstreamAlpn,
      sni: connection.tls?.sni ?? this.#inspection.serverName,
      ja3: this.#inspection.ja3,
      ja4: this.#inspection.ja4,
      localUri: connection.tls === undefined ? "" : this.#around.localUri(),
    });
  }

  /** Tells of a connection that ended before its last filter had it. */
  #tell(end: ConnectionEnd, runtime?: ChainRuntime): void {
    const logs = runtime?.handler.kind === "tcp" ? runtime.handler.manager.logs : undefined;
    if (this.#observers.length === 0 && (logs === undefined || logs.length === 0)) return;
    tellEnd(this.#observers, this.#describe(runtime), this.#openedMs, this.#around.clock, end, logs);
  }

  #serve(runtime: ChainRuntime, first: Uint8Array): void {
    const connection = this.#connection;
    const info = this.#describe(runtime);
    info.filterState = runtime.stateOf(info);
    if (runtime.config.tls?.requireSni === true && info.sni === "") {
      this.#refused("the client named no server (require_sni)", runtime);
      connection.close();
      return;
    }
    const verdict = runtime.gate?.refuse(info, runtime.connections);
    const { handler } = runtime;
    if (verdict !== undefined || handler.kind === "gate-only") {
      this.#turnAway(verdict, runtime);
      return;
    }
    if (handler.kind === "tcp") {
      const session = serveTcp(handler.manager, info, connection, first, this.#owner(runtime, info));
      runtime.addTcp(session);
      if (this.#ended) connection.handler.onEnd();
      return;
    }
    const codec = handler.manager.config.codec;
    const serve = (http2: boolean, bytes: Uint8Array) => {
      runtime.addHttp(serveHttp(handler.manager, info, connection, http2, bytes, this.#owner(runtime, info)));
    };
    if (codec !== "auto") serve(codec === "http2", first);
    else if (connection.tls?.alpn === "h2") serve(true, first);
    else if (decided(first)) serve(isPreface(first), first);
    // Which version it is shows with the first bytes after the handshake.
    else
      connection.handler = new CodecChoice(
        connection,
        first,
        serve,
        this.#around.clock,
        handler.manager.config,
        (closed) => {
          this.#gone();
          countSilent(handler.manager.counters, closed, info.tls !== undefined);
          this.#tell({ closeReason: closed ?? "" }, runtime);
        },
      );
  }

  /** The chain, and with it the listener's observers, where there are any. */
  #owner(runtime: ChainRuntime, info: ConnectionInfo): HttpDownstreamOwner & TcpSessionOwner {
    const observers = this.#observers;
    if (observers.length === 0) return runtime;
    const connection = this.#connection;
    noteOpen(connection);
    return {
      onTcpClosed: (session, ms) => {
        runtime.onTcpClosed(session, ms);
        tellSession(observers, session);
      },
      onDownstreamClosed: (downstream, ms) => {
        runtime.onDownstreamClosed(downstream, ms);
        tellEnd(observers, info, this.#openedMs, this.#around.clock, {
          flags: downstream.wrong ? "DPE" : "-",
          protocol: downstream.protocol,
          clientReset: downstream.clientReset,
          closeReason: downstream.closeReason,
          bytesReceived: connection.bytesIn,
          bytesSent: connection.bytesOut,
        });
      },
    };
  }
}

/** Both sides close for the client's reason. */
function closedFor(reason: string): ConnectionEnd {
  return { closeReason: reason, upstreamCloseReason: reason };
}

/** Source: Envoy counts connections from their accept. */
function countSilent(counters: HttpManagerCounters, closed: SilentEnd | undefined, secure: boolean): void {
  counters.connectionsTotal++;
  if (secure) counters.connectionsTls++;
  if (closed === undefined) counters.destroyedRemote++;
  else counters.destroyedLocal++;
  if (closed === "on_idle_timeout") counters.idleTimeouts++;
  if (closed === "duration_timeout") counters.maxDuration++;
}

function countInspection(counters: InspectorCounters, found: Inspection): void {
  if (found.transportProtocol !== "tls") {
    counters.plain++;
    return;
  }
  counters.tls++;
  if (found.serverName === "") counters.noSni++;
  else counters.sni++;
  if (found.applicationProtocols.length === 0) counters.noAlpn++;
  else counters.alpn++;
}

/** Takes an accepted connection to the filter chain that serves it. */
export function handleIncoming(
  around: IncomingSurroundings,
  connection: StreamConnection,
  bound: ListenerConfig,
): void {
  new Incoming(around, connection, bound).start();
}
