import { type Clock, type ClockTimer, createTimerWheel, type Logger, type TimerWheel } from "@heddle/std";
import type { HttpManagerConfig, RouteSource } from "./config/http-manager.ts";
import type { FilterChainConfig, ListenerConfig } from "./config/listener.ts";
import { logNeeds } from "./config/log-needs.ts";
import { AT_END } from "./config/log-timing.ts";
import { createRouteCounterSet, type RouteCounterSet } from "./counters/route-counters.ts";
import { createFilterChains } from "./filters/filter-chain.ts";
import { filterStats, TRACING_STATS } from "./filters/filter-stats.ts";
import type { ExchangeObserver, HttpManager, MetadataExchange, RequestTracer } from "./http/connection-manager.ts";
import { createEarlyLines } from "./http/early-lines.ts";
import { HttpManagerCounters } from "./http/manager-counters.ts";
import { createTryLogs } from "./http/try-log.ts";
import { alpnFromFilterState, type ChainHandler } from "./listener/chain-runtime.ts";
import type { ListenerCounters } from "./listener/listener-counters.ts";
import { createListenerSet, type ListenerSet } from "./listener/listener-set.ts";
import { TcpCounters } from "./network/tcp-counters.ts";
import type { TcpObserver } from "./network/tcp-record.ts";
import { NO_LIMITS, type OverloadConfig } from "./overload/overload-config.ts";
import { createOverloadState, type OverloadState } from "./overload/overload-state.ts";
import { type MemoryReadings, watchOverload } from "./overload/overload-watch.ts";
import { createResourceStore, type ResourceStore } from "./resources.ts";
import { compileRouteTable } from "./router/route-table.ts";
import { ScopeSet } from "./router/scoped-routes.ts";
import { NO_RUNTIME, type Runtime } from "./runtime/runtime.ts";
import { createServerHealth, type ServerHealthSwitch } from "./server-health.ts";
import type { AccessLogWriter } from "./telemetry/access-log.ts";
import { offerMultiplex } from "./tls/multiplex-alpn.ts";
import { createSecretFiles } from "./tls/secret-files.ts";
import { createSecretStore, type SecretStore } from "./tls/secret-store.ts";
import { createSecureContexts } from "./tls/secure-context.ts";
import { createFlushQueue } from "./transport/flush-queue.ts";
import type { Kernel } from "./transport/kernel.ts";
import { createNetwork, type Network, type PortSharing } from "./transport/network.ts";
import { createYoungCollector } from "./transport/young-collector.ts";
import type { ZonePlace } from "./upstream/cluster.ts";
import { type ClusterSet, createClusterSet } from "./upstream/cluster-set.ts";
import type { ResolveHost } from "./upstream/dns-watch.ts";
import type { EjectionLog } from "./upstream/ejection-log.ts";

/** What observers may use of the data plane. */
export interface ObserverSurroundings {
  readonly clusters: ClusterSet;
  readonly clock: Clock;
  readonly random: () => number;
  readonly runtime: Runtime;
  /** How the proxy names itself. */
  readonly node: { readonly id: string; readonly cluster: string };
  /** Counts under one of Envoy's names that belong to no listener or cluster. */
  count(name: string, by?: number): void;
}

/** Observers of the exchanges and connections of one filter chain. */
export interface ChainObservers {
  readonly http: readonly ExchangeObserver[];
  readonly tcp: readonly TcpObserver[];
  /** Access logs, which are among both: for lines before the end. */
  readonly logs: readonly AccessLogWriter[];
  /** Those for each try of a request. Default: none. */
  readonly tryLogs?: readonly AccessLogWriter[];
  /** Makes the chain's tracer; `count` counts under the connection manager. Undefined: no spans. */
  tracer?(count: (name: string) => void): (RequestTracer & ExchangeObserver) | undefined;
}

export interface ProxyDeps {
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly random: () => number;
  readonly uuid: () => string;
  readonly log: Logger;
  readonly resolve: ResolveHost;
  /** SO_MARK of outgoing sockets; undefined: none. */
  readonly mark: number | undefined;
  /** How we describe ourselves to peers; undefined: not at all. */
  readonly exchange: MetadataExchange | undefined;
  /** Name of the service that this proxy stands for. Default: none. */
  readonly serviceCluster?: string;
  /** Units: ms. */
  readonly drainMs: number;
  /** Whether other processes serve the same ports. Default: none does. */
  readonly ports?: PortSharing;
  /** Default: none. */
  readonly limits?: OverloadConfig;
  readonly memory: MemoryReadings;
  /** Default: no values. */
  readonly runtime?: Runtime;
  /** Where it stands among others like it. Default: zones don't count. */
  readonly zone?: ZonePlace | undefined;
  /** Default: nobody keeps a record of hosts that are ejected. */
  readonly ejections?: EjectionLog | undefined;
  /** Our URI name, for x-forwarded-client-cert and metrics. */
  localUri(): string;
  observe(listener: ListenerConfig, chain: FilterChainConfig, around: ObserverSurroundings): ChainObservers;
  /** What watches all connections of a listener, whoever serves them. */
  observeListener(listener: ListenerConfig, around: ObserverSurroundings): readonly TcpObserver[];
}

