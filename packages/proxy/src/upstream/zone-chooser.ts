// Hot path: one choice per request of clusters beside a local cluster.
import type { ZoneAwareConfig } from "../config/zone-aware.ts";
import { isChosen, NO_RUNTIME } from "../runtime/runtime.ts";
import type { Host } from "./host.ts";
import type { BalancerSurroundings, LoadBalancer } from "./load-balancer.ts";

/** Where the proxy stands, and its like: the hosts of the local cluster. */
export interface LocalZone {
  readonly locality: string;
  readonly hosts: readonly Host[];
}

/** Envoy's statistics of zone-aware routing. */
export interface ZoneCounters {
  zoneRecalculated: number;
  zoneDirect: number;
  zoneSampled: number;
  zoneCross: number;
  zoneNoCapacity: number;
  zoneTooSmall: number;
  localNotOk: number;
}

export interface ZonePlan {
  readonly config: ZoneAwareConfig;
  readonly local: LocalZone;
  readonly counters: ZoneCounters;
  /** Units: %. */
  readonly panicPercent: number;
  /** Of the highest priority, and those that are healthy. */
  readonly hosts: readonly Host[];
  readonly healthy: readonly Host[];
  readonly around: BalancerSurroundings;
  balance(hosts: readonly Host[]): LoadBalancer;
}

/** Another zone, with the part of the requests that its own proxies leave it room for. */
interface Room {
  readonly balancer: LoadBalancer;
  readonly room: number;
}

/** Source: Envoy counts in hundredths of a percent. */
const WHOLE = 10_000;

class ZoneChooser implements LoadBalancer {
  readonly #plan: ZonePlan;
  readonly #whole: LoadBalancer;
  readonly #own: LoadBalancer;
  /** How many requests of 10,000 stay; those in the own zone are enough for all: all. */
  readonly #stay: number;
  readonly #direct: boolean;
  readonly #rooms: readonly Room[];
  readonly #room: number;
  readonly #proxiesPanic: boolean;

  constructor(plan: ZonePlan, whole: LoadBalancer, shares: ReadonlyMap<string, ZoneShare>) {
    const { local, healthy, balance } = plan;
    this.#plan = plan;
    this.#whole = whole;
    const inZone = (locality: string) => healthy.filter((host) => host.locality === locality);
    const own = shares.get(local.locality) ?? { upstream: 0, proxies: 0 };
    this.#own = balance(inZone(local.locality));
    this.#direct = own.upstream > 0 && own.upstream >= own.proxies;
    this.#stay = own.proxies > 0 ? Math.floor((own.upstream * WHOLE) / own.proxies) : 0;
    this.#rooms = [...shares]
      .filter(([locality, { upstream, proxies }]) => locality !== local.locality && upstream > proxies)
      .map(([locality, { upstream, proxies }]) => ({ balancer: balance(inZone(locality)), room: upstream - proxies }));
    this.#room = this.#rooms.reduce((sum, { room }) => sum + room, 0);
    const usable = local.hosts.filter((host) => host.healthy).length;
    this.#proxiesPanic = (usable * 100) / local.hosts.length < plan.panicPercent;
  }

  pick(hash: bigint | undefined, attempt?: number): Host | undefined {
    const { config, counters, around } = this.#plan;
    if (!isChosen((around.runtime ?? NO_RUNTIME).share(config.enabled), around.random))
      return this.#whole.pick(hash, attempt);
    if (this.#proxiesPanic) {
      counters.localNotOk++;
      return config.failOnPanic ? undefined : this.#whole.pick(hash, attempt);
    }
    if (this.#direct) {
      counters.zoneDirect++;
      return this.#own.pick(hash, attempt);
    }
    if (around.random() * WHOLE < this.#stay) {
      counters.zoneSampled++;
      return this.#own.pick(hash, attempt);
    }
    counters.zoneCross++;
    let point = around.random() * this.#room;
    for (const { balancer, room } of this.#rooms) {
      point -= room;
      if (point < 0) return balancer.pick(hash, attempt);
    }
    counters.zoneNoCapacity++;
    return this.#whole.pick(hash, attempt);
  }
}

/** Parts of the healthy hosts and of the healthy proxies that are in a zone. Units: hundredths of a percent. */
interface ZoneShare {
  readonly upstream: number;
  readonly proxies: number;
}

function zoneShares({ hosts, healthy, local }: ZonePlan): ReadonlyMap<string, ZoneShare> {
  const proxies = local.hosts.filter((host) => host.healthy && !host.degraded);
  const part = (of: readonly Host[], locality: string): number =>
    of.length === 0 ? 0 : Math.floor((WHOLE * of.filter((host) => host.locality === locality).length) / of.length);
  return new Map(
    localitiesOf(hosts).map((locality) => {
      const upstream = part(healthy, locality);
      return [locality, { upstream, proxies: upstream === 0 ? 0 : part(proxies, locality) }];
    }),
  );
}

function localitiesOf(hosts: readonly Host[]): readonly string[] {
  return [...new Set(hosts.map((host) => host.locality))];
}

/** Keeps requests in the zone of the proxy as far as its servers there are not more than their part of all. */
export function createZoneChooser(plan: ZonePlan): LoadBalancer {
  const { local, counters, hosts, healthy, around, config } = plan;
  counters.zoneRecalculated++;
  const whole = plan.balance(healthy);
  if (localitiesOf(hosts).length < 2 || localitiesOf(local.hosts).length < 2) return whole;
  if (!local.hosts.some((host) => host.locality === local.locality)) {
    counters.localNotOk++;
    return whole;
  }
  if (healthy.length < (around.runtime ?? NO_RUNTIME).number(config.minHosts)) {
    counters.zoneTooSmall++;
    return whole;
  }
  return new ZoneChooser(plan, whole, zoneShares(plan));
}
