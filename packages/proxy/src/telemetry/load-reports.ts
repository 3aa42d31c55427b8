import { create, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import type { Clock, ClockTimer, Logger } from "@heddle/std";
import { writeMessage } from "@heddle/xds-api";
import type { ClusterStatsSchema } from "@heddle/xds-api/envoy/config/endpoint/v3/load_report";
import {
  LoadStatsRequestSchema,
  type LoadStatsResponse,
  LoadStatsResponseSchema,
} from "@heddle/xds-api/envoy/service/load_stats/v3/lrs";
import type { ClusterView, HostView } from "../admin/clusters-page.ts";
import type { GrpcServer } from "../config/grpc-service.ts";
import type { Cluster } from "../upstream/cluster.ts";
import { type GrpcStream, openGrpcStream } from "../upstream/grpc-stream.ts";
import { type AdsNode, nodeMessage } from "../xds/node-message.ts";

/** A cluster with what all processes have counted for it. */
export interface LoadedCluster extends ClusterView {
  /** Requests that found the cluster full. */
  readonly dropped: number;
}

export interface LoadReportsDeps {
  readonly server: Pick<GrpcServer, "cluster" | "authority" | "metadata">;
  readonly clock: Clock;
  readonly log: Logger;
  readonly node: AdsNode;
  readonly version: string;
  /** Undefined: there is none of the name. */
  clusterOf(name: string): Cluster | undefined;
  loads(): Promise<readonly LoadedCluster[]>;
  /** Counts by Envoy's name. */
  count(name: string): void;
}

/** Tells a server how much load the hosts of clusters have, by locality, as often as it wants to know. Source: Envoy `load_stats_config`. */
export interface LoadReports {
  start(): void;
  close(): void;
}

type ClusterStats = MessageInitShape<typeof ClusterStatsSchema>;

/** What was counted when the present period of a cluster began. */
interface Tracked {
  sinceMs: number;
  hosts: Map<string, Counted>;
  dropped: number;
}
type Counted = Pick<HostView["stats"], "rqSuccess" | "rqError" | "rqTotal">;

const PATH = "/envoy.service.load_stats.v3.LoadReportingService/StreamLoadStats";
/** Source: Envoy. Units: ms. */
const RETRY_MS = 5000;
const NONE: Counted = { rqSuccess: 0, rqError: 0, rqTotal: 0 };

class Reporter implements LoadReports {
  readonly #deps: LoadReportsDeps;
  #stream: GrpcStream | undefined;
  #timer: ClockTimer | undefined;
  #tracked = new Map<string, Tracked>();
  /** What the server asked for last. */
  #wanted: LoadStatsResponse | undefined;
  #failing = false;
  #closed = false;

  constructor(deps: LoadReportsDeps) {
    this.#deps = deps;
  }

  start(): void {
    const { server, clusterOf, log, clock, count } = this.#deps;
    let ended = false;
    const stream = openGrpcStream(clusterOf(server.cluster), PATH, server, {
      onMessage: (bytes) => this.#asked(bytes),
      onEnd: (reason) => {
        ended = true;
        this.#stream = undefined;
        this.#timer?.cancel();
        count("load_reporter.errors");
        if (!this.#failing) log.warn("the load reporting server gets no reports; it is tried again", { reason });
        this.#failing = true;
        if (this.#closed) return;
        this.#timer = clock.after(RETRY_MS, () => {
          count("load_reporter.retries");
          this.start();
        });
      },
    });
    if (ended) return;
    this.#stream = stream;
    void this.#report();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#stream?.close();
  }

  #asked(bytes: Uint8Array): void {
    try {
      this.#wanted = fromBinary(LoadStatsResponseSchema, bytes);
    } catch {
      this.#deps.log.warn("the load reporting server sent what is no LoadStatsResponse; it is passed over");
      return;
    }
    this.#failing = false;
    this.#deps.count("load_reporter.requests");
    void this.#deps.loads().then((loads) => this.#begin(loads));
  }

  /** A period begins: clusters that were told of before go on from their last report. */
  #begin(loads: readonly LoadedCluster[]): void {
    const wanted = this.#wanted;
    if (wanted === undefined || this.#closed) return;
    const { clock } = this.#deps;
    const now = clock.monotonic();
    const before = this.#tracked;
    this.#tracked = new Map();
    const all = new Map(loads.map((load) => [load.config.name, load]));
    for (const name of wanted.sendAllClusters ? all.keys() : wanted.clusters)
      this.#tracked.set(name, before.get(name) ?? { sinceMs: now, ...counted(all.get(name)) });
    this.#timer?.cancel();
    const { seconds = 0n, nanos = 0 } = wanted.loadReportingInterval ?? {};
    this.#timer = clock.after(Math.max(1, Number(seconds) * 1000 + nanos / 1e6), () => void this.#report());
  }

  async #report(): Promise<void> {
    const { node, version, clock, count, loads: read } = this.#deps;
    const loads = await read();
    const stream = this.#stream;
    if (stream === undefined) return;
    const now = clock.monotonic();
    const clusterStats: ClusterStats[] = [];
    for (const load of loads) {
      const tracked = this.#tracked.get(load.config.name);
      if (tracked === undefined) continue;
      clusterStats.push(statsOf(load, tracked, now, this.#wanted?.reportEndpointGranularity === true));
      Object.assign(tracked, { sinceMs: now, ...counted(load) });
    }
    const who = { ...nodeMessage(node, version), clientFeatures: ["envoy.lrs.supports_send_all_clusters"] };
    const message = create(LoadStatsRequestSchema, { node: who, clusterStats });
    if (stream.send(writeMessage(LoadStatsRequestSchema, message))) count("load_reporter.responses");
    this.#begin(loads);
  }
}

function counted(load: LoadedCluster | undefined): Pick<Tracked, "hosts" | "dropped"> {
  return {
    hosts: new Map(load?.hosts.map(({ text, stats }) => [text, { ...stats }])),
    dropped: load?.dropped ?? 0,
  };
}

/** Counts that went back were set to zero in between. */
function since(now: number, before: number): number {
  return now < before ? now : now - before;
}

function statsOf(load: LoadedCluster, tracked: Tracked, nowMs: number, byEndpoint: boolean): ClusterStats {
  const { config, hosts, dropped } = load;
  const { discovery } = config;
  const places = new Map<string, { readonly of: HostView; readonly hosts: HostView[] }>();
  for (const host of hosts) {
    const key = `${host.priority} ${host.locality}`;
    const place = places.get(key);
    if (place === undefined) places.set(key, { of: host, hosts: [host] });
    else place.hosts.push(host);
  }
  const upstreamLocalityStats = [...places.values()].flatMap(({ of, hosts: members }) => {
    const each = members
      .map((host) => ({ host, load: loadOf(host, tracked.hosts.get(host.text) ?? NONE) }))
      .filter(({ load: { success, error, active, issued } }) => success + error + active + issued > 0);
    if (each.length === 0) return [];
    const [region = "", zone = "", subZone = ""] = of.locality.split("/");
    const sum = (key: "success" | "error" | "active" | "issued") =>
      BigInt(each.reduce((total, one) => total + one.load[key], 0));
    return {
      locality: { region, zone, subZone },
      priority: of.priority,
      totalSuccessfulRequests: sum("success"),
      totalErrorRequests: sum("error"),
      totalRequestsInProgress: sum("active"),
      totalIssuedRequests: sum("issued"),
      upstreamEndpointStats: byEndpoint ? each.map(({ host, load: one }) => endpointOf(host, one)) : [],
    };
  });
  return {
    clusterName: config.name,
    ...(discovery.kind === "eds" && discovery.serviceName !== config.name
      ? { clusterServiceName: discovery.serviceName }
      : {}),
    upstreamLocalityStats,
    totalDroppedRequests: BigInt(since(dropped, tracked.dropped)),
    loadReportInterval: durationFromMs(Math.trunc(nowMs - tracked.sinceMs)),
  };
}

type Load = ReturnType<typeof loadOf>;

function loadOf({ stats, active }: HostView, before: Counted) {
  return {
    success: since(stats.rqSuccess, before.rqSuccess),
    error: since(stats.rqError, before.rqError),
    issued: since(stats.rqTotal, before.rqTotal),
    active,
  };
}

function endpointOf({ address }: HostView, load: Load) {
  const portSpecifier = { case: "portValue" as const, value: address.port };
  return {
    address: { address: { case: "socketAddress" as const, value: { address: address.ip, portSpecifier } } },
    totalSuccessfulRequests: BigInt(load.success),
    totalErrorRequests: BigInt(load.error),
    totalRequestsInProgress: BigInt(load.active),
    totalIssuedRequests: BigInt(load.issued),
  };
}

export function createLoadReports(deps: LoadReportsDeps): LoadReports {
  return new Reporter(deps);
}
