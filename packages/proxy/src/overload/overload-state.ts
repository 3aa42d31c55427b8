import type { OverloadActionConfig, OverloadActionName, OverloadConfig } from "./overload-config.ts";

/** One of Envoy's `overload.` statistics. */
export interface OverloadStat {
  readonly name: string;
  readonly kind: "counter" | "gauge";
  readonly value: number;
}

/** What a listener is free of. Source: Envoy `Listener.ignore_global_conn_limit`, `bypass_overload_manager`. */
export interface OverloadExemption {
  readonly ignoresConnectionLimit: boolean;
  readonly bypassesOverload: boolean;
}

/** What may be done now. Asked for each request and connection; cheap while nothing is overloaded. */
export interface OverloadState {
  /** True while any action is in force. */
  readonly active: boolean;
  /** A new request is answered with 503. */
  shedsRequest(): boolean;
  /** A connection ends after the present request. */
  endsKeepAlive(): boolean;
  /** False: a new connection is closed at once. `open`: connections of clients, the new one among them. `exempt`: what its listener is free of. */
  admits(open: number, exempt?: OverloadExemption): boolean;
  readonly acceptsConnections: boolean;
  /** This process's part of a limit that holds for all workers together. */
  part(limit: number): number;
  /** Connections closed because of the limit, and because of pressure. */
  readonly overLimit: number;
  readonly rejected: number;
  /** Pressure of a monitor, 0 and more; undefined: it could not be read. */
  setPressure(monitor: string, pressure: number | undefined): void;
  /** How far an action is in force, 0…1. */
  strength(action: OverloadActionName): number;
  heapShrunk(): void;
  stats(): Iterable<OverloadStat>;
}

interface Action {
  readonly config: OverloadActionConfig;
  strength: number;
}

class Actions implements OverloadState {
  active = false;
  overLimit = 0;
  rejected = 0;
  readonly #config: OverloadConfig;
  readonly #random: () => number;
  readonly #actions = new Map<OverloadActionName, Action>();
  readonly #pressures = new Map<string, number>();
  readonly #failures = new Map<string, number>();
  #shrinks = 0;

  constructor(config: OverloadConfig, random: () => number) {
    this.#config = config;
    this.#random = random;
    for (const action of config.actions) this.#actions.set(action.name, { config: action, strength: 0 });
    for (const { name } of config.monitors) this.#failures.set(name, 0);
  }

  shedsRequest(): boolean {
    return this.active && this.#drawn("stop_accepting_requests");
  }

  endsKeepAlive(): boolean {
    return this.active && this.#drawn("disable_http_keepalive");
  }

  admits(open: number, exempt?: OverloadExemption): boolean {
    const { maxConnections } = this.#config;
    if (maxConnections !== undefined && open > maxConnections && exempt?.ignoresConnectionLimit !== true) {
      this.overLimit++;
      return false;
    }
    if (this.active && exempt?.bypassesOverload !== true && this.#drawn("reject_incoming_connections")) {
      this.rejected++;
      return false;
    }
    return true;
  }

  part(limit: number): number {
    return Math.ceil(limit / (this.#config.workers ?? 1));
  }

  get acceptsConnections(): boolean {
    return this.strength("stop_accepting_connections") < 1;
  }

  setPressure(monitor: string, pressure: number | undefined): void {
    if (pressure === undefined) this.#failures.set(monitor, (this.#failures.get(monitor) ?? 0) + 1);
    else this.#pressures.set(monitor, pressure);
    this.active = false;
    for (const action of this.#actions.values()) {
      action.strength = 0;
      for (const { monitor: name, from, full } of action.config.triggers) {
        const now = this.#pressures.get(name) ?? 0;
        const strength = now >= full ? 1 : now <= from ? 0 : (now - from) / (full - from);
        action.strength = Math.max(action.strength, strength);
      }
      if (action.strength > 0) this.active = true;
    }
  }

  strength(action: OverloadActionName): number {
    return this.#actions.get(action)?.strength ?? 0;
  }

  heapShrunk(): void {
    this.#shrinks++;
  }

  *stats(): Iterable<OverloadStat> {
    for (const [monitor, failures] of this.#failures) {
      const pressure = Math.round((this.#pressures.get(monitor) ?? 0) * 100);
      yield { name: `overload.${monitor}.pressure`, kind: "gauge", value: pressure };
      yield { name: `overload.${monitor}.failed_updates`, kind: "counter", value: failures };
    }
    for (const [name, { strength }] of this.#actions) {
      const action = `overload.envoy.overload_actions.${name}`;
      yield { name: `${action}.active`, kind: "gauge", value: strength >= 1 ? 1 : 0 };
      yield { name: `${action}.scale_percent`, kind: "gauge", value: Math.round(strength * 100) };
      if (name === "shrink_heap") yield { name: `${action}.shrink_count`, kind: "counter", value: this.#shrinks };
    }
  }

  #drawn(name: OverloadActionName): boolean {
    const strength = this.strength(name);
    return strength >= 1 || (strength > 0 && this.#random() < strength);
  }
}

export function createOverloadState(config: OverloadConfig, random: () => number): OverloadState {
  return new Actions(config, random);
}
