import { type Clock, type Logger, parseIp, type TimerWheel } from "@heddle/std";
import type { ClusterConfig } from "../config/cluster.ts";
import type { EndpointConfig, LoadAssignmentConfig } from "../config/endpoints.ts";
import type { SubsetKey } from "../config/subset-key.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { SecureContexts } from "../tls/secure-context.ts";
import { type SocketAddress, sameFamily } from "../transport/address.ts";
import { type Dial, type DialOwner, type DialTarget, dial } from "../transport/dial.ts";
import type { Network } from "../transport/network.ts";
import { raceDials } from "../transport/race-dial.ts";
import { orderAddresses } from "./address-order.ts";
import { createConnectionPool } from "./connection-pool.ts";
import { type ClusterCounters, createClusterCounters } from "./counters.ts";
import type { EjectionLog } from "./ejection-log.ts";
import { dialTls, transportFor } from "./endpoint-tls.ts";
import { type UpstreamFailure, upstreamFailure } from "./failure.ts";
import { createHealthChecker, type HealthChecker } from "./health-checker.ts";
import { createHost, type Host } from "./host.ts";
import { createHostChooser } from "./host-chooser.ts";
import { createOutlierDetector, type OutlierDetector } from "./outlier-detector.ts";
import type { HostPool } from "./pool.ts";
import { HostsAhead } from "./preconnect.ts";
import { proxyHeader } from "./proxy-greeting.ts";
import { createSubsetChooser } from "./subset-chooser.ts";
import type { LocalZone } from "./zone-chooser.ts";

/** What clusters share with the rest of the process. */
export interface UpstreamSurroundings {
  readonly network: Network;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly random: () => number;
  readonly contexts: SecureContexts;
  readonly runtime: Runtime;
  readonly log: Logger;
  /** SO_MARK of outgoing sockets; undefined: none. */
  readonly mark: number | undefined;
  /** Where this proxy stands among others; undefined: zones don't count. */
  readonly zone?: ZoneSurroundings | undefined;
  /** Undefined: nobody keeps a record of ejections. */
  readonly ejections?: EjectionLog | undefined;
}

/** Source: Envoy `cluster_manager.local_cluster_name` and the node's locality. */
export interface ZonePlace {
  readonly cluster: string;
  readonly locality: string;
}

/** The cluster of the proxies themselves, as other clusters see it. */
export interface ZoneSurroundings extends ZonePlace {
  hosts(): readonly Host[];
  /** Its hosts are others now, or their health is. */
  changed(): void;
}

/** Both ends of a client's connection. */
export interface ConnectionEnds {
  readonly remote: SocketAddress;
  readonly local: SocketAddress;
}

/** Hosts that a request must not go to again. */
export type TriedHosts = readonly Host[];

/** What a request asks of the choice of its host. */
export interface HostCriteria {
  readonly hash: bigint | undefined;
  readonly subset: SubsetKey | undefined;
  /** Replaces the connection's destination, for ORIGINAL_DST clusters. */
  readonly original: SocketAddress | undefined;
}

/** Chooses among the hosts of a cluster. */
interface CriteriaChooser {
  pick(criteria: HostCriteria | undefined, attempt: number): Host | undefined;
}

const NOBODY: CriteriaChooser = { pick: () => undefined };

/** A destination of requests, with its hosts and their connections. */
export interface Cluster {
  readonly config: ClusterConfig;
  readonly counters: ClusterCounters;
  readonly hosts: readonly Host[];
  /** The endpoints are known (static, or the first EDS or DNS answer has come). */
  readonly ready: boolean;
  /** Undefined where it is not configured, so that requests pay nothing. */
  readonly outlier: OutlierDetector | undefined;
  /** Requests tell how long they took, for peak EWMA. */
  readonly observesLatency: boolean;
  onLatency(host: Host, ms: number): void;
  /**
   * Undefined: no host can be had.
   * @param original Needed by ORIGINAL_DST clusters only.
   * @param attempts How often another host is chosen in place of one of `tried`.
   * @param excluded Priorities that are left out.
   */
  pick(
    original: SocketAddress | undefined,
    tried: TriedHosts,
    attempts: number,
    criteria?: HostCriteria | undefined,
    excluded?: ReadonlySet<number> | undefined,
  ): Host | undefined;
  /** The pool for requests to a host. `alpn` replaces the configured protocols. */
  pool(
    host: Host,
    http2: boolean,
    alpn: readonly string[] | undefined,
    client?: ConnectionEnds | undefined,
    serverName?: string | undefined,
  ): HostPool;
  /** Undefined where no requests are foreseen. Called as a request starts; `poolOf` has the pool that such a request would use. */
  readonly preconnect: ((poolOf: (host: Host) => HostPool) => void) | undefined;
  /** A connection of its own, for TCP. */
  dial(
    host: Host,
    alpn: readonly string[] | undefined,
    owner: DialOwner,
    client?: ConnectionEnds | undefined,
  ): Dial | UpstreamFailure;
  setEndpoints(assignment: LoadAssignmentConfig): void;
  /** The proxies are others now, by whose zones hosts are chosen. */
  zonesChanged(): void;
  /** Closes what idles, lets requests finish. */
  drain(): void;
}

