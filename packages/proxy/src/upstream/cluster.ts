import type { Clock, Logger, TimerWheel } from "@heddle/std";
import type { ClusterConfig } from "../config/cluster.ts";
import type { EndpointConfig, LoadAssignmentConfig } from "../config/endpoints.ts";
import type { SecureContexts } from "../tls/secure-context.ts";
import { parseIp, type SocketAddress } from "../transport/address.ts";
import { type Dial, type DialOwner, type DialTarget, dial } from "../transport/dial.ts";
import type { Network } from "../transport/network.ts";
import { createConnectionPool } from "./connection-pool.ts";
import { type ClusterCounters, createClusterCounters } from "./counters.ts";
import { dialTls, transportFor } from "./endpoint-tls.ts";
import { type UpstreamFailure, upstreamFailure } from "./failure.ts";
import { createHost, type Host } from "./host.ts";
import { createLoadBalancer, eligibleHosts, type LoadBalancer } from "./load-balancer.ts";
import type { HostPool } from "./pool.ts";

/** What clusters share with the rest of the process. */
export interface UpstreamSurroundings {
  readonly network: Network;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly random: () => number;
  readonly contexts: SecureContexts;
  readonly log: Logger;
  /** SO_MARK of outgoing sockets; undefined: none. */
  readonly mark: number | undefined;
}

/** Hosts that a request must not go to again. */
export type TriedHosts = readonly Host[];

/** A destination of requests, with its hosts and their connections. */
export interface Cluster {
  readonly config: ClusterConfig;
  readonly counters: ClusterCounters;
  readonly hosts: readonly Host[];
  /** The endpoints are known (static, or the first EDS or DNS answer has come). */
  readonly ready: boolean;
  /** `original` is needed by ORIGINAL_DST clusters only. Undefined: no host can be had. */
  pick(original: SocketAddress | undefined, tried: TriedHosts, attempts: number): Host | undefined;
  /** The pool for requests to a host. `alpn` replaces the configured protocols. */
  pool(host: Host, http2: boolean, alpn: readonly string[] | undefined): HostPool;
  /** A connection of its own, for TCP. */
  dial(host: Host, alpn: readonly string[] | undefined, owner: DialOwner): Dial | UpstreamFailure;
  setEndpoints(assignment: LoadAssignmentConfig): void;
  /** Closes what idles, lets requests finish. */
  drain(): void;
}

/** Hosts of ORIGINAL_DST clusters are forgotten after this time without use. Source: Envoy `cleanup_interval`. Units: ms. */
const ON_DEMAND_HOST_MS = 5000;

class RuntimeCluster implements Cluster {
  readonly config: ClusterConfig;
  readonly counters: ClusterCounters = createClusterCounters();
  readonly #around: UpstreamSurroundings;
  #hosts = new Map<string, Host>();
  #balancer: LoadBalancer;
  #list: readonly Host[] = [];
  #eligible: readonly Host[] = [];
  #sweptMs = 0;
  ready = false;

  constructor(config: ClusterConfig, around: UpstreamSurroundings) {
    this.config = config;
    this.#around = around;
    this.#balancer = createLoadBalancer(config.lbPolicy, [], config.choiceCount, around.random);
    if (config.discovery.kind === "static") this.setEndpoints(config.discovery.assignment);
    if (config.discovery.kind === "original-dst") this.ready = true;
  }

  get hosts(): readonly Host[] {
    return this.config.discovery.kind === "original-dst" ? [...this.#hosts.values()] : this.#list;
  }

  pick(original: SocketAddress | undefined, tried: TriedHosts, attempts: number): Host | undefined {
    if (this.config.discovery.kind === "original-dst")
      return this.#onDemand(original, this.config.discovery.portOverride);
    let host = this.#balancer.pick();
    for (let i = 1; i < attempts && host !== undefined && tried.includes(host); i++) host = this.#balancer.pick();
    if (host !== undefined && tried.length > 0 && tried.includes(host)) {
      // Chance kept hitting hosts that failed: take any other that there is.
      host = this.#eligible.find((other) => !tried.includes(other)) ?? host;
    }
    return host;
  }

  pool(host: Host, http2: boolean, alpn: readonly string[] | undefined): HostPool {
    const protocol = http2 ? "http2" : "http1";
    const pools = host.pools;
    for (let i = 0; i < pools.length; i++) {
      const pool = pools[i];
      if (pool !== undefined && pool.protocol === protocol && pool.transportKey === alpn) return pool;
    }
    const around = this.#around;
    const pool = createConnectionPool({
      host,
      protocol,
      transportKey: alpn,
      http: this.config.http,
      limits: this.config.limits,
      counters: this.counters,
      wheel: around.wheel,
      target: () => this.#target(host, alpn),
      dial: (target, owner) => dial(around.network, target, owner, around.clock),
      onEmpty: (empty) => {
        const at = host.pools.indexOf(empty);
        if (at >= 0) host.pools.splice(at, 1);
      },
    });
    pools.push(pool);
    return pool;
  }

  dial(host: Host, alpn: readonly string[] | undefined, owner: DialOwner): Dial | UpstreamFailure {
    const target = this.#target(host, alpn);
    return "code" in target ? target : dial(this.#around.network, target, owner, this.#around.clock);
  }

  setEndpoints(assignment: LoadAssignmentConfig): void {
    const next = new Map<string, Host>();
    for (const locality of assignment.localities) {
      for (const endpoint of locality.endpoints) {
        const host = this.#adopt(endpoint, locality.priority);
        if (host !== undefined) next.set(host.text, host);
      }
    }
    for (const [text, host] of this.#hosts) {
      if (next.get(text) !== host) retire(host);
    }
    this.#hosts = next;
    this.#list = [...next.values()];
    this.#eligible = eligibleHosts(this.#list, this.config.panicPercent);
    this.#balancer = createLoadBalancer(
      this.config.lbPolicy,
      this.#eligible,
      this.config.choiceCount,
      this.#around.random,
    );
    this.ready = true;
  }

  drain(): void {
    for (const host of this.#hosts.values()) retire(host);
  }

  /** Keeps the host object, and with it the connections, where only health changed. */
  #adopt(endpoint: EndpointConfig, priority: number): Host | undefined {
    if (endpoint.address.kind !== "tcp") {
      this.#around.log.warn("endpoints on unix sockets are not implemented; the endpoint is left out", {
        cluster: this.config.name,
      });
      return undefined;
    }
    const fresh = createHost(endpoint.address.address, priority, endpoint);
    const known = this.#hosts.get(fresh.text);
    if (known === undefined || !sameEndpoint(known, fresh)) return fresh;
    known.healthy = fresh.healthy;
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

  #target(host: Host, alpn: readonly string[] | undefined): DialTarget | UpstreamFailure {
    const { config } = this;
    const tlsConfig = transportFor(config, host);
    let tls: DialTarget["tls"];
    if (tlsConfig !== undefined) {
      const ready = dialTls(this.#around.contexts, tlsConfig, alpn);
      if (!ready.ok) return upstreamFailure("tls-failed", ready.error);
      tls = ready.value;
    }
    return {
      address: host.address,
      tls,
      timeoutMs: config.connectTimeoutMs,
      sourceIp: config.sourceIp,
      mark: this.#around.mark,
      keepAlive: config.keepAlive,
    };
  }
}

function sameEndpoint(a: Host, b: Host): boolean {
  return (
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

export function createCluster(config: ClusterConfig, around: UpstreamSurroundings): Cluster {
  return new RuntimeCluster(config, around);
}
