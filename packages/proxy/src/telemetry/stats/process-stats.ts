import type { DataPlane } from "../../proxy.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { INSPECTOR_ROWS } from "./listener-stats.ts";
import { counter, type EnvoyStat, gauge, readRows, type StatRow } from "./stat.ts";

/** What the process has once. */
export const PROCESS_ROWS: readonly StatRow<DataPlane>[] = [
  ["cluster_manager.active_clusters", (p) => [...p.clusters.all()].length, "gauge"],
  ["cluster_manager.cluster_added", (p) => p.clusters.added],
  ["cluster_manager.cluster_modified", (p) => p.clusters.modified],
  ["cluster_manager.cluster_removed", (p) => p.clusters.removed],
  ["cluster_manager.warming_clusters", (p) => [...p.clusters.all()].filter(({ ready }) => !ready).length, "gauge"],
  ["listener_manager.listener_added", (p) => p.listeners.counters.added],
  ["listener_manager.listener_create_failure", (p) => p.listeners.counters.createFailure],
  ["listener_manager.listener_create_success", (p) => p.listeners.counters.createSuccess],
  ["listener_manager.listener_modified", (p) => p.listeners.counters.modified],
  ["listener_manager.listener_removed", (p) => p.listeners.counters.removed],
  ["listener_manager.total_filter_chains_draining", (p) => p.listeners.draining.chains, "gauge"],
  ["listener_manager.total_listeners_active", (p) => [...p.listeners.all()].length, "gauge"],
  ["listener_manager.total_listeners_draining", (p) => p.listeners.draining.listeners, "gauge"],
  ["server.total_connections", (p) => p.listeners.connections, "gauge"],
  ["server.memory_allocated", () => process.memoryUsage().heapUsed, "gauge"],
  ["server.memory_heap_size", () => process.memoryUsage().heapTotal, "gauge"],
  ["server.memory_physical_size", () => process.memoryUsage().rss, "gauge"],
  // Of our own, for those who look for leaks.
  ["server.timers", (p) => p.wheel.size, "gauge"],
];

export function* processStats(proxy: DataPlane): Iterable<EnvoyStat> {
  yield* readRows(PROCESS_ROWS, "", proxy);
  const { filters, inspector } = proxy.listeners.counters;
  yield* readRows(INSPECTOR_ROWS, "tls_inspector.", inspector);
  for (const [name, value] of filters) yield counter(name, value);
  for (const [name, value] of proxy.counts) yield counter(name, value);
  for (const { name, kind, value } of proxy.overload.stats())
    yield kind === "gauge" ? gauge(name, value) : counter(name, value);
}

/** What only the process knows that has the whole proxy in view. */
export interface ServerFacts {
  /** Workers in all. */
  readonly concurrency: number;
  readonly restarts: number;
  /** Units: ms. */
  readonly uptimeMs: number;
  /** Undefined: ready. */
  readonly notReady: string | undefined;
  readonly draining: boolean;
  /** Undefined: there is no certificate. Units: ms. */
  readonly firstExpiryMs: number | undefined;
  readonly runtime: Runtime;
  /** Of discovery; undefined: nothing comes from a server. */
  readonly discovery: DiscoveryFacts | undefined;
}

/** What one type of resources has seen. */
export interface TypeFacts {
  readonly attempts: number;
  readonly successes: number;
  readonly rejected: number;
}

export interface DiscoveryFacts {
  readonly connected: boolean;
  readonly clusters: TypeFacts;
  readonly listeners: TypeFacts;
}

const SERVER_ROWS: readonly StatRow<ServerFacts>[] = [
  ["server.concurrency", (s) => s.concurrency, "gauge"],
  ["server.days_until_first_cert_expiring", (s) => days(s.firstExpiryMs), "gauge"],
  ["server.live", (s) => (s.notReady === undefined && !s.draining ? 1 : 0), "gauge"],
  // Source: Envoy `ServerInfo.State`: LIVE, DRAINING, PRE_INITIALIZING.
  ["server.state", (s) => (s.draining ? 1 : s.notReady === undefined ? 0 : 2), "gauge"],
  ["server.uptime", (s) => Math.trunc(s.uptimeMs / 1000), "gauge"],
  ["server.worker_restarts", (s) => s.restarts],
  ["listener_manager.workers_started", (s) => (s.notReady === undefined ? 1 : 0), "gauge"],
];

const RUNTIME_ROWS: readonly StatRow<Runtime>[] = [
  ["runtime.admin_overrides_active", (r) => (r.overridden ? 1 : 0), "gauge"],
  ["runtime.load_error", (r) => r.counts.loadError],
  ["runtime.load_success", (r) => r.counts.loadSuccess],
  ["runtime.num_keys", (r) => r.keys, "gauge"],
  ["runtime.num_layers", (r) => r.layers().length, "gauge"],
  ["runtime.override_dir_exists", (r) => r.counts.overrideDirExists],
  ["runtime.override_dir_not_exists", (r) => r.counts.overrideDirNotExists],
];

/** Names of the two tables. */
export const SERVER_NAMES: readonly string[] = [...SERVER_ROWS, ...RUNTIME_ROWS].map(([name]) => name);

export function* serverStats(facts: ServerFacts): Iterable<EnvoyStat> {
  yield* readRows(SERVER_ROWS, "", facts);
  yield* readRows(RUNTIME_ROWS, "", facts.runtime);
  const { discovery } = facts;
  if (discovery === undefined) return;
  yield gauge("control_plane.connected_state", discovery.connected ? 1 : 0);
  yield* typeStats("cluster_manager.cds.", discovery.clusters);
  yield* typeStats("listener_manager.lds.", discovery.listeners);
}

function* typeStats(prefix: string, facts: TypeFacts): Iterable<EnvoyStat> {
  yield counter(`${prefix}update_attempt`, facts.attempts);
  yield counter(`${prefix}update_success`, facts.successes);
  yield counter(`${prefix}update_rejected`, facts.rejected);
}

/** Without a certificate the greatest number, as Envoy says it. */
function days(ms: number | undefined): number {
  return ms === undefined ? 4_294_967_295 : Math.max(0, Math.trunc(ms / 86_400_000));
}