/** Hosts of ORIGINAL_DST clusters are forgotten after this time without use. Source: Envoy `cleanup_interval`. Units: ms. */
const ON_DEMAND_HOST_MS = 5000;

/** The server chooses. Source: Envoy `auto_config`. */
const AUTO_ALPN: readonly string[] = ["h2", "http/1.1"];

class RuntimeCluster implements Cluster {
  readonly config: ClusterConfig;
  readonly counters: ClusterCounters;
  readonly #around: UpstreamSurroundings;
  #hosts = new Map<string, Host>();
  #chooser: CriteriaChooser = NOBODY;
  /** Choosers without some priorities, made when a retry asks for them. */
  #rest = new Map<string, CriteriaChooser>();
  #list: readonly Host[] = [];
  #assignment: LoadAssignmentConfig | undefined = undefined;
  readonly #health: HealthChecker | undefined;
  /** Whether checks failed in the cluster that this one replaces. */
  readonly #checkedBefore: ReadonlyMap<string, boolean>;
  readonly outlier: OutlierDetector | undefined;
  readonly observesLatency: boolean;
  #sweptMs = 0;
  readonly #ahead: HostsAhead | undefined;
  readonly preconnect: Cluster["preconnect"];
  /** Lists of protocols that pools were made for, each content once; and the last that was asked for, with the one of its content. */
  readonly #alpns: (readonly string[])[] = [];
  #lastAlpn: readonly string[] | undefined = undefined;
  #lastAlpnKey: readonly string[] | undefined = undefined;
  ready = false;

