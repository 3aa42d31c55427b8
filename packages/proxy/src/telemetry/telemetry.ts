import { createMetricsRegistry, type Logger, type MetricsRegistry } from "@heddle/std";
import type { AccessLogConfig, LogSink } from "../config/access-log.ts";
import type { FilterChainConfig, ListenerConfig } from "../config/listener.ts";
import { type MetricRule, ruleText } from "../config/stats-plugin.ts";
import type { TraceProvider } from "../config/trace-provider.ts";
import type { ExchangeObserver } from "../http/connection-manager.ts";
import type { TcpObserver } from "../network/tcp-record.ts";
import type { ChainObservers, ObserverSurroundings } from "../proxy.ts";
import { type AccessLogWriter, createAccessLogger, type LogTarget } from "./access-log.ts";
import { speaksLinkerd } from "./dialect.ts";
import { createFileLog } from "./file-log.ts";
import { createGrpcLog } from "./grpc-log.ts";
import { createHostNames } from "./host-names.ts";
import { type IdleTime, sweepIdle } from "./idle-series.ts";
import { type IstioFamilies, istioGroups, registerIstioFamilies } from "./istio-families.ts";
import { createIstioStats } from "./istio-stats.ts";
import { isRefusal, type LinkerdFamilies, linkerdGroups, registerLinkerdFamilies } from "./linkerd-families.ts";
import {
  createLinkerdRoutes,
  type LinkerdRouteFamilies,
  type LinkerdRoutes,
  linkerdRouteGroups,
  registerLinkerdRoutes,
} from "./linkerd-routes.ts";
import { createLinkerdStats, type LinkerdStats } from "./linkerd-stats.ts";
import type { LogWriter } from "./log-writer.ts";
import { createOtelLog } from "./otel-log.ts";
import { createRouteStats, type RouteFamilies, registerRouteFamilies } from "./route-stats.ts";
import { createTap, type Tap } from "./tap.ts";
import { createTracers } from "./tracing/tracers.ts";
import { createPeerCache, type Workload } from "./workload.ts";

/** Metrics and access logs of a process. */
export interface Telemetry {
  readonly registry: MetricsRegistry;
  readonly tap: Tap;
  /** What watches the exchanges of a chain: standard metrics where configured, then its access logs. */
  observe(listener: ListenerConfig, chain: FilterChainConfig, around: ObserverSurroundings): ChainObservers;
  /** The access logs of the listener itself. */
  observeListener(listener: ListenerConfig, around: ObserverSurroundings): readonly TcpObserver[];
}

export interface TelemetryDeps {
  readonly self: Workload;
  /** Metadata of our node, for expressions. */
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly writer: LogWriter;
  readonly log: Logger;
  localUri(): string;
  /** Tracer of connection managers that name none: the bootstrap's. */
  readonly traceProvider?: TraceProvider | undefined;
  /** Series that did not change for so long go. Default: they stay. */
  readonly idle?: IdleTime | undefined;
  /** Environment, for tags of spans and the dialect of metrics. */
  env(name: string): string | undefined;
}

