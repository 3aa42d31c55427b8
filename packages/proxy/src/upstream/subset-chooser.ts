// Hot path: one choice per request of clusters with subsets.
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { SUBSET_SEPARATOR as SEPARATOR, type SubsetKey } from "../config/subset-key.ts";
import type { SubsetConfig, SubsetFallback } from "../config/subsets.ts";
import type { Host } from "./host.ts";
import type { LoadBalancer } from "./load-balancer.ts";

/** Hosts by their labels. */
export interface SubsetChooser {
  pick(key: SubsetKey | undefined, hash: bigint | undefined, attempt?: number): Host | undefined;
}

/** Choices in a subset, and in what stands for a missing one. */
export interface SubsetCounters {
  subsetsSelected: number;
  subsetsFallback: number;
}

class IndexedSubsets implements SubsetChooser {
  readonly #config: SubsetConfig;
  readonly #make: (hosts: readonly Host[]) => LoadBalancer;
  readonly #hosts: readonly Host[];
  /** By selector, then by values. */
  readonly #groups = new Map<string, Map<string, Host[]>>();
  readonly #fallbacks = new Map<string, SubsetFallback>();
  /** Made when first used: most subsets of most clusters never are. */
  readonly #balancers = new Map<readonly Host[], LoadBalancer>();
  readonly #defaults: readonly Host[];

  readonly #counters: SubsetCounters;

  constructor(
    config: SubsetConfig,
    hosts: readonly Host[],
    make: (hosts: readonly Host[]) => LoadBalancer,
    counters: SubsetCounters,
  ) {
    this.#counters = counters;
    this.#config = config;
    this.#make = make;
    this.#hosts = hosts;
    for (const selector of config.selectors) {
      const name = selector.keys.join(SEPARATOR);
      this.#fallbacks.set(name, selector.fallback ?? config.fallback);
      this.#groups.set(name, this.#group(selector.keys));
    }
    const wanted = Object.entries(config.defaultSubset);
    this.#defaults = hosts.filter((host) =>
      wanted.every(([key, value]) => JSON.stringify(host.endpoint?.lbLabels?.[key]) === JSON.stringify(value)),
    );
  }

  pick(key: SubsetKey | undefined, hash: bigint | undefined, attempt?: number): Host | undefined {
    const group = key === undefined ? undefined : this.#groups.get(key.keys);
    if (key === undefined || group === undefined) return this.#fallback(this.#config.fallback, hash);
    const hosts = group.get(key.values);
    if (hosts !== undefined) {
      this.#counters.subsetsSelected++;
      return this.#balancer(hosts).pick(hash, attempt);
    }
    const fallback = this.#fallbacks.get(key.keys) ?? this.#config.fallback;
    return fallback === "fewer-keys"
      ? this.pick(this.#fewer(key), hash, attempt)
      : this.#fallback(fallback, hash, attempt);
  }

  /** The same request with the labels that its selector falls back to; each step has fewer, so this ends. */
  #fewer(key: SubsetKey): SubsetKey | undefined {
    const names = key.keys.split(SEPARATOR);
    const values = key.values.split(SEPARATOR);
    const wanted = this.#config.selectors.find((one) => one.keys.join(SEPARATOR) === key.keys)?.fewerKeys ?? [];
    if (wanted.length === 0 || wanted.length >= names.length) return undefined;
    return {
      keys: wanted.join(SEPARATOR),
      values: wanted.map((name) => values[names.indexOf(name)] ?? "").join(SEPARATOR),
    };
  }

  #fallback(fallback: SubsetFallback, hash: bigint | undefined, attempt?: number): Host | undefined {
    if (fallback === "any" || fallback === "default") this.#counters.subsetsFallback++;
    switch (fallback) {
      case "none":
      case "fewer-keys":
        return undefined;
      case "any":
        return this.#balancer(this.#hosts).pick(hash, attempt);
      case "default":
        if (this.#defaults.length === 0 && this.#config.panicAny)
          return this.#balancer(this.#hosts).pick(hash, attempt);
        return this.#balancer(this.#defaults).pick(hash, attempt);
    }
  }

  #balancer(hosts: readonly Host[]): LoadBalancer {
    let balancer = this.#balancers.get(hosts);
    if (balancer === undefined) {
      balancer = this.#make(hosts);
      this.#balancers.set(hosts, balancer);
    }
    return balancer;
  }

  #group(keys: readonly string[]): Map<string, Host[]> {
    const groups = new Map<string, Host[]>();
    for (const host of this.#hosts) {
      const labels = host.endpoint?.lbLabels;
      if (labels === undefined || keys.some((key) => labels[key] === undefined)) continue;
      for (const values of this.#valuesOf(keys, labels)) {
        const known = groups.get(values);
        if (known === undefined) groups.set(values, [host]);
        else known.push(host);
      }
    }
    return groups;
  }

  /** Where lists count as any of their items, a host stands in several subsets. */
  #valuesOf(keys: readonly string[], labels: JsonObject): readonly string[] {
    let combinations: string[][] = [[]];
    for (const key of keys) {
      const value: JsonValue = labels[key] ?? null;
      const items = this.#config.listAsAny && Array.isArray(value) ? value : [value];
      combinations = combinations.flatMap((before) => items.map((item) => [...before, JSON.stringify(item)]));
    }
    return combinations.map((parts) => parts.join(SEPARATOR));
  }
}

export function createSubsetChooser(
  config: SubsetConfig,
  hosts: readonly Host[],
  make: (hosts: readonly Host[]) => LoadBalancer,
  counters: SubsetCounters,
): SubsetChooser {
  return new IndexedSubsets(config, hosts, make, counters);
}
