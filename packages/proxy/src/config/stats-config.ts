import {
  HistogramBucketSettingsSchema,
  type StatsConfig,
  StatsConfigSchema,
  StatsMatcherSchema,
  TagSpecifierSchema,
} from "@heddle/xds-api/envoy/config/metrics/v3/stats";
import type { StringMatcher } from "./proto.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";
import { decodeStringMatch, type StringMatch } from "./string-match.ts";

/** A part of a name that becomes a label, or a label that all have. */
export type TagConfig =
  | { readonly kind: "regex"; readonly name: string; readonly regex: RegExp }
  | { readonly kind: "fixed"; readonly name: string; readonly value: string };

/** Which statistics there are, and how Prometheus sees them. Source: Envoy `StatsConfig`. */
export interface StatsSettings {
  /** Before the default ones. */
  readonly tags: readonly TagConfig[];
  readonly defaultTags: boolean;
  /** Default: all. */
  readonly matcher:
    | { readonly kind: "all" }
    | { readonly kind: "none" }
    | { readonly kind: "only" | "not"; readonly patterns: readonly StringMatch[] };
  /** Upper bounds of Prometheus' buckets; the first that matches a name counts. */
  readonly buckets: readonly { readonly match: StringMatch; readonly bounds: readonly number[] }[];
}

export const ALL_STATS: StatsSettings = { tags: [], defaultTags: true, matcher: { kind: "all" }, buckets: [] };

export const STATS_CONFIG_SHAPE = shape(StatsConfigSchema, [
  "stats_tags",
  "use_all_default_tags",
  "stats_matcher",
  "histogram_bucket_settings",
]);
export const STATS_MATCHER_SHAPE = shape(StatsMatcherSchema, ["reject_all", "exclusion_list", "inclusion_list"]);
export const STATS_TAG_SHAPE = shape(TagSpecifierSchema, ["tag_name", "regex", "fixed_value"]);
export const HISTOGRAM_BUCKETS_SHAPE = shape(HistogramBucketSettingsSchema, ["match", "buckets"]);

export function decodeStats(message: StatsConfig | undefined, scope: DecodeScope): StatsSettings {
  if (message === undefined) return ALL_STATS;
  checkShape(STATS_CONFIG_SHAPE, message, scope);
  const tags: TagConfig[] = [];
  message.statsTags.forEach((tag, i) => {
    const at = scope.field("stats_tags").item(i);
    checkShape(STATS_TAG_SHAPE, tag, at);
    const { tagName: name, tagValue } = tag;
    if (name === "") at.field("tag_name").problem("a tag needs a name, which is its label");
    if (tagValue.case === "fixedValue") tags.push({ kind: "fixed", name, value: tagValue.value });
    else if (tagValue.case === "regex" && tagValue.value !== "") {
      const regex = compileTag(tagValue.value, at.field("regex"));
      if (regex !== undefined) tags.push({ kind: "regex", name, regex });
    } else if (!DEFAULT_TAG_NAMES.has(name))
      at.problem(`${name} is none of Envoy's default tags, so it needs a regex or a fixed_value`);
  });
  return {
    tags,
    defaultTags: message.useAllDefaultTags ?? true,
    matcher: decodeMatcher(message, scope.field("stats_matcher")),
    buckets: message.histogramBucketSettings.flatMap((settings, i) => {
      const at = scope.field("histogram_bucket_settings").item(i);
      checkShape(HISTOGRAM_BUCKETS_SHAPE, settings, at);
      const rising = settings.buckets.every((bound, j, all) => bound > (all[j - 1] ?? 0));
      if (!rising) at.field("buckets").problem("bounds must be above 0 and each above the one before it");
      if (settings.match === undefined) at.field("match").problem("a name must be matched by one of exact, prefix, …");
      const match = settings.match && decodeStringMatch(settings.match, at.field("match"));
      return match === undefined ? [] : [{ match, bounds: settings.buckets }];
    }),
  };
}

function decodeMatcher(message: StatsConfig, scope: DecodeScope): StatsSettings["matcher"] {
  const matcher = message.statsMatcher?.statsMatcher;
  const patterns = (list: readonly StringMatcher[], at: DecodeScope) =>
    list.flatMap((one, i) => decodeStringMatch(one, at.item(i)) ?? []);
  switch (matcher?.case) {
    case "rejectAll":
      return { kind: matcher.value ? "none" : "all" };
    case "inclusionList":
      return { kind: "only", patterns: patterns(matcher.value.patterns, scope.field("inclusion_list.patterns")) };
    case "exclusionList":
      return { kind: "not", patterns: patterns(matcher.value.patterns, scope.field("exclusion_list.patterns")) };
    case undefined:
      return { kind: "all" };
  }
}

/** Longest tag expression. Source: Envoy `TagSpecifier.regex`. Units: characters. */
const MAX_REGEX = 1024;

/** Tags are found by ECMAScript expressions, in Envoy too, with POSIX classes inside brackets. */
export function compileTag(pattern: string, scope: DecodeScope): RegExp | undefined {
  if (pattern.length > MAX_REGEX) {
    scope.problem(`the expression has ${pattern.length} characters; at most ${MAX_REGEX} are allowed`);
    return undefined;
  }
  try {
    const regex = new RegExp(
      pattern.replaceAll("[:digit:]", "\\d").replaceAll("[:alnum:]", "a-zA-Z0-9").replaceAll("[:alpha:]", "a-zA-Z"),
    );
    const groups = (new RegExp(`${regex.source}|`).exec("")?.length ?? 1) - 1;
    if (groups > 0) return regex;
    scope.problem("the expression needs a group in parentheses: what it matches is taken out of the name");
  } catch (error) {
    scope.problem(
      `"${pattern}" is not a regular expression: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  return undefined;
}

/** Names that stand for Envoy's own expressions. */
export const DEFAULT_TAG_NAMES: ReadonlySet<string> = new Set([
  "envoy.cluster_name",
  "envoy.http_conn_manager_prefix",
  "envoy.listener_address",
  "envoy.response_code",
  "envoy.response_code_class",
  "envoy.tcp_prefix",
  "envoy.virtual_host",
  "envoy.virtual_cluster",
  "envoy.route",
  "envoy.worker_id",
  "envoy.ssl_version",
  "envoy.local_http_ratelimit_prefix",
  "envoy.ext_authz_prefix",
]);