  constructor(
    config: ClusterConfig,
    around: UpstreamSurroundings,
    checkedBefore: ReadonlyMap<string, boolean>,
    counters: ClusterCounters,
  ) {
    this.config = config;
    this.counters = counters;
    this.#checkedBefore = checkedBefore;
    this.#around = around;
    // Other balancers choose by the request, or by what is under way when it comes.
    const { kind } = config.loadBalancing.balancer;
    const predictable = (kind === "round-robin" || kind === "random") && config.subsets === undefined;
    const { predictive } = config.preconnect;
    const ahead = predictive > 1 && predictable ? new HostsAhead(predictive) : undefined;
    this.#ahead = ahead;
    this.preconnect = ahead && ((poolOf) => ahead.connect(this.#list, () => this.#chooser.pick(undefined, 0), poolOf));
    this.observesLatency = config.loadBalancing.balancer.kind === "peak-ewma";
    const shared = { clock: around.clock, random: around.random, log: around.log, cluster: config.name };
    const hosts = () => this.hosts;
    const onChange = () => this.#rebuild();
    this.outlier =
      config.outlier === undefined
        ? undefined
        : createOutlierDetector(config.outlier, { ...shared, hosts, onChange, ejections: around.ejections });
    this.#health =
      config.healthChecks.length === 0
        ? undefined
        : createHealthChecker(config, {
            ...shared,
            dial: (host, port, owner) => this.#dialTo(host, { ip: host.address.ip, port }, undefined, owner),
            counters: this.counters,
            hadTraffic: (host) => host.stats.cxTotal > 0,
            onChange: (host) => this.#healthChanged(host),
          });
    if (config.discovery.kind === "static") this.setEndpoints(config.discovery.assignment);
    if (config.discovery.kind === "original-dst") this.ready = true;
  }

  get hosts(): readonly Host[] {
    return this.config.discovery.kind === "original-dst" ? [...this.#hosts.values()] : this.#list;
  }

  pick(
    original: SocketAddress | undefined,
    tried: TriedHosts,
    attempts: number,
    criteria?: HostCriteria | undefined,
    excluded?: ReadonlySet<number> | undefined,
  ): Host | undefined {
    if (this.config.discovery.kind === "original-dst")
      return this.#onDemand(criteria?.original ?? original, this.config.discovery.portOverride);
    const all = excluded === undefined || excluded.size === 0;
    const hosts = all ? this.#chooser : this.#without(excluded);
    let host = (all ? this.#ahead?.take() : undefined) ?? hosts.pick(criteria, 0);
    if (tried.length === 0) return host;
    for (let i = 1; i <= attempts && host !== undefined && tried.includes(host); i++) host = hosts.pick(criteria, i);
    if (host !== undefined && tried.includes(host) && this.config.subsets === undefined && !this.#hashes) {
      // Chance kept hitting hosts that failed: take any other that there is.
      host =
        this.#list.find((other) => other.healthy && !tried.includes(other) && excluded?.has(other.priority) !== true) ??
        host;
    }
    return host;
  }

  onLatency(host: Host, ms: number): void {
    const { balancer } = this.config.loadBalancing;
    if (balancer.kind !== "peak-ewma") return;
    // A peak counts at once, and fades with time.
    const nowMs = this.#around.wheel.nowMs;
    const fade = Math.exp(-(nowMs - host.lastUsedMs) / balancer.decayMs);
    host.lastUsedMs = nowMs;
    host.latencyMs = ms > host.latencyMs ? ms : host.latencyMs * fade + ms * (1 - fade);
  }

  /** Hosts are chosen by what the request says, so that their choice is the same on each proxy. */
  get #hashes(): boolean {
    const { kind } = this.config.loadBalancing.balancer;
    return kind === "ring-hash" || kind === "maglev";
  }

  /** As if the hosts of some priorities were not there. */
  #without(excluded: ReadonlySet<number>): CriteriaChooser {
    const key = [...excluded].sort((a, b) => a - b).join();
    let chooser = this.#rest.get(key);
    if (chooser === undefined) {
      chooser = this.#makeChooser(this.#list.filter(({ priority }) => !excluded.has(priority)));
      this.#rest.set(key, chooser);
    }
    return chooser;
  }

  pool(
    host: Host,
    http2: boolean,
    alpn: readonly string[] | undefined,
    client?: ConnectionEnds | undefined,
    serverName?: string | undefined,
  ): HostPool {
    const version = this.config.proxyProtocol;
    // A connection that names its client serves nobody else.
    const key = version === undefined ? this.#alpnKey(alpn) : client;
    const protocol = http2 ? "http2" : "http1";
    const pools = host.pools;
    for (let i = 0; i < pools.length; i++) {
      const pool = pools[i];
      if (
        pool !== undefined &&
        pool.protocol === protocol &&
        pool.transportKey === key &&
        pool.serverName === serverName
      )
        return pool;
    }
    const around = this.#around;
    const pool = createConnectionPool({
      host,
      protocol,
      transportKey: key,
      serverName,
      // Clients choose the name, so pools for names must not outlive their connections.
      ephemeral: version !== undefined || serverName !== undefined,
      http: this.config.http,
      limits: this.config.limits,
      counters: this.counters,
      wheel: around.wheel,
      random: around.random,
      preconnect: this.config.preconnect.perUpstream,
      target: () => this.#target(host, alpn, serverName),
      dial: (target, owner) => {
        const greeting = version === undefined ? undefined : proxyHeader(version, client);
        return this.#connect(host, greeting === undefined ? target : { ...target, greeting }, owner);
      },
      onEmpty: (empty) => {
        const at = host.pools.indexOf(empty);
        if (at >= 0) host.pools.splice(at, 1);
      },
    });
    pools.push(pool);
    return pool;
  }

  /** Each update of a listener brings lists of its own: by them, every update would leave its pools behind. */
  #alpnKey(alpn: readonly string[] | undefined): readonly string[] | undefined {
    if (alpn === this.#lastAlpn) return this.#lastAlpnKey;
    let key = alpn;
    if (alpn !== undefined) {
      const known = this.#alpns.find((one) => sameNames(one, alpn));
      if (known === undefined) this.#alpns.push(alpn);
      else key = known;
    }
    this.#lastAlpn = alpn;
    this.#lastAlpnKey = key;
    return key;
  }

  dial(
    host: Host,
    alpn: readonly string[] | undefined,
    owner: DialOwner,
    client?: ConnectionEnds | undefined,
  ): Dial | UpstreamFailure {
    const greeting =
      this.config.proxyProtocol === undefined ? undefined : proxyHeader(this.config.proxyProtocol, client);
    return this.#dialTo(host, host.address, alpn, owner, greeting);
  }

  #dialTo(
    host: Host,
    address: SocketAddress,
    alpn: readonly string[] | undefined,
    owner: DialOwner,
    greeting?: Uint8Array,
  ): Dial | UpstreamFailure {
    const target = this.#target(host, alpn);
    if ("code" in target) return target;
    return this.#connect(host, { ...target, address, greeting }, owner);
  }

  #connect(host: Host, target: DialTarget, owner: DialOwner): Dial {
    const { network, clock } = this.#around;
    // Health checks may go to another port, which only one of the addresses has.
    if (host.attempts === undefined || target.address !== host.address) return dial(network, target, owner, clock);
    const targets = host.attempts.map((address) => ({ ...target, address, sourceIp: this.#sourceFor(address) }));
    // Source: Envoy counts each attempt.
    return raceDials(network, targets, owner, clock, () => void this.counters.connectionsTotal++);
  }

  #sourceFor(address: SocketAddress): string | undefined {
    return this.config.sourceIps.find((ip) => sameFamily(ip, address.ip));
  }

  setEndpoints(assignment: LoadAssignmentConfig): void {
    const next = new Map<string, Host>();
    for (const locality of assignment.localities) {
      for (const endpoint of locality.endpoints) {
        const host = this.#adopt(endpoint, locality.priority, localityName(locality));
        if (host !== undefined) next.set(host.text, host);
      }
    }
    if ([...next].some(([text, host]) => this.#hosts.get(text) !== host) || next.size < this.#hosts.size)
      this.counters.membershipChanges++;
    for (const [text, host] of this.#hosts) {
      if (next.get(text) === host) continue;
      // Discovery may be wrong or late: what answers its checks stays. Source: Envoy "eventually consistent service discovery".
      if (this.#health !== undefined && !this.config.ignoreHealthOnRemoval && !next.has(text) && !host.checkFailed) {
        host.removed = true;
        next.set(text, host);
        continue;
      }
      retire(host);
    }
    this.#hosts = next;
    this.#list = [...next.values()];
    this.#assignment = assignment;
    this.#health?.setHosts(this.#list);
    this.#rebuild();
    this.ready = true;
  }

  #rebuild(): void {
    this.#ahead?.clear();
    for (const host of this.#list)
      if (host.healthy && host.warmsSinceMs < 0) host.warmsSinceMs = this.#around.wheel.nowMs;
    this.#rest = new Map();
    this.#chooser = this.#makeChooser(this.#list);
    const { zone } = this.#around;
    if (zone !== undefined && zone.cluster === this.config.name) zone.changed();
  }

  zonesChanged(): void {
    if (this.config.loadBalancing.zones !== undefined) this.#rebuild();
  }

  #makeChooser(list: readonly Host[]): CriteriaChooser {
    const around = {
      random: this.#around.random,
      runtime: this.#around.runtime,
      nowMs: () => this.#around.wheel.nowMs,
      panicked: () => void this.counters.panics++,
    };
    const weights = new Map(
      this.#assignment?.localities.map((l): [string, number] => [`${l.priority}|${localityName(l)}`, l.weight]),
    );
    const config = {
      loadBalancing: this.config.loadBalancing,
      panicPercent: this.config.panicPercent,
      overprovisioning: this.#assignment?.overprovisioning ?? 140,
      zone: this.#zone(),
      localityWeight: (priority: number, locality: string) => weights.get(`${priority}|${locality}`) ?? 0,
    };
    const make = (hosts: readonly Host[]) => createHostChooser(config, hosts, around);
    if (this.config.subsets === undefined) {
      const balancer = make(list);
      return { pick: (criteria, attempt) => balancer.pick(criteria?.hash, attempt) };
    }
    const subsets = createSubsetChooser(this.config.subsets, list, make, this.counters);
    return { pick: (criteria, attempt) => subsets.pick(criteria?.subset, criteria?.hash, attempt) };
  }

  #zone(): { readonly local: LocalZone; readonly counters: ClusterCounters } | undefined {
    const { zone } = this.#around;
    return zone && { local: { locality: zone.locality, hosts: zone.hosts() }, counters: this.counters };
  }

  #healthChanged(host: Host): void {
    if (!host.checkFailed) {
      host.warmsSinceMs = this.#around.wheel.nowMs;
      if (this.config.outlier?.healthCheckUnejects === true) this.outlier?.uneject(host);
    } else {
      if (this.config.closeUnhealthy) for (const pool of [...host.pools]) pool.close();
      if (host.removed) {
        this.#hosts.delete(host.text);
        this.#list = [...this.#hosts.values()];
        this.#health?.setHosts(this.#list);
        retire(host);
      }
    }
    host.updateHealth();
    this.#rebuild();
  }

  drain(): void {
    this.#health?.close();
    this.outlier?.close();
    for (const host of this.#hosts.values()) retire(host);
  }

  /** Keeps the host object, and with it the connections, where only health changed. */
  #adopt(endpoint: EndpointConfig, priority: number, locality: string): Host | undefined {
    if (endpoint.address.kind !== "tcp") {
      this.#around.log.warn("endpoints on unix sockets are not implemented; the endpoint is left out", {
        cluster: this.config.name,
      });
      return undefined;
    }
    const fresh = createHost(endpoint.address.address, priority, endpoint, locality);
    const known = this.#hosts.get(fresh.text);
    if (known !== undefined) fresh.warmsSinceMs = known.warmsSinceMs;
    if (endpoint.others.length > 0)
      fresh.attempts = orderAddresses([fresh.address, ...endpoint.others], this.config.happyEyeballs);
    if (known === undefined || !sameEndpoint(known, fresh)) {
      if (known !== undefined) fresh.checkFailed = known.checkFailed;
      // Source: Envoy: until its first check a new host counts as failed where checks are configured.
      else if (this.#health !== undefined && !endpoint.checkDisabled)
        fresh.checkFailed = this.#checkedBefore.get(fresh.text) ?? true;
      fresh.updateHealth();
      return fresh;
    }
    known.removed = false;
    known.attempts = fresh.attempts;
    known.edsHealthy = fresh.edsHealthy;
    known.degraded = fresh.degraded;
    known.updateHealth();
    return known;
  }

