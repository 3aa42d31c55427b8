// Hot path: one choice per request.
import type { BalancerConfig, SlowStartConfig } from "../config/load-balancing.ts";
import { NO_RUNTIME, type Runtime, type RuntimeNumber } from "../runtime/runtime.ts";
import { createMaglev, createRingHash } from "./consistent-hash.ts";
import { EdfScheduler } from "./edf-scheduler.ts";
import type { Host } from "./host.ts";

/** Chooses among the hosts of one set. */
export interface LoadBalancer {
  /**
   * Undefined when the set is empty.
   * @param hash Of the request, where its route says so.
   * @param attempt How many hosts were chosen for this try and not taken. Default: 0.
   */
  pick(hash: bigint | undefined, attempt?: number): Host | undefined;
}

/** What balancers take from their surroundings. */
export interface BalancerSurroundings {
  readonly random: () => number;
  /** Of the timer wheel. Units: ms. */
  nowMs(): number;
  /** Default: no values. */
  readonly runtime?: Runtime;
  /** Told of each choice that is made although health says otherwise. */
  panicked?(): void;
  /** Share of its locality that a host's weight is multiplied with; for consistent hashing. */
  localityWeight?(host: Host): number;
}

class RoundRobin implements LoadBalancer {
  readonly #hosts: readonly Host[];
  #next: number;

  constructor(hosts: readonly Host[], random: () => number) {
    this.#hosts = hosts;
    // Proxies that start together must not all begin with the same host.
    this.#next = Math.floor(random() * hosts.length);
  }

  pick(): Host | undefined {
    if (this.#next >= this.#hosts.length) this.#next = 0;
    return this.#hosts[this.#next++];
  }
}

/** Shares by weights that may change from one choice to the next. */
class Weighted implements LoadBalancer {
  readonly #turns: EdfScheduler<Host>;

  constructor(hosts: readonly Host[], weight: (host: Host) => number, random: () => number) {
    this.#turns = new EdfScheduler(hosts, weight, random);
  }

  pick(): Host | undefined {
    return this.#turns.pick();
  }
}

/** Power of several choices by requests under way. Source: Envoy least request with equal weights. */
class LeastRequest implements LoadBalancer {
  readonly #hosts: readonly Host[];
  readonly #choices: number;
  readonly #random: () => number;

  constructor(hosts: readonly Host[], choices: number, random: () => number) {
    this.#hosts = hosts;
    this.#choices = choices;
    this.#random = random;
  }

