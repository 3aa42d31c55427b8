// Hot path: one choice per request.
import type { LoadBalancingConfig } from "../config/load-balancing.ts";
import { EdfScheduler } from "./edf-scheduler.ts";
import type { Host } from "./host.ts";
import { type BalancerSurroundings, createLoadBalancer, type LoadBalancer } from "./load-balancer.ts";
import { createZoneChooser, type LocalZone, type ZoneCounters } from "./zone-chooser.ts";

/** What a set of hosts is chosen from by. */
export interface ChooserConfig {
  readonly loadBalancing: LoadBalancingConfig;
  /** Units: %. */
  readonly panicPercent: number;
  readonly overprovisioning: number;
  /** Weight of a locality by its priority and name; 0: nothing goes there. */
  localityWeight(priority: number, locality: string): number;
  /** Zone-aware routing; undefined: there is no local cluster. */
  readonly zone?: { readonly local: LocalZone; readonly counters: ZoneCounters } | undefined;
}

/** A part of the traffic and who takes it. */
interface Share {
  readonly percent: number;
  readonly balancer: LoadBalancer;
}

/** Chooses among priorities, localities and hosts. Source: Envoy priority levels, locality weighted load balancing, panic threshold. */
class PriorityChooser implements LoadBalancer {
  readonly #shares: readonly Share[];
  readonly #only: LoadBalancer | undefined;
  readonly #random: () => number;

  constructor(shares: readonly Share[], random: () => number) {
    this.#shares = shares;
    this.#only = shares.length === 1 ? shares[0]?.balancer : undefined;
    this.#random = random;
  }

  pick(hash: bigint | undefined, attempt?: number): Host | undefined {
    if (this.#only !== undefined) return this.#only.pick(hash, attempt);
    let point = hash === undefined ? this.#random() * 100 : Number(hash % 100n);
    for (const share of this.#shares) {
      point -= share.percent;
      if (point < 0) return share.balancer.pick(hash, attempt);
    }
    return this.#shares[this.#shares.length - 1]?.balancer.pick(hash, attempt);
  }
}

/** A locality's weight and its hosts. */
interface WeightedLocality {
  readonly weight: number;
  readonly balancer: LoadBalancer;
}

/** Localities by weight, then a host of the chosen one. Source: Envoy: in turn, as hosts by weight. */
class LocalityChooser implements LoadBalancer {
  readonly #turns: EdfScheduler<WeightedLocality>;

  constructor(entries: readonly WeightedLocality[], random: () => number) {
    this.#turns = new EdfScheduler(entries, ({ weight }) => weight, random);
  }