  #onDemand(original: SocketAddress | undefined, portOverride: number | undefined): Host | undefined {
    if (original === undefined || parseIp(original.ip) === undefined) return undefined;
    const port = portOverride ?? original.port;
    const key = `${original.ip}|${port}`;
    const nowMs = this.#around.wheel.nowMs;
    let host = this.#hosts.get(key);
    if (host === undefined) {
      this.#sweep(nowMs);
      host = createHost({ ip: original.ip, port }, 0, undefined);
      this.#hosts.set(key, host);
    }
    host.lastUsedMs = nowMs;
    return host;
  }

  #sweep(nowMs: number): void {
    if (nowMs - this.#sweptMs < ON_DEMAND_HOST_MS) return;
    this.#sweptMs = nowMs;
    for (const [key, host] of this.#hosts) {
      if (host.active > 0 || nowMs - host.lastUsedMs < ON_DEMAND_HOST_MS) continue;
      if (host.pools.some((pool) => pool.connections > 0 || pool.pending > 0)) continue;
      this.#hosts.delete(key);
      retire(host);
    }
  }

  #target(host: Host, alpn: readonly string[] | undefined, serverName?: string): DialTarget | UpstreamFailure {
    const { config } = this;
    const tlsConfig = transportFor(config, host);
    let tls: DialTarget["tls"];
    if (tlsConfig !== undefined) {
      const auto = config.http.protocol === "auto" && tlsConfig.alpn.length === 0 ? AUTO_ALPN : undefined;
      const ready = dialTls(
        this.#around.contexts,
        tlsConfig,
        alpn ?? auto,
        serverName === undefined ? undefined : { name: serverName, validate: config.http.autoSan },
      );
      if (!ready.ok) return upstreamFailure("tls-failed", ready.error);
      tls = ready.value;
    }
    return {
      address: host.address,
      tls,
      timeoutMs: config.connectTimeoutMs,
      sourceIp: this.#sourceFor(host.address),
      mark: this.#around.mark,
      keepAlive: config.keepAlive,
    };
  }
}