export function createTelemetry(deps: TelemetryDeps): Telemetry {
  const registry = createMetricsRegistry();
  const peers = createPeerCache();
  const tap = createTap();
  const tracers = createTracers({ fallback: deps.traceProvider, env: deps.env });
  /** By what their rules say. */
  const families = new Map<string, IstioFamilies>();
  const hosts = createHostNames();
  let routeFamilies: RouteFamilies | undefined;
  let linkerdFamilies: LinkerdFamilies | undefined;
  let linkerdRouteFamilies: LinkerdRouteFamilies | undefined;
  const forgotten = { times: 0 };
  const sweeper = deps.idle === undefined ? undefined : sweepIdle(registry, deps.idle, forgotten);
  const linkerd = speaksLinkerd(deps.env, deps.log);

  const familiesOf = (rules: readonly MetricRule[]): IstioFamilies => {
    const key = ruleText(rules);
    let found = families.get(key);
    if (found === undefined) {
      found = registerIstioFamilies({ registry, hosts, forgotten }, rules);
      families.set(key, found);
      for (const group of istioGroups(found)) sweeper?.watch(group);
    }
    return found;
  };

  const targetOf = (sink: LogSink, around: ObserverSurroundings): LogTarget => {
    switch (sink.kind) {
      case "file":
        return createFileLog(sink.line, deps.writer.file(sink.path));
      case "grpc":
        return createGrpcLog(sink, {
          ...around,
          env: deps.env,
          dropped: (count) => deps.log.warn("access log entries were dropped", { log: sink.logName, count }),
        });
      case "otel":
        return createOtelLog(sink, {
          ...around,
          reachable: (yes, why) =>
            yes
              ? deps.log.info("the collector of the access log takes entries again", { log: sink.logName })
              : deps.log.warn("access log entries are dropped until the collector takes them", {
                  log: sink.logName,
                  why,
                }),
        });
    }
  };

  const loggers = (logs: readonly AccessLogConfig[], around: ObserverSurroundings) =>
    logs.map((log) => createAccessLogger(log, targetOf(log.sink, around), around.random, around.runtime));

  const watchers = (
    chain: FilterChainConfig,
    logs: readonly AccessLogWriter[],
    around: ObserverSurroundings,
  ): (ExchangeObserver & TcpObserver)[] => {
    const last = chain.filters[chain.filters.length - 1];
    const filters = last?.kind === "http" ? last.filters : chain.filters;
    const all: (ExchangeObserver & TcpObserver)[] = [];
    for (const filter of filters) {
      if (filter.kind !== "istio-stats") continue;
      routeFamilies ??= registerRouteFamilies(registry);
      const istio = familiesOf(filter.stats.rules);
      if (istio.any) {
        all.push(
          createIstioStats({
            families: istio,
            peers,
            self: deps.self,
            node: { ...around.node, metadata: deps.metadata },
            disableHostFallback: filter.stats.disableHostHeaderFallback,
            localUri: deps.localUri,
          }),
        );
      }
      all.push(createRouteStats(routeFamilies));
      if (!linkerd) continue;
      all.push(linkerdStats(), linkerdRoutes());
    }
    all.push(...logs);
    return all;
  };

  const linkerdStats = (): LinkerdStats => {
    if (linkerdFamilies === undefined) {
      linkerdFamilies = registerLinkerdFamilies(registry, forgotten);
      for (const group of linkerdGroups(linkerdFamilies)) sweeper?.watch(group);
    }
    return createLinkerdStats({ families: linkerdFamilies, self: deps.self, localUri: deps.localUri });
  };

  const linkerdRoutes = (): LinkerdRoutes => {
    if (linkerdRouteFamilies === undefined) {
      linkerdRouteFamilies = registerLinkerdRoutes(registry, forgotten);
      for (const group of linkerdRouteGroups(linkerdRouteFamilies)) sweeper?.watch(group);
    }
    return createLinkerdRoutes(linkerdRouteFamilies);
  };

  return {
    registry,
    tap,
    observeListener: (listener, around) => {
      const logs = loggers(listener.accessLogs, around);
      // Connections that a policy refuses never reach what watches their chain.
      return linkerd && listener.direction === "inbound" ? [...logs, refusals(linkerdStats())] : logs;
    },
    observe: (listener, chain, around) => {
      const last = chain.filters[chain.filters.length - 1];
      const logs = last?.kind === "http" || last?.kind === "tcp" ? last.accessLogs : [];
      const writers = loggers(logs, around);
      const all = watchers(chain, writers, around);
      const tryLogs = last?.kind === "http" ? loggers(last.upstreamLog?.logs ?? [], around) : [];
      const observers = { http: [...all, tap.observer], tcp: all, logs: writers, tryLogs };
      const tracing = last?.kind === "http" ? last.tracing : undefined;
      if (tracing === undefined) return observers;
      return { ...observers, tracer: (count) => tracers.create(tracing, listener.direction, around, count) };
    },
  };
}

function refusals(stats: LinkerdStats): TcpObserver {
  return {
    onTcpOpened: () => {},
    onTcpProgress: () => {},
    onTcpDone: (record) => {
      const why = record.termination;
      if (isRefusal(why)) stats.onRefused(record, why);
    },
  };
}
