import type { Clock, ClockTimer, Logger } from "@heddle/std";
import { err, ok, type Result } from "@heddle/std";
import type { FilterChainConfig, ListenerConfig } from "../config/listener.ts";
import { isGate } from "../config/network-filters.ts";
import type { OverloadState } from "../overload/overload-state.ts";
import { createListenerIndex, type ListenerIndex } from "../router/listener-index.ts";
import type { SecureContexts } from "../tls/secure-context.ts";
import { formatAddress, type SocketAddress } from "../transport/address.ts";
import type { BoundPort, Network } from "../transport/network.ts";
import { type ChainHandler, type ChainRuntime, createChainRuntime } from "./chain-runtime.ts";
import { handleIncoming, type IncomingSurroundings, type ListenerCounters } from "./incoming.ts";
import { createNetworkGate, type NetworkGate } from "./network-gate.ts";

export interface ListenerSetDeps {
  readonly network: Network;
  readonly clock: Clock;
  readonly contexts: SecureContexts;
  readonly log: Logger;
  /** Time that connections of replaced or removed chains have to end. Default of Istio: 45 s. Units: ms. */
  readonly drainMs: number;
  readonly overload: OverloadState;
  localUri(): string;
  /** Compiles the handler of a chain. */
  makeHandler(listener: ListenerConfig, chain: FilterChainConfig): ChainHandler;
}

/** All listeners of the proxy by name. */
export interface ListenerSet {
  readonly counters: ListenerCounters;
  all(): Iterable<ListenerConfig>;
  /** Adds or replaces in place: open connections stay with the chain they have. Errors: a sentence when the port can't be bound. */
  set(config: ListenerConfig, fingerprint: string): Result<void>;
  remove(name: string): void;
  /** Addresses really bound, for tests that ask for port 0. */
  boundAddress(name: string): SocketAddress | undefined;
  readonly connections: number;
  /** False: ports are closed for the time being. */
  setAccepting(on: boolean): void;
  /** Connections end when their requests are done; new connections get one request each, or none when the ports close. */
  drain(options?: DrainOptions): void;
  close(): void;
}

export interface DrainOptions {
  /** Leave listeners of outgoing traffic alone. */
  readonly inboundOnly?: boolean;
  /** Close the ports too: new connections are refused. */
  readonly closePorts?: boolean;
}

interface Entry {
  config: ListenerConfig;
  fingerprint: string;
  readonly ports: Map<string, BoundPort>;
  /** In service for the present configuration. */
  readonly chains: Map<FilterChainConfig, ChainRuntime>;
  /** Chains that come into service from now on drain at once. */
  draining: boolean;
}

class NamedListeners implements ListenerSet {
  readonly counters: ListenerCounters = {
    connectionsTotal: 0,
    noChainMatch: 0,
    inspectTimeouts: 0,
    tlsErrors: 0,
    filters: new Map(),
  };
  readonly #deps: ListenerSetDeps;
  readonly #entries = new Map<string, Entry>();
  readonly #draining = new Map<ChainRuntime, ClockTimer>();
  readonly #around: IncomingSurroundings;
  #accepting = true;
  #index: ListenerIndex = createListenerIndex([]);

