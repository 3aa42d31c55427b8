// Hot path: one choice per request.
import type { BalancerConfig, SlowStartConfig } from "../config/load-balancing.ts";
import { createMaglev, createRingHash } from "./consistent-hash.ts";
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

/** Smooth weighted round robin. Source: nginx's algorithm. */
class WeightedRoundRobin implements LoadBalancer {
  readonly #hosts: readonly Host[];
  readonly #current: Float64Array;
  readonly #weight: (host: Host) => number;

  constructor(hosts: readonly Host[], weight: (host: Host) => number) {
    this.#hosts = hosts;
    this.#current = new Float64Array(hosts.length);
    this.#weight = weight;
  }

  pick(): Host | undefined {
    let best = -1;
    let bestValue = Number.NEGATIVE_INFINITY;
    let total = 0;
    for (let i = 0; i < this.#hosts.length; i++) {
      const host = this.#hosts[i];
      if (host === undefined) continue;
      const weight = this.#weight(host);
      total += weight;
      const value = (this.#current[i] ?? 0) + weight;
      this.#current[i] = value;
      if (value > bestValue) {
        bestValue = value;
        best = i;
      }
    }
    if (best < 0) return undefined;
    this.#current[best] = bestValue - total;
    return this.#hosts[best];
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
    let best = hosts[Math.floor(this.#random() * count)];
    const all = this.#choices >= count;
    for (let i = all ? 0 : 1; i < (all ? count : this.#choices); i++) {
      const other = hosts[all ? i : Math.floor(this.#random() * count)];
      if (best === undefined || other === undefined) continue;
      if (other.active < best.active) best = other;
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

class RandomChoice implements LoadBalancer {
  readonly #hosts: readonly Host[];
  readonly #random: () => number;
  readonly #total: number;
  readonly #weighted: boolean;

  constructor(hosts: readonly Host[], random: () => number, weighted: boolean) {
    this.#hosts = hosts;
    this.#random = random;
    this.#weighted = weighted;
    this.#total = hosts.reduce((sum, host) => sum + host.weight, 0);
  }

  pick(): Host | undefined {
    if (!this.#weighted) return this.#hosts[Math.floor(this.#random() * this.#hosts.length)];
    let point = this.#random() * this.#total;
    for (const host of this.#hosts) {
      point -= host.weight;
      if (point < 0) return host;
    }
    return this.#hosts[this.#hosts.length - 1];
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

/** Weight of a host that may be new. Source: Envoy `SlowStartConfig`. */
function slowStartWeight(config: SlowStartConfig, nowMs: () => number): (host: Host) => number {
  return (host) => {
    const age = nowMs() - host.addedMs;
    if (age >= config.windowMs) return host.weight;
    const factor = Math.max(age, 1) / config.windowMs;
    return host.weight * Math.max(config.minWeight, factor ** (1 / config.aggression));
  };
}

/** A balancer over a fixed set of hosts; make a new one when the set changes. */
export function createLoadBalancer(
  config: BalancerConfig,
  hosts: readonly Host[],
  around: BalancerSurroundings,
): LoadBalancer {
  const { random } = around;
  const weighted = hosts.some((host) => host.weight !== hosts[0]?.weight);
  switch (config.kind) {
    case "round-robin":
      if (config.slowStart !== undefined)
        return new WeightedRoundRobin(
          hosts,
          slowStartWeight(config.slowStart, () => around.nowMs()),
        );
      return weighted ? new WeightedRoundRobin(hosts, OWN_WEIGHT) : new RoundRobin(hosts, random);
    case "least-request": {
      const { slowStart } = config;
      if (slowStart === undefined && !weighted) return new LeastRequest(hosts, config.choices, random);
      // Comparing alone would leave a lighter host without any request until the heavier is busy. Source: Envoy least request with weights.
      const weight = slowStart === undefined ? OWN_WEIGHT : slowStartWeight(slowStart, () => around.nowMs());
      return new WeightedRoundRobin(hosts, (host) => weight(host) / (host.active + 1));
    }
    case "random":
      return new RandomChoice(hosts, random, weighted);
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