  pick(hash: bigint | undefined, attempt?: number): Host | undefined {
    return this.#turns.pick()?.balancer.pick(hash, attempt);
  }
}

interface Level {
  readonly priority: number;
  readonly hosts: readonly Host[];
  readonly healthy: readonly Host[];
  readonly degraded: readonly Host[];
}

export function createHostChooser(
  config: ChooserConfig,
  hosts: readonly Host[],
  around: BalancerSurroundings,
): LoadBalancer {
  const levels = levelsOf(hosts);
  const shares: Share[] = [];
  const add = (percent: number, level: Level, chosen: readonly Host[], panic = false) => {
    if (percent <= 0) return;
    const nobody = panic && config.loadBalancing.zones?.failOnPanic === true;
    const zoned = !panic && level.priority === 0 && chosen === level.healthy;
    const balancer = nobody ? NOBODY : zoned ? byZone(config, level, around) : balance(config, level, chosen, around);
    shares.push({ percent, balancer: panic ? counting(balancer, around.panicked) : balancer });
  };
  const healthy = levels.map((l) => availability(l.healthy.length, l.hosts.length, config.overprovisioning));
  const degraded = levels.map((l) => availability(l.degraded.length, l.hosts.length, config.overprovisioning));
  const total = Math.min(100, sum(healthy) + sum(degraded));
  if (total === 0) {
    // Better to try than to fail for certain, unless panic is switched off.
    if (config.panicPercent > 0)
      for (const level of levels) add((level.hosts.length * 100) / hosts.length, level, level.hosts, true);
    if (hosts.length === 0) return counting(NOBODY, around.panicked);
    return new PriorityChooser(shares, around.random);
  }
  let left = 100;
  const loads = [healthy, degraded].map((health) =>
    health.map((value) => {
      const load = Math.min(left, Math.round((value * 100) / total));
      left -= load;
      return load;
    }),
  );
  giveRest(loads, left);
  levels.forEach((level, i) => {
    // Under the threshold what is known of health is more likely wrong than the hosts dead.
    const usable = level.healthy.length + level.degraded.length;
    const panic = total < 100 && (usable * 100) / Math.max(1, level.hosts.length) < config.panicPercent;
    add(loads[0]?.[i] ?? 0, level, panic ? level.hosts : level.healthy, panic);
  });
  levels.forEach((level, i) => {
    add(loads[1]?.[i] ?? 0, level, level.degraded);
  });
  return new PriorityChooser(shares, around.random);
}

const NOBODY: LoadBalancer = { pick: () => undefined };

/** Choices that are made although health says otherwise are counted. Source: Envoy `lb_healthy_panic`. */
function counting(balancer: LoadBalancer, panicked: (() => void) | undefined): LoadBalancer {
  if (panicked === undefined) return balancer;
  return {
    pick: (hash, attempt) => {
      panicked();
      return balancer.pick(hash, attempt);
    },
  };
}

/** Rounding may leave a little; the first that takes anything takes it. */
function giveRest(loads: number[][], left: number): void {
  if (left <= 0) return;
  for (const list of loads) {
    const at = list.findIndex((load) => load > 0);
    if (at < 0) continue;
    list[at] = (list[at] ?? 0) + left;
    return;
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function availability(count: number, of: number, overprovisioning: number): number {
  return of === 0 ? 0 : Math.min(100, (overprovisioning * count) / of);
}

function levelsOf(hosts: readonly Host[]): readonly Level[] {
  const priorities = [...new Set(hosts.map((host) => host.priority))].sort((a, b) => a - b);
  return priorities.map((priority) => {
    const own = hosts.filter((host) => host.priority === priority);
    return {
      priority,
      hosts: own,
      healthy: own.filter((host) => host.healthy && !host.degraded),
      degraded: own.filter((host) => host.healthy && host.degraded),
    };
  });
}

function byZone(config: ChooserConfig, level: Level, around: BalancerSurroundings): LoadBalancer {
  const { zone, panicPercent, loadBalancing } = config;
  const { zones, localityWeighted } = loadBalancing;
  if (zone === undefined || zones === undefined || localityWeighted)
    return balance(config, level, level.healthy, around);
  return createZoneChooser({
    ...zone,
    config: zones,
    panicPercent,
    hosts: level.hosts,
    healthy: level.healthy,
    around,
    balance: (hosts) => createLoadBalancer(loadBalancing.balancer, hosts, around),
  });
}

function balance(
  config: ChooserConfig,
  level: Level,
  chosen: readonly Host[],
  around: BalancerSurroundings,
): LoadBalancer {
  const { balancer, localityWeighted } = config.loadBalancing;
  if (!localityWeighted) return createLoadBalancer(balancer, chosen, around);
  const localities = [...new Set(level.hosts.map((host) => host.locality))];
  const weightOf = (locality: string): number => {
    const all = level.hosts.filter((host) => host.locality === locality).length;
    const usable = chosen.filter((host) => host.locality === locality).length;
    return config.localityWeight(level.priority, locality) * availability(usable, all, config.overprovisioning);
  };
  const total = sum(localities.map(weightOf));
  // Without weights localities don't count.
  if (total === 0) return createLoadBalancer(balancer, chosen, around);
  if (balancer.kind === "ring-hash" || balancer.kind === "maglev") {
    // One table, so that a request keeps its host whichever locality that is in.
    const weights = new Map(localities.map((locality) => [locality, weightOf(locality)]));
    const inPlay = chosen.filter((host) => (weights.get(host.locality) ?? 0) > 0);
    return createLoadBalancer(balancer, inPlay, {
      ...around,
      localityWeight: (host) => weights.get(host.locality) ?? 0,
    });
  }
  const entries = localities
    .map((locality) => ({
      weight: weightOf(locality),
      balancer: createLoadBalancer(
        balancer,
        chosen.filter((host) => host.locality === locality),
        around,
      ),
    }))
    .filter((entry) => entry.weight > 0);
  return new LocalityChooser(entries, around.random);
}
