// Hot path: one choice per request of clusters that bound the load of their hosts.
import type { Host } from "./host.ts";
import type { LoadBalancer } from "./load-balancer.ts";
import { MersenneTwister } from "./mersenne-twister.ts";

/**
 * Sends a request elsewhere whose host has more than its share of those under way. Which hosts come next follows from the request's hash alone, so
 * it is the same on each proxy, Envoy too. Source: "Consistent Hashing with Bounded Loads"; Envoy `hash_balance_factor`.
 */
export class BoundedLoad implements LoadBalancer {
  readonly #inner: LoadBalancer;
  readonly #hosts: readonly Host[];
  /** Share of each host in the cluster's capacity, 0…1. */
  readonly #shares: readonly number[];
  readonly #factor: number;
  readonly #random: () => bigint;

  /**
   * @param factor What a host may have of its share. Units: %.
   * @param random A hash for requests without one.
   */
  constructor(
    inner: LoadBalancer,
    hosts: readonly Host[],
    weightOf: (host: Host) => number,
    factor: number,
    random: () => bigint,
  ) {
    this.#inner = inner;
    this.#hosts = hosts;
    const total = hosts.reduce((sum, host) => sum + weightOf(host), 0);
    this.#shares = hosts.map((host) => weightOf(host) / total);
    this.#factor = factor;
    this.#random = random;
  }

  pick(hash: bigint = this.#random(), attempt = 0): Host | undefined {
    const wanted = this.#inner.pick(hash, attempt);
    if (wanted === undefined || wanted.active === 0) return wanted;
    let active = 0;
    for (const { active: own } of this.#hosts) active += own;
    const slots = Math.floor(((active + 1) * this.#factor + 99) / 100);
    let least = wanted;
    let leastLoad = this.#load(this.#hosts.indexOf(wanted), slots);
    if (leastLoad <= 1) return wanted;
    const random = new MersenneTwister(Number(hash & 0xffff_ffffn));
    const order = this.#hosts.map((_, i) => i);
    for (let i = 0; i < order.length; i++) {
      const at = i + random.below(order.length - i);
      const next = order[at] ?? 0;
      order[at] = order[i] ?? 0;
      order[i] = next;
      const host = this.#hosts[next];
      if (host === undefined || host === wanted) continue;
      const load = this.#load(next, slots);
      if (load <= 1) return host;
      if (load >= leastLoad) continue;
      least = host;
      leastLoad = load;
    }
    return least;
  }

  /** Requests under way for each that the host may have; above 1 it has too many. */
  #load(at: number, slots: number): number {
    return (this.#hosts[at]?.active ?? 0) / Math.max(1, Math.ceil(slots * (this.#shares[at] ?? 0)));
  }
}
