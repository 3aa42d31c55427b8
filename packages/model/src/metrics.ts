import type { StringMap, Telemetry } from "@heddle/config";
import { METRIC_NAMES as NAMES, STANDARD_METRICS } from "@heddle/config";
import type { MeshState } from "./state.ts";
import { meant, telemetryLevels, type WorkloadMode } from "./telemetry-levels.ts";

/** What one metric of a workload is like, where it differs from the standard. */
export interface MetricOverride {
  /** As `stats.PluginConfig` names it: `requests_total`. */
  readonly metric: string;
  readonly drop: boolean;
  /** Expression by tag. */
  readonly tags: Readonly<Record<string, string>>;
  readonly removed: readonly string[];
}

/** Metrics that a workload's proxy makes in one direction. */
export interface WorkloadMetrics {
  /** False: none at all. */
  readonly enabled: boolean;
  /** By metric. */
  readonly overrides: readonly MetricOverride[];
  /** How often connections that stay open are reported. Units: ms. Undefined: the default. */
  readonly reportingIntervalMs: number | undefined;
}

type Entry = Telemetry["spec"]["metrics"][number];
type Override = Entry["overrides"][number];

/** Every standard metric by its name in `stats.PluginConfig`. */
export const METRIC_NAMES: readonly string[] = STANDARD_METRICS.map((metric) => NAMES[metric]);

/** Counts without any Telemetry. Source: Istio's installation (`defaultProviders: {metrics: [prometheus]}`). */
const PROMETHEUS = "prometheus";

interface Draft {
  disabled: boolean | undefined;
  readonly tags: Map<string, string | undefined>;
}

/**
 * The nearest entry that names providers says which count; overrides apply from the root namespace inward, in order. Of several Telemetries
 * of one level the oldest counts. Disabling ALL_METRICS lasts until a later entry overrides anything. Source: istio
 * pilot/pkg/model/telemetry.go, mergeMetrics.
 */
export function effectiveMetrics(
  state: MeshState,
  namespace: string,
  labels: StringMap,
  mode: WorkloadMode,
): WorkloadMetrics {
  const { mesh } = state.settings;
  const defaults = mesh.defaultProviders?.metrics ?? [];
  const fallback = defaults.length === 0 ? [PROMETHEUS] : defaults;
  const known = new Set([
    PROMETHEUS,
    ...mesh.extensionProviders.flatMap(({ name, prometheus }) => (prometheus === undefined ? [] : [name])),
  ]);
  const entries = telemetryLevels(state, namespace, labels)
    .map((level) => level[0]?.spec.metrics ?? [])
    .reverse()
    .flat();
  const namesOf = (entry: Entry): readonly string[] => entry.providers.map(({ name }) => name);
  const named = entries.map(namesOf).filter((names) => names.length > 0);
  const inScope = (named.at(-1) ?? fallback).filter((name) => known.has(name));
  let inherited = fallback;
  let off = false;
  let reportingIntervalMs: number | undefined;
  const drafts = new Map<string, Draft>();
  for (const entry of entries) {
    const names = namesOf(entry);
    if (names.length > 0) inherited = names;
    if (!inherited.some((name) => inScope.includes(name))) continue;
    reportingIntervalMs = entry.reportingInterval ?? reportingIntervalMs;
    for (const override of entry.overrides) {
      if (!meant(mode, override)) continue;
      const all = override.match?.metric === "ALL_METRICS" && override.disabled === true;
      off = all;
      if (!all) for (const metric of metricsOf(override)) apply(override, metric, drafts);
    }
  }
  const enabled = inScope.length > 0 && !off;
  return {
    enabled,
    overrides: enabled ? [...drafts].sort(([a], [b]) => (a < b ? -1 : 1)).map(finished) : [],
    reportingIntervalMs,
  };
}

function metricsOf({ match }: Override): readonly string[] {
  if (match?.customMetric !== undefined) return [match.customMetric];
  return match?.metric === undefined || match.metric === "ALL_METRICS" ? METRIC_NAMES : [NAMES[match.metric]];
}

function apply(override: Override, metric: string, drafts: Map<string, Draft>): void {
  const draft = drafts.get(metric) ?? { disabled: undefined, tags: new Map<string, string | undefined>() };
  drafts.set(metric, draft);
  draft.disabled = override.disabled ?? draft.disabled;
  for (const [tag, { operation, value }] of Object.entries(override.tagOverrides))
    draft.tags.set(tag, operation === "REMOVE" ? undefined : value);
}

function finished([metric, draft]: readonly [string, Draft]): MetricOverride {
  const tags: Record<string, string> = {};
  const removed: string[] = [];
  for (const [tag, value] of [...draft.tags].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (value === undefined) removed.push(tag);
    else tags[tag] = value;
  }
  return { metric, drop: draft.disabled === true, tags, removed };
}
