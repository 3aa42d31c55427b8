import { fromJson } from "@bufbuild/protobuf";
import type { Logger } from "@heddle/std";
import { StatsConfigSchema } from "@heddle/xds-api/envoy/config/metrics/v3/stats";
import { createScope, problemText } from "../config/scope.ts";
import { decodeStats, type StatsSettings } from "../config/stats-config.ts";
import type { AgentOptions } from "./agent-options.ts";

/** Always there: what readiness, draining and dashboards look at. Source: istio pkg/bootstrap/config.go. */
const PREFIXES = ["cluster_manager", "listener_manager", "server", "cluster.xds-grpc", "wasm"];
/** What `viz` reads beyond Istio's: `downstream_cx_active` counts open connections, the last one those that inbound listeners turned away. */
const VIZ_SUFFIXES = ["downstream_cx_active", "_15006.no_filter_chain_match"];
const SUFFIXES = ["rbac.allowed", "rbac.denied", "shadow_allowed", "shadow_denied", ...VIZ_SUFFIXES];
/** Routes with a `statPrefix` in their VirtualService. */
const REGEXPS = ["vhost\\..*\\.route\\..*"];

function parseList(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === "string" && one !== "") : [];
}

/** What an annotation of the pod says, else ProxyConfig. */
function wanted(
  annotations: Readonly<Record<string, string>>,
  annotation: string,
  matcher: Readonly<Record<string, unknown>>,
  field: string,
): readonly string[] {
  const text = annotations[`sidecar.istio.io/${annotation}`] ?? "";
  return text === "" ? parseList(matcher[field]) : text.split(",").map((one) => one.trim());
}

const TAGS = [
  { tag_name: "cluster_name", regex: "^cluster\\.((.+?(\\..+?\\.svc\\.cluster\\.local)?)\\.)" },
  { tag_name: "tcp_prefix", regex: "^tcp\\.((.*?)\\.)\\w+?$" },
  { tag_name: "response_code", regex: "(response_code=\\.=(.+?);\\.;)|_rq(_(\\.d{3}))$" },
  { tag_name: "response_code_class", regex: "_rq(_(\\dxx))$" },
  {
    tag_name: "http_conn_manager_listener_prefix",
    regex: "^listener(?=\\.).*?\\.http\\.(((?:[_.[:digit:]]*|[_\\[\\]aAbBcCdDeEfF[:digit:]]*))\\.)",
  },
  {
    tag_name: "http_conn_manager_prefix",
    regex: "^http\\.(((?:[_.[:digit:]]*|[_\\[\\]aAbBcCdDeEfF[:digit:]]*))\\.)",
  },
  {
    tag_name: "listener_address",
    regex: "^listener\\.(((?:[_.[:digit:]]*|[_\\[\\]aAbBcCdDeEfF[:digit:]]*))\\.)",
  },
];
const AUTHORIZATION_TAGS = [
  { tag_name: "authz_enforce_result", regex: "rbac(\\.(allowed|denied))" },
  { tag_name: "authz_dry_run_action", regex: "(\\.istio_dry_run_(allow|deny)_)" },
  { tag_name: "authz_dry_run_result", regex: "(\\.shadow_(allowed|denied))" },
];

/** Envoy's `stats_config` as Istio writes it into a sidecar's bootstrap: few statistics, more where the pod or the mesh asks for them. */
export function istioStatsConfig(options: AgentOptions, annotations: Readonly<Record<string, string>>) {
  const matcher = recordOf(options.proxyConfig["proxyStatsMatcher"]);
  const ofPod = (pattern: string) => pattern.replaceAll("{pod_ip}", options.podIp);
  const prefixes = [...wanted(annotations, "statsInclusionPrefixes", matcher, "inclusionPrefixes"), ...PREFIXES];
  const suffixes = [...wanted(annotations, "statsInclusionSuffixes", matcher, "inclusionSuffixes"), ...SUFFIXES];
  const regexps = [...wanted(annotations, "statsInclusionRegexps", matcher, "inclusionRegexps"), ...REGEXPS];
  const extra = [
    ...parseList(options.proxyConfig["extraStatTags"]),
    ...(annotations["sidecar.istio.io/extraStatTags"] ?? "").split(",").map((tag) => tag.trim()),
  ].filter((tag) => tag !== "");
  return {
    use_all_default_tags: false,
    stats_tags: [
      ...TAGS,
      ...[...new Set(extra)].map((tag) => ({ tag_name: tag, regex: `(${tag}=\\.=(.*?);\\.;)` })),
      ...AUTHORIZATION_TAGS,
    ],
    stats_matcher: {
      inclusion_list: {
        patterns: [
          { prefix: "reporter=" },
          ...prefixes.map((prefix) => ({ prefix: ofPod(prefix) })),
          ...suffixes.map((suffix) => ({ suffix: ofPod(suffix) })),
          ...regexps.map((regex) => ({ safe_regex: { regex: ofPod(regex) } })),
          { prefix: "component" },
        ],
      },
    },
    ...bucketSettings(annotations["sidecar.istio.io/statsHistogramBuckets"]),
  };
}

/** `{"PREFIX": [BOUND, …]}`; what is not that is left out. */
function bucketSettings(text: string | undefined): object {
  if (text === undefined) return {};
  try {
    const settings = Object.entries(recordOf(JSON.parse(text))).map(([prefix, buckets]) => ({
      match: { prefix },
      buckets,
    }));
    return { histogram_bucket_settings: settings };
  } catch {
    return {};
  }
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}

/** The same for our own data plane. What is wrong in it is logged, and Istio's default holds. */
export function sidecarStats(
  options: AgentOptions,
  annotations: Readonly<Record<string, string>>,
  log: Logger,
): StatsSettings {
  const read = (config: object): StatsSettings => {
    const scope = createScope();
    const settings = decodeStats(fromJson(StatsConfigSchema, JSON.parse(JSON.stringify(config))), scope);
    if (scope.problems.length > 0) throw new Error(problemText(scope.problems));
    return settings;
  };
  try {
    return read(istioStatsConfig(options, annotations));
  } catch (error) {
    log.error(
      "proxyStatsMatcher, extraStatTags or an annotation sidecar.istio.io/stats… can't be used; only Istio's default statistics are shown",
      { reason: error instanceof Error ? error.message : String(error) },
    );
    return read(istioStatsConfig({ ...options, proxyConfig: {} }, {}));
  }
}