export function localityName(locality: {
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
}): string {
  return `${locality.region}/${locality.zone}/${locality.subZone}`;
}

function sameEndpoint(a: Host, b: Host): boolean {
  return (
    a.locality === b.locality &&
    JSON.stringify(a.endpoint?.lbLabels) === JSON.stringify(b.endpoint?.lbLabels) &&
    a.weight === b.weight &&
    a.priority === b.priority &&
    a.hostname === b.hostname &&
    JSON.stringify(a.endpoint?.transportLabels) === JSON.stringify(b.endpoint?.transportLabels) &&
    JSON.stringify(a.workload) === JSON.stringify(b.workload)
  );
}

function retire(host: Host): void {
  host.removed = true;
  for (const pool of [...host.pools]) pool.drain();
}

/** `replaced`: the cluster of the same name until now; its hosts keep the results of their health checks. */
export function createCluster(config: ClusterConfig, around: UpstreamSurroundings, replaced?: Cluster): Cluster {
  const checked = replaced === undefined || replaced.config.healthChecks.length === 0 ? [] : replaced.hosts;
  const checkedBefore = new Map(checked.map((host) => [host.text, host.checkFailed]));
  return new RuntimeCluster(config, around, checkedBefore, createClusterCounters(replaced?.counters));
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, i) => name === b[i]);
}