/** The data plane of one process. */
export interface DataPlane {
  readonly network: Network;
  readonly wheel: TimerWheel;
  readonly secrets: SecretStore;
  readonly overload: OverloadState;
  readonly health: ServerHealthSwitch;
  readonly runtime: Runtime;
  readonly clusters: ClusterSet;
  readonly listeners: ListenerSet;
  readonly resources: ResourceStore;
  /** Counters of connection managers by stat prefix. */
  readonly httpCounters: ReadonlyMap<string, HttpManagerCounters>;
  /** Counters of TCP proxies by stat prefix. */
  readonly tcpCounters: ReadonlyMap<string, TcpCounters>;
  /** Counters of routes and virtual clusters. */
  readonly routeCounters: RouteCounterSet;
  /** Counts of exporters, by Envoy's names. */
  readonly counts: Map<string, number>;
  /** Connections of the process itself, by the cluster that Envoy would have for them. */
  readonly ownConnections: Map<string, () => number>;
  start(): void;
  close(): void;
}

/** Resolution of timeouts. Units: ms. */
const TICK_MS = 10;

/** Puts the layers together: listeners → filter chains → HTTP or TCP → clusters → sockets. */
export function createProxy(deps: ProxyDeps): DataPlane {
  const { clock, log } = deps;
  const garbage = createYoungCollector();
  const network = createNetwork(deps.kernel, createFlushQueue(garbage), deps.ports);
  const limits = deps.limits ?? NO_LIMITS;
  const runtime = deps.runtime ?? NO_RUNTIME;
  const health = createServerHealth();
  const overload = createOverloadState(limits, deps.random);
  const unloaded = createOverloadState(NO_LIMITS, deps.random);
  const wheel = createTimerWheel({ tickMs: TICK_MS }, clock.monotonic());
  const secrets = createSecretStore();
  const secretFiles = createSecretFiles(clock, log.child("secrets"));
  // Now, so that its level can be set before the first listener is there.
  const httpLog = log.child("http");
  const contexts = createSecureContexts(secrets, () => clock.now());
  const clusters = createClusterSet(
    {
      network,
      clock,
      wheel,
      random: deps.random,
      contexts,
      runtime,
      log: log.child("upstream"),
      mark: deps.mark,
      ejections: deps.ejections,
    },
    deps.resolve,
    deps.zone,
  );
  const httpCounters = new Map<string, HttpManagerCounters>();
  const tcpCounters = new Map<string, TcpCounters>();
  const routeCounters = createRouteCounterSet();
  const counts = new Map<string, number>();
  const dates = createHttpDate(clock);

  const count = (name: string, by = 1) => void counts.set(name, (counts.get(name) ?? 0) + by);

  const around: ObserverSurroundings = {
    clusters,
    clock,
    random: deps.random,
    runtime,
    node: { id: deps.exchange?.id ?? "", cluster: deps.serviceCluster ?? "" },
    count,
  };

  const makeHandler = (
    listener: ListenerConfig,
    chain: FilterChainConfig,
    listenerCounters: ListenerCounters,
  ): ChainHandler => {
    const last = chain.filters[chain.filters.length - 1];
    const observers = deps.observe(listener, chain, around);
    const shared = { clusters, wheel, clock, random: deps.random, runtime, health, upstreamAlpn: undefined };
    const sniCluster = chain.filters.some((filter) => filter.kind === "sni-cluster");
    if (last?.kind === "tcp") {
      const reportingMs = chain.filters.find((filter) => filter.kind === "istio-stats")?.stats.reportingMs ?? 5000;
      const counters = tcpCountersOf(last.statPrefix);
      const needs = logNeeds(last.accessLogs);
      const { tcp: watching, logs } = observers;
      const tcp = { observers: watching, logs, sniCluster, reportingMs, counters, needs };
      return { kind: "tcp", manager: { ...shared, ...tcp, config: last } };
    }
    if (last?.kind === "direct-response") return { kind: "gate-only" };
    if (last?.kind !== "http") throw new Error("a filter chain without its last filter was decoded");
    const pressure = listener.bypassesOverload ? unloaded : overload;
    return {
      kind: "http",
      manager: makeHttpManager(last, observers, { ...shared, overload: pressure }, listenerCounters),
    };
  };

  const makeHttpManager = (
    config: HttpManagerConfig,
    { http, logs, tryLogs = [], tracer: makeTracer }: ChainObservers,
    shared: Pick<HttpManager, "clusters" | "wheel" | "clock" | "random" | "runtime" | "health" | "overload">,
    listenerCounters: ListenerCounters,
  ): HttpManager => {
    const { routes } = config;
    const counters = httpCountersOf(config);
    const own = counters.filters;
    const countOwn = (name: string, by = 1) => void own.set(name, (own.get(name) ?? 0) + by);
    const tracer = makeTracer?.(countOwn);
    let upstreamAlpn: readonly string[] | undefined;
    let upstreamAlpnFilter = "";
    for (const { name, config: filter } of config.namedFilters) {
      const found = filter.kind === "set-filter-state" ? alpnFromFilterState(filter.values) : undefined;
      if (found === undefined) continue;
      upstreamAlpn = found;
      upstreamAlpnFilter = name;
    }
    return {
      ...shared,
      config,
      observers: tracer === undefined ? http : [...http, tracer],
      needs: logNeeds([...config.accessLogs, ...(config.upstreamLog?.logs ?? [])]),
      tryLogs:
        config.upstreamLog && createTryLogs(config.upstreamLog, tryLogs, logNeeds(config.upstreamLog.logs), shared),
      earlyLines:
        config.logTiming === AT_END ? undefined : createEarlyLines(config.logTiming, logs, shared.wheel, shared.clock),
      tracer,
      counters,
      listenerCounters: listenerCounters.httpCounters(config.statPrefix),
      upstreamAlpn,
      upstreamAlpnFilter,
      multiplexAlpn: offerMultiplex(upstreamAlpn),
      uuid: deps.uuid,
      garbage,
      log: httpLog,
      filters: createFilterChains(config.namedFilters, {
        ...shared,
        serviceCluster: deps.serviceCluster ?? "",
        count: countOwn,
        countAlone: count,
      }),
      nodeId: deps.exchange?.id ?? "",
      exchange: config.filters.some((filter) => filter.kind === "istio-stats") ? deps.exchange : undefined,
      routes: routesOf(routes),
      httpDate: dates,
      draining: false,
    };
  };

  const tcpCountersOf = (prefix: string): TcpCounters => {
    let counters = tcpCounters.get(prefix);
    if (counters === undefined) {
      counters = new TcpCounters();
      tcpCounters.set(prefix, counters);
    }
    return counters;
  };

  const httpCountersOf = ({ statPrefix, namedFilters }: HttpManagerConfig): HttpManagerCounters => {
    let counters = httpCounters.get(statPrefix);
    if (counters === undefined) {
      counters = new HttpManagerCounters();
      httpCounters.set(statPrefix, counters);
    }
    for (const name of TRACING_STATS) if (!counters.filters.has(name)) counters.filters.set(name, 0);
    // What a filter counts is there from the beginning, at zero.
    for (const { config } of namedFilters) {
      const { own, alone } = filterStats(config);
      for (const name of own) if (!counters.filters.has(name)) counters.filters.set(name, 0);
      for (const name of alone) if (!counts.has(name)) counts.set(name, 0);
    }
    return counters;
  };

  const listeners = createListenerSet({
    network,
    clock,
    contexts,
    log: log.child("listener"),
    drainMs: deps.drainMs,
    overload,
    runtime,
    localUri: deps.localUri,
    makeHandler,
    observe: (listener) => deps.observeListener(listener, around),
    declare: (chain) => {
      const last = chain.filters[chain.filters.length - 1];
      if (last?.kind === "http") httpCountersOf(last);
      else if (last?.kind === "tcp") tcpCountersOf(last.statPrefix);
    },
  });
  /** The way from a request to its routes. */
  const routesOf = (source: RouteSource): HttpManager["routes"] => {
    switch (source.kind) {
      case "inline": {
        const table = compileRouteTable(source.table, routeCounters);
        return () => table;
      }
      case "rds":
        return () => resources.route(source.name);
      case "scoped": {
        const { scopes, fragments } = source;
        if (scopes.kind === "srds") return (request) => resources.scopes.find(fragments, request);
        const own = new ScopeSet(routeCounters, (name) => resources.route(name));
        for (const scope of scopes.list) own.set(scope);
        return (request) => own.find(fragments, request);
      }
    }
  };
  const resources: ResourceStore = createResourceStore({
    listeners,
    clusters,
    secrets,
    secretFiles,
    runtime,
    log,
    routeCounters,
    now: () => clock.now(),
  });
  let ticking: ClockTimer | undefined;
  let watching: ClockTimer | undefined;
  return {
    network,
    wheel,
    secrets,
    overload,
    runtime,
    health,
    clusters,
    listeners,
    resources,
    httpCounters,
    tcpCounters,
    routeCounters,
    counts,
    ownConnections: new Map(),
    start: () => {
      secretFiles.start();
      ticking ??= clock.every(TICK_MS, () => wheel.advance(clock.monotonic()));
      watching ??= watchOverload({
        config: limits,
        state: overload,
        readings: deps.memory,
        clock,
        log: log.child("overload"),
        accept: (on) => listeners.setAccepting(on),
      });
    },
    close: () => {
      ticking?.cancel();
      watching?.cancel();
      secretFiles.close();
      listeners.close();
      clusters.close();
    },
  };
}

/** `date` header values, made once a second. */
function createHttpDate(clock: Clock): () => string {
  let second = -1;
  let text = "";
  return () => {
    const now = Math.trunc(clock.now() / 1000);
    if (now !== second) {
      second = now;
      text = new Date(now * 1000).toUTCString();
    }
    return text;
  };
}