  pick(): Host | undefined {
    const hosts = this.#hosts;
    const count = hosts.length;
    if (count <= 1) return hosts[0];
    if (this.#choices >= count) return this.#leastOfAll();
    let best = hosts[Math.floor(this.#random() * count)];
    for (let i = 1; i < this.#choices; i++) {
      const other = hosts[Math.floor(this.#random() * count)];
      if (best !== undefined && other !== undefined && other.active < best.active) best = other;
    }
    return best;
  }

  /** Each of those with the fewest is as likely as the others. */
  #leastOfAll(): Host | undefined {
    let best = this.#hosts[0];
    let ties = 0;
    for (const host of this.#hosts) {
      if (best === undefined || host.active > best.active) continue;
      if (host.active < best.active) {
        best = host;
        ties = 1;
      } else if (this.#random() * ++ties < 1) best = host;
    }
    return best;
  }
}

/** Power of two choices by smoothed latency times requests under way. Source: Finagle's and Linkerd's peak EWMA. */
class PeakEwma implements LoadBalancer {
  readonly #hosts: readonly Host[];
  readonly #random: () => number;

  constructor(hosts: readonly Host[], random: () => number) {
    this.#hosts = hosts;
    this.#random = random;
  }

  pick(): Host | undefined {
    const hosts = this.#hosts;
    const count = hosts.length;
    if (count <= 1) return hosts[0];
    const first = Math.floor(this.#random() * count);
    let second = Math.floor(this.#random() * (count - 1));
    if (second >= first) second++;
    const a = hosts[first];
    const b = hosts[second];
    if (a === undefined || b === undefined) return a ?? b;
    return cost(b) < cost(a) ? b : a;
  }
}

function cost(host: Host): number {
  return ((host.latencyMs + 0.1) * (host.active + 1)) / host.weight;
}

/** Source: Envoy: weights don't count. */
class RandomChoice implements LoadBalancer {
  readonly #hosts: readonly Host[];
  readonly #random: () => number;

  constructor(hosts: readonly Host[], random: () => number) {
    this.#hosts = hosts;
    this.#random = random;
  }

  pick(): Host | undefined {
    return this.#hosts[Math.floor(this.#random() * this.#hosts.length)];
  }
}

class PickFirst implements LoadBalancer {
  readonly #hosts: readonly Host[];

  constructor(hosts: readonly Host[]) {
    this.#hosts = hosts;
  }

  pick(): Host | undefined {
    return this.#hosts[0];
  }
}

const OWN_WEIGHT = (host: Host) => host.weight;

/** Part of its weight that a host has which may be new, 0…1. Source: Envoy `SlowStartConfig`. */
function warmth(config: SlowStartConfig, host: Host, around: BalancerSurroundings): number {
  const age = around.nowMs() - host.warmsSinceMs;
  // Hosts that are tried although they are not healthy are not new.
  if (age >= config.windowMs || !host.healthy) return 1;
  const aggression = positive(numberOf(config.aggression, around));
  return Math.max(config.minWeight, (Math.max(age, 1) / config.windowMs) ** (1 / aggression));
}

function numberOf(value: RuntimeNumber, around: BalancerSurroundings): number {
  return (around.runtime ?? NO_RUNTIME).number(value);
}

/** Source: Envoy: what can't be meant is 1. */
function positive(value: number): number {
  return value > 0 ? value : 1;
}

/** Equal hosts are chosen without scheduler. Source: Envoy. */
function needsWeights(
  hosts: readonly Host[],
  slowStart: SlowStartConfig | undefined,
  around: BalancerSurroundings,
): boolean {
  if (hosts.length < 2) return false;
  if (hosts.some((host) => host.weight !== hosts[0]?.weight)) return true;
  return slowStart !== undefined && hosts.some((host) => around.nowMs() - host.warmsSinceMs <= slowStart.windowMs);
}

function roundRobin(
  slowStart: SlowStartConfig | undefined,
  hosts: readonly Host[],
  around: BalancerSurroundings,
): LoadBalancer {
  if (!needsWeights(hosts, slowStart, around)) return new RoundRobin(hosts, around.random);
  if (slowStart === undefined) return new Weighted(hosts, OWN_WEIGHT, around.random);
  return new Weighted(hosts, (host) => host.weight * warmth(slowStart, host, around), around.random);
}

function leastRequest(
  { choices, bias, slowStart }: Extract<BalancerConfig, { readonly kind: "least-request" }>,
  hosts: readonly Host[],
  around: BalancerSurroundings,
): LoadBalancer {
  if (!needsWeights(hosts, slowStart, around)) return new LeastRequest(hosts, choices, around.random);
  // Comparing alone would leave a lighter host without any request until the heavier is busy. Source: Envoy least request with weights.
  const asked = numberOf(bias, around);
  const power = asked >= 0 ? asked : 1;
  const free =
    power === 1
      ? (host: Host) => host.weight / (host.active + 1)
      : (host: Host) => host.weight / (host.active + 1) ** power;
  if (slowStart === undefined) return new Weighted(hosts, free, around.random);
  return new Weighted(hosts, (host) => free(host) * warmth(slowStart, host, around), around.random);
}

/** A balancer over a fixed set of hosts; make a new one when the set changes. */
export function createLoadBalancer(
  config: BalancerConfig,
  hosts: readonly Host[],
  around: BalancerSurroundings,
): LoadBalancer {
  const { random } = around;
  switch (config.kind) {
    case "round-robin":
      return roundRobin(config.slowStart, hosts, around);
    case "least-request":
      return leastRequest(config, hosts, around);
    case "random":
      return new RandomChoice(hosts, random);
    case "pick-first":
      return new PickFirst(hosts);
    case "peak-ewma":
      return new PeakEwma(hosts, random);
    case "ring-hash":
      return createRingHash(config, hosts, around);
    case "maglev":
      return createMaglev(config, hosts, around);
  }
}
