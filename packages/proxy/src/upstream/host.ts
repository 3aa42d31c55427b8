// Hot path: fields are read for every request.
import type { EndpointConfig, WorkloadLabels } from "../config/endpoints.ts";
import type { SocketAddress } from "../transport/address.ts";
import { formatAddress } from "../transport/address.ts";
import type { HostOutlier } from "./outlier-detector.ts";
import type { HostPool } from "./pool.ts";

/** An endpoint that a cluster can send to. */
export interface Host {
  readonly address: SocketAddress;
  /** Where it has several addresses: all of them in the order in which they are tried. */
  attempts: readonly SocketAddress[] | undefined;
  /** `1.2.3.4:80`. */
  readonly text: string;
  readonly hostname: string;
  readonly weight: number;
  readonly priority: number;
  readonly workload: WorkloadLabels | undefined;
  readonly endpoint: EndpointConfig | undefined;
  /** Name of its region, zone and sub-zone. */
  readonly locality: string;
  /** May be chosen: all of the three below agree. */
  healthy: boolean;
  /** What discovery says. */
  edsHealthy: boolean;
  /** Active health checks fail. */
  checkFailed: boolean;
  /** Left out by outlier detection. */
  ejected: boolean;
  degraded: boolean;
  outlier: HostOutlier | undefined;
  /** Smoothed time to the first byte, where the balancer asks for it. */
  latencyMs: number;
  /** When it joined and could serve, or last passed a health check after failing; -Infinity: not yet. Units: ms of the timer wheel. */
  warmsSinceMs: number;
  /** Sets `healthy`. */
  updateHealth(): void;
  /** Requests and TCP connections under way. */
  active: number;
  /** Pools by protocol and transport; empty until first used. */
  readonly pools: HostPool[];
  /** Requests that wait for one of its connections. */
  readonly pending: number;
  /** Marked `canary: true` in its metadata for load balancing. */
  readonly canary: boolean;
  /** Out of the cluster: pools drain. */
  removed: boolean;
  /** Last use, for hosts that are made on demand. Units: ms of the timer wheel. */
  lastUsedMs: number;
  readonly stats: HostStats;
}

/** Counters of a host; Envoy's names on `/clusters`. */
export interface HostStats {
  cxTotal: number;
  cxActive: number;
  cxConnectFail: number;
  rqTotal: number;
  rqSuccess: number;
  rqError: number;
  rqTimeout: number;
}

class EndpointHost implements Host {
  readonly address: SocketAddress;
  attempts: readonly SocketAddress[] | undefined = undefined;
  readonly text: string;
  readonly hostname: string;
  readonly weight: number;
  readonly priority: number;
  readonly workload: WorkloadLabels | undefined;
  readonly endpoint: EndpointConfig | undefined;
  readonly locality: string;
  readonly canary: boolean;
  healthy: boolean;
  edsHealthy: boolean;
  checkFailed = false;
  ejected = false;
  degraded: boolean;
  outlier: HostOutlier | undefined = undefined;
  latencyMs = 0;
  warmsSinceMs = Number.NEGATIVE_INFINITY;
  active = 0;
  readonly pools: HostPool[] = [];
  removed = false;
  lastUsedMs = 0;
  readonly stats: HostStats = {
    cxTotal: 0,
    cxActive: 0,
    cxConnectFail: 0,
    rqTotal: 0,
    rqSuccess: 0,
    rqError: 0,
    rqTimeout: 0,
  };

  constructor(address: SocketAddress, priority: number, endpoint: EndpointConfig | undefined, locality: string) {
    this.address = address;
    this.text = formatAddress(address);
    this.hostname = endpoint?.hostname ?? "";
    this.weight = endpoint?.weight ?? 1;
    this.priority = priority;
    this.workload = endpoint?.workload;
    this.endpoint = endpoint;
    this.locality = locality;
    this.canary = endpoint?.lbLabels?.["canary"] === true;
    this.edsHealthy = endpoint?.healthy ?? true;
    this.degraded = endpoint?.degraded ?? false;
    this.healthy = this.edsHealthy;
  }

  get pending(): number {
    let waiting = 0;
    for (const pool of this.pools) waiting += pool.pending;
    return waiting;
  }

  updateHealth(): void {
    this.healthy = this.edsHealthy && !this.checkFailed && !this.ejected;
  }
}

/** `locality`: name of where it is. */
export function createHost(
  address: SocketAddress,
  priority: number,
  endpoint: EndpointConfig | undefined,
  locality = "",
): Host {
  return new EndpointHost(address, priority, endpoint, locality);
}
