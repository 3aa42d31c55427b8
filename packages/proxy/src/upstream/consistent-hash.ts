// Hot path: one choice per request of clusters that use it.
import type { BalancerConfig, HashOptions } from "../config/load-balancing.ts";
import { BoundedLoad } from "./bounded-load.ts";
import type { Host } from "./host.ts";
import type { BalancerSurroundings, LoadBalancer } from "./load-balancer.ts";

type RingConfig = Extract<BalancerConfig, { readonly kind: "ring-hash" }>;
type MaglevConfig = Extract<BalancerConfig, { readonly kind: "maglev" }>;

/** 64 bits, as Envoy hashes requests and hosts. */
export function hash64(text: string, seed = 0n): bigint {
  return Bun.hash.xxHash64(text, seed);
}

const ALL_BITS = 0xffff_ffff_ffff_ffffn;

/** Numbers keep the order of the upper 53 bits; that is enough to place hosts and requests. */
function place(hash: bigint): number {
  return Number(hash >> 11n);
}

function keyOf(host: Host, options: HashOptions): string {
  return options.useHostname && host.hostname !== "" ? host.hostname : host.text;
}

function weightOf(host: Host, around: BalancerSurroundings): number {
  return host.weight * (around.localityWeight?.(host) ?? 1);
}

function randomHash(random: () => number): bigint {
  return (BigInt(Math.floor(random() * 0x1_0000_0000)) << 32n) | BigInt(Math.floor(random() * 0x1_0000_0000));
}

/** Ketama: each host stands at many places of a ring. Source: Envoy ring hash. */
class RingHash implements LoadBalancer {
  readonly #hosts: readonly Host[];
  readonly #places: Float64Array;
  readonly #owners: Uint32Array;
  readonly #random: () => number;

  constructor(config: RingConfig, hosts: readonly Host[], around: BalancerSurroundings) {
    this.#hosts = hosts;
    this.#random = around.random;
    const total = hosts.reduce((sum, host) => sum + weightOf(host, around), 0);
    const smallest = hosts.reduce((min, host) => Math.min(min, weightOf(host, around) / total), 1);
    // The smallest host stands at least once, the ring is not larger than allowed.
    const scale = Math.min(Math.ceil(smallest * config.minSize) / smallest, config.maxSize);
    const entries: [number, number][] = [];
    let target = 0;
    let have = 0;
    hosts.forEach((host, index) => {
      const key = keyOf(host, config.hash);
      target += scale * (weightOf(host, around) / total);
      for (let i = 0; have < target; i++, have++) entries.push([place(hash64(`${key}_${i}`)), index]);
    });
    entries.sort((a, b) => a[0] - b[0]);
    this.#places = Float64Array.from(entries, (e) => e[0]);
    this.#owners = Uint32Array.from(entries, (e) => e[1]);
  }

  pick(hash: bigint | undefined, attempt = 0): Host | undefined {
    const size = this.#places.length;
    if (size === 0) return undefined;
    const wanted = place(hash ?? randomHash(this.#random));
    let low = 0;
    let high = size;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#places[middle] ?? 0) < wanted) low = middle + 1;
      else high = middle;
    }
    // As if the places before were not there. Source: Envoy.
    return this.#hosts[this.#owners[(low + attempt) % size] ?? 0];
  }
}

/** A table that all hosts fill in turn, each in an order of its own. Source: Maglev (NSDI 2016), Envoy. */
class Maglev implements LoadBalancer {
  readonly #hosts: readonly Host[];
  readonly #table: Int32Array;
  readonly #size: bigint;
  readonly #random: () => number;

  constructor(config: MaglevConfig, hosts: readonly Host[], around: BalancerSurroundings) {
    this.#hosts = hosts;
    this.#random = around.random;
    this.#size = BigInt(config.tableSize);
    this.#table = fillTable(hosts, config, around);
  }

  pick(hash: bigint | undefined, attempt = 0): Host | undefined {
    if (this.#hosts.length === 0) return undefined;
    let place = hash ?? randomHash(this.#random);
    // Many bits change, so that other tries go to different places. Source: Envoy.
    if (attempt > 0) place ^= ALL_BITS - BigInt(attempt) + 1n;
    return this.#hosts[this.#table[Number(place % this.#size)] ?? 0];
  }
}

function fillTable(hosts: readonly Host[], config: MaglevConfig, around: BalancerSurroundings): Int32Array {
  const size = config.tableSize;
  const table = new Int32Array(size).fill(-1);
  if (hosts.length === 0) return table;
  const max = hosts.reduce((most, host) => Math.max(most, weightOf(host, around)), 0);
  const state = hosts.map((host) => {
    const key = keyOf(host, config.hash);
    return {
      offset: Number(hash64(key) % BigInt(size)),
      skip: Number(hash64(key, 1n) % BigInt(size - 1)) + 1,
      weight: weightOf(host, around),
      target: 0,
      next: 0,
    };
  });
  let filled = 0;
  for (let round = 1; filled < size; round++) {
    for (let i = 0; i < state.length && filled < size; i++) {
      const entry = state[i];
      if (entry === undefined || round * entry.weight < entry.target) continue;
      entry.target += max;
      let at = (entry.offset + entry.skip * entry.next) % size;
      while (table[at] !== -1) {
        entry.next++;
        at = (entry.offset + entry.skip * entry.next) % size;
      }
      table[at] = i;
      entry.next++;
      filled++;
    }
  }
  return table;
}

/** With its load bounded where the configuration says so. */
function bounded(
  inner: LoadBalancer,
  { balanceFactor }: HashOptions,
  hosts: readonly Host[],
  around: BalancerSurroundings,
): LoadBalancer {
  if (balanceFactor === 0) return inner;
  return new BoundedLoad(
    inner,
    hosts,
    (host) => weightOf(host, around),
    balanceFactor,
    () => randomHash(around.random),
  );
}

export function createRingHash(config: RingConfig, hosts: readonly Host[], around: BalancerSurroundings): LoadBalancer {
  return bounded(new RingHash(config, hosts, around), config.hash, hosts, around);
}

export function createMaglev(config: MaglevConfig, hosts: readonly Host[], around: BalancerSurroundings): LoadBalancer {
  return bounded(new Maglev(config, hosts, around), config.hash, hosts, around);
}