  constructor(deps: ListenerSetDeps) {
    this.#deps = deps;
    this.#around = {
      network: deps.network,
      clock: deps.clock,
      contexts: deps.contexts,
      log: deps.log,
      counters: this.counters,
      findListener: (to) => this.#index.find(to.ip, to.port),
      chainRuntime: (listener, chain) => this.#chainRuntime(listener, chain),
      localUri: () => deps.localUri(),
    };
  }

  *all(): Iterable<ListenerConfig> {
    for (const entry of this.#entries.values()) yield entry.config;
  }

  set(config: ListenerConfig, fingerprint: string): Result<void> {
    const old = this.#entries.get(config.name);
    if (old?.fingerprint === fingerprint) return ok(undefined);
    const ports = new Map<string, BoundPort>(old?.ports);
    const wanted = config.bindToPort ? bindAddresses(config) : [];
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
        return err(`address: can't listen on ${key}: ${cause}; is another process using the port?`);
      }
    }
    const keys = new Set(wanted.map((at) => ("path" in at ? at.path : formatAddress(at))));
    for (const [key, port] of ports) {
      if (keys.has(key)) continue;
      port.stop();
      ports.delete(key);
    }
    this.#entries.set(config.name, {
      config,
      fingerprint,
      ports,
      chains: this.#carryOver(old, config),
      draining: old?.draining ?? false,
    });
    this.#reindex();
    if (!this.#accepting) this.setAccepting(false);
    return ok(undefined);
  }

  remove(name: string): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    this.#entries.delete(name);
    for (const port of entry.ports.values()) port.stop();
    for (const chain of entry.chains.values()) this.#retire(chain);
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
    for (const chain of this.#draining.keys()) count += chain.connections;
    return count;
  }

  setAccepting(on: boolean): void {
    this.#accepting = on;
    for (const [name, { ports }] of this.#entries) {
      for (const port of ports.values()) {
        try {
          port.setAccepting(on);
        } catch (error) {
          this.#deps.log.error("a port that was closed under load can't be opened again", {
            listener: name,
            error: String(error),
          });
        }
      }
    }
  }

  drain({ inboundOnly = false, closePorts = false }: DrainOptions = {}): void {
    for (const entry of this.#entries.values()) {
      if (inboundOnly && entry.config.direction !== "inbound") continue;
      entry.draining = true;
      if (closePorts) for (const port of entry.ports.values()) port.stop();
      for (const chain of entry.chains.values()) chain.drain();
    }
  }

  close(): void {
    for (const entry of this.#entries.values()) {
      for (const port of entry.ports.values()) port.stop();
      for (const chain of entry.chains.values()) chain.closeAll();
    }
    for (const [chain, timer] of this.#draining) {
      timer.cancel();
      chain.closeAll();
    }
    this.#entries.clear();
    this.#draining.clear();
  }

  #accept(name: string, connection: Parameters<typeof handleIncoming>[1]): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) connection.abort();
    else if (!this.#deps.overload.admits(connection.shared.accepted)) connection.close();
    else handleIncoming(this.#around, connection, entry.config);
  }

  #chainRuntime(listener: ListenerConfig, chain: FilterChainConfig): ChainRuntime {
    const entry = this.#entries.get(listener.name);
    const known = entry?.chains.get(chain);
    if (known !== undefined) return known;
    const runtime = createChainRuntime(listener, chain, this.#deps.makeHandler(listener, chain), this.#gate(chain));
    // A connection may have been accepted just before its listener was replaced; its chain then drains with the others.
    if (entry?.config === listener) {
      entry.chains.set(chain, runtime);
      if (entry.draining) runtime.drain();
    } else this.#retire(runtime);
    return runtime;
  }

  #gate(chain: FilterChainConfig): NetworkGate | undefined {
    const { filters } = this.counters;
    return createNetworkGate(chain.filters.filter(isGate), this.#deps.clock, (name) => {
      filters.set(name, (filters.get(name) ?? 0) + 1);
    });
  }

  /** Chains that did not change stay in service with their connections; the others drain. */
  #carryOver(old: Entry | undefined, config: ListenerConfig): Map<FilterChainConfig, ChainRuntime> {
    const kept = new Map<FilterChainConfig, ChainRuntime>();
    if (old === undefined) return kept;
    const next = config.defaultChain === undefined ? config.chains : [...config.chains, config.defaultChain];
    for (const [before, runtime] of old.chains) {
      const same = next.find((chain) => chain.fingerprint === before.fingerprint && !kept.has(chain));
      if (same !== undefined && old.config.direction === config.direction) kept.set(same, runtime);
      else this.#retire(runtime);
    }
    return kept;
  }

  #retire(chain: ChainRuntime): void {
    chain.retire();
    const timer = this.#deps.clock.after(this.#deps.drainMs, () => {
      this.#draining.delete(chain);
      chain.closeAll();
    });
    this.#draining.set(chain, timer);
  }

  #reindex(): void {
    this.#index = createListenerIndex(this.all());
  }
}

function bindAddresses(config: ListenerConfig): (SocketAddress | { readonly path: string })[] {
  return [config.address, ...config.extraAddresses].map((at) => (at.kind === "tcp" ? at.address : { path: at.path }));
}

export function createListenerSet(deps: ListenerSetDeps): ListenerSet {
  return new NamedListeners(deps);
}
