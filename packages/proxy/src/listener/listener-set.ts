import type { Clock, Logger } from "@heddle/std";
import { err, ok, type Result } from "@heddle/std";
import type { FilterChainConfig, ListenerConfig } from "../config/listener.ts";
import { isGate } from "../config/network-filters.ts";
import type { TcpObserver } from "../network/tcp-record.ts";
import type { OverloadState } from "../overload/overload-state.ts";
import { createListenerIndex, type ListenerIndex } from "../router/listener-index.ts";
import type { Runtime, RuntimeNumber } from "../runtime/runtime.ts";
import type { SecureContexts } from "../tls/secure-context.ts";
import { formatAddress, type SocketAddress } from "../transport/address.ts";
import type { BoundPort, Network } from "../transport/network.ts";
import { type ChainHandler, type ChainRuntime, createChainRuntime } from "./chain-runtime.ts";
import { createDrainWindow, type DrainWindow } from "./drain-window.ts";
import { handleIncoming, type IncomingSurroundings } from "./incoming.ts";
import { createSharedListenerCounters, ListenerCounters, type SharedListenerCounters } from "./listener-counters.ts";
import { createNetworkGate, type NetworkGate } from "./network-gate.ts";

export interface ListenerSetDeps {
  readonly network: Network;
  readonly clock: Clock;
  readonly contexts: SecureContexts;
  readonly log: Logger;
  /** Time that connections of replaced or removed chains have to end. Default of Istio: 45 s. Units: ms. */
  readonly drainMs: number;
  readonly overload: OverloadState;
  readonly runtime: Runtime;
  localUri(): string;
  /** Makes the counters of a chain that is in the configuration from now on. */
  declare(chain: FilterChainConfig): void;
  /** Compiles the handler of a chain. */
  makeHandler(listener: ListenerConfig, chain: FilterChainConfig, counters: ListenerCounters): ChainHandler;
  /** Who is told of every connection of the listener when it ends. */
  observe(listener: ListenerConfig): readonly TcpObserver[];
}

/** All listeners of the proxy by name. */
export interface ListenerSet {
  readonly counters: SharedListenerCounters;
  /** By the address in the names of statistics: `127.0.0.1_80`. */
  listenerCounters(): ReadonlyMap<string, ListenerCounters>;
  /** Of those, the ones that accept TLS. */
  secureAddresses(): ReadonlySet<string>;
  /** Brings byte counts up to date. */
  countBytes(): void;
  /** Chains that were replaced, and listeners that were removed, within the time to drain. */
  readonly draining: Pick<DrainWindow, "chains" | "listeners">;
  all(): Iterable<ListenerConfig>;
  /** Adds or replaces in place: open connections stay with the chain they have. Errors: a sentence when the port can't be bound. */
  set(config: ListenerConfig, fingerprint: string): Result<void>;
  remove(name: string): void;
  /** Addresses really bound, for tests that ask for port 0. */
  boundAddress(name: string): SocketAddress | undefined;
  readonly connections: number;
  /** Nobody is connected, or about to be. */
  readonly idle: boolean;
  /** False: ports are closed for the time being. */
  setAccepting(on: boolean): void;
  /**
   * Connections end when their requests are done, idle ones of HTTP/1 a moment later: their next request may be on its way. New connections get
   * one request each; where ports close, also those that were being made. Listeners that come later drain, too.
   */
  drain(options?: DrainOptions): void;
  close(): void;
}

export interface DrainOptions {
  /** Leave listeners of outgoing traffic alone. */
  readonly inboundOnly?: boolean;
  /** Close the ports too: new connections are refused. */
  readonly closePorts?: boolean;
}

/** A port that closes still accepts whom the kernel has answered, for the time of a round trip. Units: ms. */
const CLOSING_MS = 500;
/** For requests that are on their way when the drain begins, also on connections that were accepted last. Units: ms. */
const IDLE_CLOSE_MS = 1000;

interface Entry {
  config: ListenerConfig;
  fingerprint: string;
  readonly ports: Map<string, BoundPort>;
  /** Connections that it may have at once. Source: Envoy. */
  readonly limit: RuntimeNumber;
  /** In service for the present configuration. */
  readonly chains: Map<FilterChainConfig, ChainRuntime>;
  /** Chains that come into service from now on drain at once. */
  draining: boolean;
}

class NamedListeners implements ListenerSet {
  readonly counters = createSharedListenerCounters();
  readonly #byAddress = new Map<string, ListenerCounters>();
  readonly #deps: ListenerSetDeps;
  readonly #entries = new Map<string, Entry>();
  readonly #observers = new WeakMap<ListenerConfig, readonly TcpObserver[]>();
  readonly draining: DrainWindow;
  readonly #around: IncomingSurroundings;
  #accepting = true;
  /** Drains so far: what comes later drains as well. */
  readonly #drains: DrainOptions[] = [];
  /** Drains whose last steps are still to come. */
  #ending = 0;
  #index: ListenerIndex = createListenerIndex([]);

