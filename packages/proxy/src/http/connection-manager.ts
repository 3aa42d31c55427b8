import type { Clock, Logger, TimerWheel } from "@heddle/std";
import { type HeaderList, HTTP_2, type RequestHead } from "@heddle/wire";
import type { HttpManagerConfig } from "../config/http-manager.ts";
import type { LogNeeds } from "../config/log-needs.ts";
import type { FilterChains } from "../filters/filter-chain.ts";
import type { OverloadState } from "../overload/overload-state.ts";
import type { RouteTable } from "../router/route-table.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { ServerHealth } from "../server-health.ts";
import type { ActiveSpan } from "../telemetry/tracing/span.ts";
import type { YoungCollector } from "../transport/young-collector.ts";
import type { ClusterSet } from "../upstream/cluster-set.ts";
import type { EarlyLines } from "./early-lines.ts";
import type { ExchangeRecord } from "./exchange-record.ts";
import type { HttpManagerCounters, ListenerHttpCounters } from "./manager-counters.ts";
import type { TryLogs } from "./try-log.ts";

/** Takes finished exchanges: metrics, access logs. */
export interface ExchangeObserver {
  onExchangeDone(record: ExchangeRecord): void;
}

/** Records requests as spans. */
export interface RequestTracer {
  /** The request has a route: decides, and writes the trace's context into its headers. Undefined: it is not recorded. */
  begin(record: ExchangeRecord): ActiveSpan | undefined;
  /** The answer has its head: neighbours tell each other the name of the operation. */
  answer(record: ExchangeRecord, headers: HeaderList): void;
}

/** How peers describe themselves to each other inside the mesh. */
export interface MetadataExchange {
  /** Our node id. */
  readonly id: string;
  /** base64 of a protobuf Struct. */
  readonly metadata: string;
}

/** Everything that requests of one filter chain have in common; compiled once per configuration. */
export interface HttpManager {
  readonly config: HttpManagerConfig;
  readonly clusters: ClusterSet;
  readonly wheel: TimerWheel;
  readonly clock: Clock;
  readonly random: () => number;
  readonly runtime: Runtime;
  readonly uuid: () => string;
  readonly log: Logger;
  readonly counters: HttpManagerCounters;
  /** The listener's part of them. */
  readonly listenerCounters: ListenerHttpCounters;
  readonly overload: OverloadState;
  readonly observers: readonly ExchangeObserver[];
  readonly needs: LogNeeds;
  /** Undefined: logs have one line for each request. */
  readonly earlyLines: EarlyLines | undefined;
  /** Undefined: tries have no lines of their own. */
  readonly tryLogs: TryLogs | undefined;
  /** Undefined: young objects are left to the engine. */
  readonly garbage: YoungCollector | undefined;
  /** Undefined: no spans. */
  readonly tracer: RequestTracer | undefined;
  /** "": it was not told. */
  readonly nodeId: string;
  /** Set where the standard metrics are on: peers exchange their metadata. */
  readonly exchange: MetadataExchange | undefined;
  /** ALPN that upstream connections offer instead of the cluster's; undefined: no change. */
  readonly upstreamAlpn: readonly string[] | undefined;
  /** Name of the filter that says so; a route that switches it off is offered as its cluster says. */
  readonly upstreamAlpnFilter: string;
  /** The same for HTTP/1.1 requests that may share an HTTP/2 connection with others; undefined: they may not. */
  readonly multiplexAlpn: readonly string[] | undefined;
  /** Filters before the router; undefined: none. */
  readonly filters: FilterChains | undefined;
  /** The present routes for a request; undefined until RDS has answered, or when it belongs to no scope. */
  routes(request: RequestHead): RouteTable | undefined;
  /** `date` header of the present second. */
  httpDate(): string;
  readonly health: ServerHealth;
  /** True once the listener or process drains: connections end when they can. */
  draining: boolean;
}

/** Counts a request that began. */
export function countRequest({ counters }: HttpManager, version: number): void {
  counters.requestsTotal++;
  counters.requestsActive++;
  if (version === HTTP_2) counters.requestsHttp2++;
  else counters.requestsHttp1++;
}

/** Counts an exchange that is over and tells everyone who listens. */
export function reportDone(manager: HttpManager, record: ExchangeRecord): void {
  const { counters, observers } = manager;
  counters.requestsActive--;
  manager.garbage?.request();
  const { status } = record;
  // Source: Envoy counts no statuses of health checks.
  if (status > 0 && record.marks?.healthCheck !== true) countAnswer(manager, status);
  counters.requestTime.record(record.endMs - record.startMs);
  for (let i = 0; i < observers.length; i++) observers[i]?.onExchangeDone(record);
}

/** Counts a status that a client got. */
export function countAnswer({ counters, listenerCounters }: HttpManager, status: number): void {
  const index = (status / 100) | 0;
  counters.completed++;
  counters.statusClasses[index] = (counters.statusClasses[index] ?? 0) + 1;
  listenerCounters.completed++;
  listenerCounters.statusClasses[index] = (listenerCounters.statusClasses[index] ?? 0) + 1;
}
