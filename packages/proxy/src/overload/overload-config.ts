import type { RuntimeSettings } from "../runtime/runtime.ts";

/** What is watched. */
export type MonitorConfig =
  /** Memory of the process against a limit. Units: bytes. */
  | { readonly kind: "fixed-heap"; readonly name: string; readonly maxBytes: number }
  /** Memory of the control group against its limit, or against a lower one. Units: bytes. */
  | { readonly kind: "cgroup-memory"; readonly name: string; readonly maxBytes: number | undefined }
  /** A number from 0 to 1 in a file. */
  | { readonly kind: "injected"; readonly name: string; readonly path: string };

/** When an action begins: at a pressure, or more and more between two. */
export interface TriggerConfig {
  readonly monitor: string;
  /** Pressure at which the action begins, 0…1. */
  readonly from: number;
  /** Pressure at which it is in full force; equal to `from` for a threshold. */
  readonly full: number;
}

/** What may be done. */
export const OVERLOAD_ACTIONS = [
  "stop_accepting_requests",
  "disable_http_keepalive",
  "stop_accepting_connections",
  "reject_incoming_connections",
  "shrink_heap",
] as const;

export type OverloadActionName = (typeof OVERLOAD_ACTIONS)[number];

export interface OverloadActionConfig {
  readonly name: OverloadActionName;
  readonly triggers: readonly TriggerConfig[];
}

/** Limits of the process. */
export interface OverloadConfig {
  /** Units: ms. */
  readonly refreshMs: number;
  readonly monitors: readonly MonitorConfig[];
  readonly actions: readonly OverloadActionConfig[];
  /** Connections of clients that may be open at once; undefined: any number. */
  readonly maxConnections: number | undefined;
  /** Processes that have these limits each. Default: 1. */
  readonly workers?: number;
}

/** Source: Envoy `refresh_interval`. Units: ms. */
export const DEFAULT_REFRESH_MS = 1000;

/** Nothing is watched. */
export const NO_LIMITS: OverloadConfig = {
  refreshMs: DEFAULT_REFRESH_MS,
  monitors: [],
  actions: [],
  maxConnections: undefined,
};

/** Each of `workers` processes gets its part, so that the sum is what was asked for. The control group holds all of them. */
export function shareLimits(config: OverloadConfig, workers: number): OverloadConfig {
  return {
    ...config,
    monitors: config.monitors.map((monitor) =>
      monitor.kind === "fixed-heap" ? { ...monitor, maxBytes: Math.ceil(monitor.maxBytes / workers) } : monitor,
    ),
    maxConnections: config.maxConnections === undefined ? undefined : Math.ceil(config.maxConnections / workers),
    ...(workers === 1 ? {} : { workers }),
  };
}

const CGROUP = "envoy.resource_monitors.cgroup_memory";

/**
 * What a sidecar does when its container nears its memory limit: give memory back, then end connections, then refuse requests, then
 * connections. Without a limit: nothing. `connections`: `overload.global_downstream_max_connections` of ProxyConfig's `runtimeValues`.
 */
export function sidecarLimits(memoryLimitBytes: number | undefined, connections: number | undefined): OverloadConfig {
  const at = (name: OverloadActionName, from: number): OverloadActionConfig => ({
    name,
    triggers: [{ monitor: CGROUP, from, full: from }],
  });
  if (memoryLimitBytes === undefined) return { ...NO_LIMITS, maxConnections: connections };
  return {
    refreshMs: DEFAULT_REFRESH_MS,
    monitors: [{ kind: "cgroup-memory", name: CGROUP, maxBytes: undefined }],
    actions: [
      at("shrink_heap", 0.8),
      at("disable_http_keepalive", 0.9),
      at("stop_accepting_requests", 0.95),
      at("stop_accepting_connections", 0.98),
    ],
    maxConnections: connections,
  };
}

/** Name of the runtime value, in ProxyConfig and in static runtime layers. */
export const MAX_CONNECTIONS_KEY = "overload.global_downstream_max_connections";

/** Reads `overload.global_downstream_max_connections` out of a flat or nested object of runtime values. Errors: undefined when it is no whole number. */
export function maxConnectionsOf(
  values: Readonly<Record<string, unknown>>,
): { readonly ok: true; readonly value: number | undefined } | { readonly ok: false; readonly text: string } {
  const nested = values["overload"];
  const inner = typeof nested === "object" && nested !== null ? Object.entries(nested) : [];
  const found = values[MAX_CONNECTIONS_KEY] ?? inner.find(([key]) => key === "global_downstream_max_connections")?.[1];
  if (found === undefined) return { ok: true, value: undefined };
  const value = Number(found);
  return Number.isInteger(value) && value >= 0 ? { ok: true, value } : { ok: false, text: String(found) };
}

/** The connection limit in ProxyConfig's `runtimeValues`. */
export function runtimeLimit(proxyConfig: Readonly<Record<string, unknown>>): {
  readonly value: number | undefined;
  readonly problem: string | undefined;
} {
  const values = proxyConfig["runtimeValues"];
  const read = maxConnectionsOf(typeof values === "object" && values !== null ? { ...values } : {});
  return read.ok
    ? { value: read.value, problem: undefined }
    : {
        value: undefined,
        problem: `PROXY_CONFIG runtimeValues: ${MAX_CONNECTIONS_KEY} is ${read.text}; use a whole number. There is no limit now`,
      };
}

/** ProxyConfig's `runtimeValues`, and a layer for operators. Source: Istio's bootstrap. */
export function sidecarRuntime(proxyConfig: Readonly<Record<string, unknown>>): RuntimeSettings {
  const values = proxyConfig["runtimeValues"];
  const given = typeof values === "object" && values !== null ? Object.entries(values) : [];
  const texts = given.map(([key, value]): [string, string] => [key, String(value)]);
  return {
    layers: [
      { name: "global config", values: Object.fromEntries(texts) },
      { name: "admin", values: {} },
    ],
    adminLayer: "admin",
  };
}
