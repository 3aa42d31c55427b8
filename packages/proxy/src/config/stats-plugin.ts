import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { compileExpression, type Expression } from "@heddle/expression";
import { parseGoDuration } from "@heddle/std";
import type { DecodeScope } from "./scope.ts";

/** Configuration of Istio's standard metrics. Source: istio/proxy `stats.PluginConfig`. */
export interface IstioStatsConfig {
  readonly disableHostHeaderFallback: boolean;
  /** How often connections that stay open are reported. Units: ms. Default: 5 s. */
  readonly reportingMs: number;
  readonly rules: readonly MetricRule[];
}

/** A change of one metric. */
export interface MetricRule {
  /** `requests_total`; "" means all. */
  readonly metric: string;
  readonly drop: boolean;
  /** By tag, in order. */
  readonly tags: readonly (readonly [string, Expression])[];
  readonly removed: readonly string[];
}

const DEFAULT_REPORTING_MS = 5000;

/** Fields by their name in the proto; JSON may have them in camel case. */
const fieldOf = (object: JsonObject, name: string): JsonValue | undefined =>
  object[name] ?? object[name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())];

const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Errors: expressions that can't be read, metrics that are defined here (`definitions`). */
export function decodeIstioStats(value: JsonObject, scope: DecodeScope): IstioStatsConfig {
  const definitions = fieldOf(value, "definitions");
  if (Array.isArray(definitions) && definitions.length > 0)
    scope.field("definitions").problem("new metrics can't be defined; change tags of the standard ones by metrics");
  const interval = fieldOf(value, "tcp_reporting_duration");
  const read = typeof interval === "string" ? parseGoDuration(interval) : undefined;
  if (interval !== undefined && (read === undefined || !read.ok || read.value < 1000))
    scope.field("tcp_reporting_duration").problem(`${JSON.stringify(interval)} is no duration of at least 1s`);
  const metrics = fieldOf(value, "metrics");
  return {
    disableHostHeaderFallback: fieldOf(value, "disable_host_header_fallback") === true,
    reportingMs: read?.ok === true ? Math.max(read.value, 1000) : DEFAULT_REPORTING_MS,
    rules: (Array.isArray(metrics) ? metrics : []).flatMap((metric, i) =>
      isObject(metric) ? [decodeRule(metric, scope.field("metrics").item(i))] : [],
    ),
  };
}

function decodeRule(metric: JsonObject, scope: DecodeScope): MetricRule {
  const name = fieldOf(metric, "name");
  const dimensions = fieldOf(metric, "dimensions");
  const removed = fieldOf(metric, "tags_to_remove");
  const tags: (readonly [string, Expression])[] = [];
  for (const [tag, text] of Object.entries(isObject(dimensions) ? dimensions : {}).sort(([a], [b]) =>
    a < b ? -1 : 1,
  )) {
    const at = scope.field("dimensions").item(tag);
    const expression = typeof text === "string" ? compileExpression(text) : undefined;
    if (expression?.ok === true) tags.push([tag, expression.value]);
    else at.problem(expression === undefined ? "must be text: an expression" : expression.error);
  }
  return {
    metric: typeof name === "string" ? name : "",
    drop: fieldOf(metric, "drop") === true,
    tags,
    removed: (Array.isArray(removed) ? removed : []).filter((tag) => typeof tag === "string"),
  };
}

/** The same for rules that say the same. */
export function ruleText(rules: readonly MetricRule[]): string {
  return JSON.stringify(
    rules.map(({ metric, drop, tags, removed }) => [metric, drop, tags.map(([tag, { text }]) => [tag, text]), removed]),
  );
}
