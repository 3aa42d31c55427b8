import { createRoster } from "@heddle/std";
import {
  APPLICATION_PROTOCOLS_KEY,
  type FilterState,
  type FilterStateConfig,
  keptState,
  stateFrom,
} from "../config/filter-state.ts";
import { type FormatValues, renderFormat } from "../config/format.ts";
import type { FilterChainConfig, ListenerConfig } from "../config/listener.ts";
import type { HttpManager } from "../http/connection-manager.ts";
import { connectionValue } from "../http/connection-values.ts";
import type { HttpDownstream, HttpDownstreamOwner } from "../http/downstream.ts";
import type { TcpManager, TcpSession, TcpSessionOwner } from "../network/tcp-proxy.ts";
import type { ConnectionInfo } from "./connection-info.ts";
import type { ListenerCounters } from "./listener-counters.ts";
import type { NetworkGate } from "./network-gate.ts";

/** What a filter chain does with its connections. */
export type ChainHandler =
  | { readonly kind: "http"; readonly manager: HttpManager }
  | { readonly kind: "tcp"; readonly manager: TcpManager }
  /** The gate answers every connection. */
  | { readonly kind: "gate-only" };

/** A filter chain in service: its handler and its open connections. */
export interface ChainRuntime extends HttpDownstreamOwner, TcpSessionOwner {
  readonly config: FilterChainConfig;
  readonly listener: ListenerConfig;
  readonly handler: ChainHandler;
  /** ALPN for upstream connections, from network filters. */
  readonly upstreamAlpn: readonly string[] | undefined;
  /** What network filters put beside a connection; undefined: nothing. */
  stateOf(connection: ConnectionInfo): FilterState | undefined;
  /** Undefined: everyone may enter. */
  readonly gate: NetworkGate | undefined;
  addHttp(downstream: HttpDownstream): void;
  addTcp(session: TcpSession): void;
  readonly connections: number;
  /** Brings byte counts up to date. */
  countBytes(): void;
  /** No new requests; HTTP connections end when they are idle. TCP connections stay until `closeAll`. */
  drain(): void;
  closeAll(): void;
  /**
   * Replaced by another chain, or soon to end: as `drain`, but idle HTTP/1 connections stay until their next answer, because a client that just sends a
   * request on one could not tell whether it was read. HTTP/2 has GOAWAY for that. `owner` hears when its connections are gone, and when one
   * comes that was on its way.
   */
  retire(owner?: RetiredChainOwner): void;
}

/** Who looks after a chain that was replaced. */
export interface RetiredChainOwner {
  /** It has a connection and had none. */
  onChainBusy(chain: ChainRuntime): void;
  /** Its last connection has ended. */
  onChainEmpty(chain: ChainRuntime): void;
}

class TrackingChain implements ChainRuntime {
  readonly config: FilterChainConfig;
  readonly listener: ListenerConfig;
  readonly handler: ChainHandler;
  readonly upstreamAlpn: readonly string[] | undefined;
  readonly #state: readonly FilterStateConfig[];
  readonly gate: NetworkGate | undefined;
  readonly #http = createRoster<HttpDownstream>();
  readonly #tcp = createRoster<TcpSession>();
  readonly #counters: ListenerCounters;
  /** Undefined: in service. */
  #retired: RetiredChainOwner | undefined = undefined;

  constructor(
    listener: ListenerConfig,
    config: FilterChainConfig,
    handler: ChainHandler,
    gate: NetworkGate | undefined,
    counters: ListenerCounters,
  ) {
    this.#counters = counters;
    this.listener = listener;
    this.config = config;
    this.handler = handler;
    this.upstreamAlpn = chainAlpn(config);
    this.#state = keptState(
      config.filters.flatMap((filter) => (filter.kind === "set-filter-state" ? filter.values : [])),
    );
    this.gate = gate;
  }

  stateOf(connection: ConnectionInfo): FilterState | undefined {
    if (this.#state.length === 0) return undefined;
    // Source: Envoy fills it before the handshake.
    const early: ConnectionInfo = { ...connection, tls: undefined, localUri: "" };
    const values: FormatValues = { command: (command) => connectionValue(early, command) };
    return stateFrom(this.#state, values);
  }

  get connections(): number {
    return this.#http.size + this.#tcp.size;
  }

  addHttp(downstream: HttpDownstream): void {
    this.#http.add(downstream);
    if (this.connections === 1) this.#retired?.onChainBusy(this);
  }

  addTcp(session: TcpSession): void {
    this.#tcp.add(session);
    if (this.connections === 1) this.#retired?.onChainBusy(this);
  }

  onDownstreamClosed(downstream: HttpDownstream, ms: number): void {
    this.#http.delete(downstream);
    this.#counters.gone(ms);
    if (this.connections === 0) this.#retired?.onChainEmpty(this);
  }

  onTcpClosed(session: TcpSession, ms: number): void {
    this.#tcp.delete(session);
    this.#counters.gone(ms);
    if (this.connections === 0) this.#retired?.onChainEmpty(this);
  }

  countBytes(): void {
    for (const downstream of this.#http.snapshot()) downstream.countBytes();
    for (const session of this.#tcp.snapshot()) session.countBytes();
  }

  drain(): void {
    if (this.handler.kind === "http") this.handler.manager.draining = true;
    for (const downstream of this.#http.snapshot()) downstream.drain();
  }

  retire(owner?: RetiredChainOwner): void {
    this.#retired = owner;
    if (this.connections > 0) owner?.onChainBusy(this);
    if (this.handler.kind === "http") this.handler.manager.draining = true;
    for (const downstream of this.#http.snapshot()) downstream.retire();
  }

  closeAll(): void {
    for (const downstream of this.#http.snapshot()) downstream.drain();
    for (const session of this.#tcp.snapshot()) session.close();
  }
}

function chainAlpn(config: FilterChainConfig): readonly string[] | undefined {
  for (const filter of config.filters) {
    if (filter.kind === "set-filter-state") {
      const found = alpnFromFilterState(filter.values);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/** The protocols that a filter state value puts in place of the cluster's; only constant values can. */
export function alpnFromFilterState(values: readonly FilterStateConfig[]): readonly string[] | undefined {
  const value = values.find((v) => v.key === APPLICATION_PROTOCOLS_KEY && v.sharedWithUpstream);
  if (value === undefined) return undefined;
  const text = renderFormat(value.value, { command: () => undefined });
  return text === "" ? undefined : text.split(",").map((name) => name.trim());
}

export function createChainRuntime(
  listener: ListenerConfig,
  config: FilterChainConfig,
  handler: ChainHandler,
  gate: NetworkGate | undefined,
  counters: ListenerCounters,
): ChainRuntime {
  return new TrackingChain(listener, config, handler, gate, counters);
}