  constructor(deps: ListenerSetDeps) {
    this.#deps = deps;
    this.draining = createDrainWindow(deps.clock, deps.drainMs);
    this.#around = {
      network: deps.network,
      clock: deps.clock,
      contexts: deps.contexts,
      log: deps.log,
      inspector: this.counters.inspector,
      countersOf: (listener) => this.#countersOf(listener),
      observersOf: (listener) => this.#observersOf(listener),
      findListener: (to) => this.#index.find(to.ip, to.port),
      chainRuntime: (listener, chain) => this.#chainRuntime(listener, chain),
      localUri: () => deps.localUri(),
    };
  }

  listenerCounters(): ReadonlyMap<string, ListenerCounters> {
    return this.#byAddress;
  }

  secureAddresses(): ReadonlySet<string> {
    const secure = [...this.all()].filter((config) => chainsOf(config).some(({ tls }) => tls !== undefined));
    return new Set(secure.map(statAddress));
  }

  countBytes(): void {
    for (const entry of this.#entries.values()) for (const chain of entry.chains.values()) chain.countBytes();
    for (const chain of this.draining.busy()) chain.countBytes();
  }

  #countersOf(listener: ListenerConfig): ListenerCounters {
    const name = statAddress(listener);
    let counters = this.#byAddress.get(name);
    if (counters === undefined) {
      counters = new ListenerCounters();
      this.#byAddress.set(name, counters);
    }
    return counters;
  }

  *all(): Iterable<ListenerConfig> {
    for (const entry of this.#entries.values()) yield entry.config;
  }

  set(config: ListenerConfig, fingerprint: string): Result<void> {
    const old = this.#entries.get(config.name);
    if (old?.fingerprint === fingerprint) return ok(undefined);
    const ports = new Map<string, BoundPort>(old?.ports);
    const drains = this.#drains.filter((how) => concerns(how, config));
    const closed = drains.some(({ closePorts }) => closePorts === true);
    const wanted = config.bindToPort && !closed ? bindAddresses(config) : [];
    for (const at of wanted) {
      const key = "path" in at ? at.path : formatAddress(at);
      if (ports.has(key)) continue;
      try {
        ports.set(
          key,
          this.#deps.network.listen(at, (connection) => this.#accept(config.name, connection)),
        );
      } catch (error) {
        for (const [bound, port] of ports) if (!old?.ports.has(bound)) port.stop();
        const cause = error instanceof Error ? error.message : String(error);
        this.counters.createFailure++;
        return err(`address: can't listen on ${key}: ${cause}; is another process using the port?`);
      }
    }
    const keys = new Set(wanted.map((at) => ("path" in at ? at.path : formatAddress(at))));
    for (const [key, port] of ports) {
      if (keys.has(key)) continue;
      port.stop();
      ports.delete(key);
    }
    // What the names of statistics have in them exists from now on, at zero.
    const counters = this.#countersOf(config);
    for (const chain of chainsOf(config)) {
      const last = chain.filters[chain.filters.length - 1];
      if (last?.kind === "http") counters.httpCounters(last.statPrefix);
      this.#deps.declare(chain);
    }
    this.counters.createSuccess++;
    if (old === undefined) this.counters.added++;
    else this.counters.modified++;
    this.#entries.set(config.name, {
      config,
      fingerprint,
      ports,
      limit: { key: `envoy.resource_limits.listener.${config.name}.connection_limit`, base: Number.POSITIVE_INFINITY },
      chains: this.#carryOver(old, config),
      draining: drains.length > 0,
    });
    this.#reindex();
    if (!this.#accepting) this.setAccepting(false);
    return ok(undefined);
  }

  remove(name: string): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    this.#entries.delete(name);
    this.counters.removed++;
    for (const port of entry.ports.values()) port.stop();
    for (const chain of entry.chains.values()) this.draining.retire(chain);
    this.draining.count("listeners", 1);
    this.#reindex();
  }

  boundAddress(name: string): SocketAddress | undefined {
    for (const port of this.#entries.get(name)?.ports.values() ?? []) {
      if (!("path" in port.address)) return port.address;
    }
    return undefined;
  }

  get connections(): number {
    let count = 0;
    for (const entry of this.#entries.values()) for (const chain of entry.chains.values()) count += chain.connections;
    for (const chain of this.draining.busy()) count += chain.connections;
    return count;
  }

  setAccepting(on: boolean): void {
    this.#accepting = on;
    for (const [name, { ports, config }] of this.#entries) {
      for (const port of ports.values()) {
        try {
          port.setAccepting(on || config.bypassesOverload);
        } catch (error) {
          this.#deps.log.error("a port that was closed under load can't be opened again", {
            listener: name,
            error: String(error),
          });
        }
      }
    }
  }

  get idle(): boolean {
    return this.#ending === 0 && this.connections === 0;
  }

  drain(how: DrainOptions = {}): void {
    const { clock } = this.#deps;
    this.#drains.push(how);
    const entries = [...this.#entries.values()].filter(({ config }) => concerns(how, config));
    for (const entry of entries) {
      entry.draining = true;
      for (const chain of entry.chains.values()) chain.retire();
    }
    const ports = how.closePorts === true ? entries.flatMap((entry) => [...entry.ports.values()]) : [];
    for (const port of ports) port.refuseNew();
    if (ports.length > 0) {
      clock.after(CLOSING_MS, () => {
        for (const port of ports) port.stop();
      });
    }
    this.#ending++;
    clock.after(IDLE_CLOSE_MS, () => {
      this.#ending--;
      for (const entry of entries) for (const chain of entry.chains.values()) chain.drain();
    });
  }

  close(): void {
    for (const entry of this.#entries.values()) {
      for (const port of entry.ports.values()) port.stop();
      for (const chain of entry.chains.values()) chain.closeAll();
    }
    this.draining.close();
    this.#entries.clear();
  }

  #observersOf(listener: ListenerConfig): readonly TcpObserver[] {
    if (listener.accessLogs.length === 0) return NOBODY;
    let observers = this.#observers.get(listener);
    if (observers === undefined) {
      observers = this.#deps.observe(listener);
      this.#observers.set(listener, observers);
    }
    return observers;
  }

  #accept(name: string, connection: Parameters<typeof handleIncoming>[1]): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) {
      connection.abort();
      return;
    }
    const { overload, runtime } = this.#deps;
    const limit = runtime.number(entry.limit);
    if (limit !== Number.POSITIVE_INFINITY) {
      const counters = this.#countersOf(entry.config);
      if (counters.connectionsActive + counters.inspecting >= overload.part(limit)) {
        counters.overOwnLimit++;
        connection.close();
        return;
      }
    }
    const rejectedBefore = overload.rejected;
    if (!overload.admits(connection.shared.accepted, entry.config)) {
      const counters = this.#countersOf(entry.config);
      if (overload.rejected > rejectedBefore) counters.rejected++;
      else counters.overLimit++;
      connection.close();
    } else handleIncoming(this.#around, connection, entry.config);
  }

  #chainRuntime(listener: ListenerConfig, chain: FilterChainConfig): ChainRuntime {
    const entry = this.#entries.get(listener.name);
    const known = entry?.chains.get(chain);
    if (known !== undefined) return known;
    const counters = this.#countersOf(listener);
    const handler = this.#deps.makeHandler(listener, chain, counters);
    const runtime = createChainRuntime(listener, chain, handler, this.#gate(chain), counters);
    // A connection may have been accepted just before its listener was replaced; its chain then drains with the others.
    if (entry?.config === listener) {
      entry.chains.set(chain, runtime);
      if (entry.draining) runtime.drain();
    } else this.draining.retire(runtime);
    return runtime;
  }

  #gate(chain: FilterChainConfig): NetworkGate | undefined {
    const { filters } = this.counters;
    return createNetworkGate(chain.filters.filter(isGate), this.#deps.clock, this.#deps.runtime, (name) => {
      filters.set(name, (filters.get(name) ?? 0) + 1);
    });
  }

  /** Chains that did not change stay in service with their connections; the others drain. */
  #carryOver(old: Entry | undefined, config: ListenerConfig): Map<FilterChainConfig, ChainRuntime> {
    const kept = new Map<FilterChainConfig, ChainRuntime>();
    if (old === undefined) return kept;
    const next = chainsOf(config);
    for (const [before, runtime] of old.chains) {
      const same = next.find((chain) => chain.fingerprint === before.fingerprint && !kept.has(chain));
      if (same !== undefined && old.config.direction === config.direction) kept.set(same, runtime);
      else this.draining.retire(runtime);
    }
    const there = new Set(next.map(({ fingerprint }) => fingerprint));
    this.draining.count("chains", chainsOf(old.config).filter(({ fingerprint }) => !there.has(fingerprint)).length);
    return kept;
  }

  #reindex(): void {
    this.#index = createListenerIndex(this.all());
  }
}

const NOBODY: readonly TcpObserver[] = [];

function concerns({ inboundOnly = false }: DrainOptions, { direction }: ListenerConfig): boolean {
  return !inboundOnly || direction === "inbound";
}

function chainsOf(config: ListenerConfig): readonly FilterChainConfig[] {
  return config.defaultChain === undefined ? config.chains : [...config.chains, config.defaultChain];
}

/** How a listener is called in the names of its statistics: its `stat_prefix`, else its address. */
function statAddress({ statPrefix, address }: ListenerConfig): string {
  if (statPrefix !== "") return statPrefix;
  if (address.kind !== "tcp") return address.path.replaceAll(":", "_");
  const { ip, port } = address.address;
  return `${ip.includes(":") ? `[${ip}]` : ip}_${port}`.replaceAll(":", "_");
}

function bindAddresses(config: ListenerConfig): (SocketAddress | { readonly path: string })[] {
  return [config.address, ...config.extraAddresses].map((at) => (at.kind === "tcp" ? at.address : { path: at.path }));
}

export function createListenerSet(deps: ListenerSetDeps): ListenerSet {
  return new NamedListeners(deps);
}
