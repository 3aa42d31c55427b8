// Hot path: one choice per request.
import type { LbPolicy } from "../config/cluster.ts";
import type { Host } from "./host.ts";

/** Chooses among the hosts of one set. */
export interface LoadBalancer {
  /** Undefined when the set is empty. */
  pick(): Host | undefined;
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
  readonly #total: number;

  constructor(hosts: readonly Host[]) {
    this.#hosts = hosts;
    this.#current = new Float64Array(hosts.length);
    this.#total = hosts.reduce((sum, host) => sum + host.weight, 0);
  }

  pick(): Host | undefined {
    let best = -1;
    let bestValue = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < this.#hosts.length; i++) {
      const value = (this.#current[i] ?? 0) + (this.#hosts[i]?.weight ?? 0);
      this.#current[i] = value;
      if (value > bestValue) {
        bestValue = value;
        best = i;
      }
    }
    if (best < 0) return undefined;
    this.#current[best] = bestValue - this.#total;
    return this.#hosts[best];
  }
}

/** Power of two choices by requests under way, divided by weight. Source: Envoy least request with equal weights. */
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
    for (let i = 1; i < this.#choices; i++) {
      const other = hosts[Math.floor(this.#random() * count)];
      if (best === undefined || other === undefined) continue;
      if ((other.active + 1) / other.weight < (best.active + 1) / best.weight) best = other;
    }
    return best;
  }
}

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

/** A balancer over a fixed set of hosts; make a new one when the set changes. */
export function createLoadBalancer(
  policy: LbPolicy,
  hosts: readonly Host[],
  choices: number,
  random: () => number,
): LoadBalancer {
  const weighted = hosts.some((host) => host.weight !== hosts[0]?.weight);
  switch (policy) {
    case "least-request":
      return new LeastRequest(hosts, choices, random);
    case "random":
      return new RandomChoice(hosts, random);
    case "round-robin":
    case "cluster-provided":
      return weighted ? new WeightedRoundRobin(hosts) : new RoundRobin(hosts, random);
  }
}

/** The hosts that may be chosen: the first priority with enough healthy ones, or all of it in a panic. Source: Envoy priority levels. */
export function eligibleHosts(hosts: readonly Host[], panicPercent: number): readonly Host[] {
  const priorities = [...new Set(hosts.map((host) => host.priority))].sort((a, b) => a - b);
  for (const priority of priorities) {
    const level = hosts.filter((host) => host.priority === priority);
    const healthy = level.filter((host) => host.healthy);
    if (healthy.length === 0) continue;
    // Under the threshold the information about health is more likely wrong than the hosts dead.
    if (priorities.length === 1 && (healthy.length * 100) / level.length < panicPercent) return level;
    return healthy;
  }
  // All are unhealthy: better to try than to fail for certain, unless panic is switched off.
  const first = priorities[0];
  return panicPercent > 0 && first !== undefined ? hosts.filter((host) => host.priority === first) : [];
}
