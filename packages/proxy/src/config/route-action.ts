import type { JsonObject } from "@bufbuild/protobuf";
import {
  RouteAction_MaxStreamDurationSchema,
  RouteAction_UpgradeConfig_ConnectConfigSchema,
  RouteAction_UpgradeConfigSchema,
} from "@heddle/xds-api/envoy/config/route/v3/route_components";
import { UriTemplateRewriteConfigSchema } from "@heddle/xds-api/envoy/extensions/path/rewrite/uri_template/v3/uri_template_rewrite";
import { type AnyTable, decodeAny, messageEntry } from "./any-field.ts";
import { decodeDuration } from "./duration-field.ts";
import { decodeRouteFilters, type RouteFilters } from "./filters/per-route.ts";
import { decodeHashPolicies, type HashPolicy } from "./hash-policy.ts";
import { decodeHeaderMutations, type HeaderMutations } from "./header-mutation.ts";
import { decodeInternalRedirect, type InternalRedirectConfig } from "./internal-redirect.ts";
import { decodeMirrors, type MirrorConfig } from "./mirror.ts";
import {
  type HedgePolicy,
  HedgePolicySchema,
  type RouteAction,
  RouteAction_ClusterNotFoundResponseCode,
  RouteActionSchema,
  RoutingPriority,
  type WeightedCluster,
  WeightedCluster_ClusterWeightSchema,
  WeightedClusterSchema,
} from "./proto.ts";
import { PROXY_HEADER_SHAPE } from "./proxy-header.ts";
import { decodeRateLimits, type RateLimitPolicy } from "./rate-limits.ts";
import { compileRewrite, type RegexRewrite } from "./regex.ts";
import { decodeRetryPolicy, type RetryPolicyConfig } from "./retry-policy.ts";
import type { RouteMatchConfig } from "./route-match.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";
import { type SubsetKey, subsetKeyOf } from "./subset-key.ts";
import { compileTemplateRewrite, type TemplateRewrite } from "./uri-template.ts";

/** What the virtual host says for routes that say nothing. */
export interface RouteFallback {
  readonly retry: RetryPolicyConfig | undefined;
  readonly mirrors: readonly MirrorConfig[];
  readonly hedge: HedgePolicy | undefined;
  /** Longest body of a direct response. Default: 4096. Units: bytes. */
  readonly maxDirectBytes: number;
}

/** A share of the traffic of a route. */
export interface WeightedClusterConfig {
  readonly cluster: string;
  readonly weight: number;
  readonly mutations: HeaderMutations | undefined;
  readonly hostRewrite: string | undefined;
  readonly subset: SubsetKey | undefined;
  /** The request header that names the cluster instead; "": none. */
  readonly clusterHeader: string;
  /** Filter configuration for this share alone. */
  readonly filters: RouteFilters | undefined;
}

export type ClusterChoice =
  | { readonly kind: "cluster"; readonly cluster: string }
  | { readonly kind: "header"; readonly name: string }
  | WeightedChoice;

/** Shares of the traffic. */
export interface WeightedChoice {
  readonly kind: "weighted";
  readonly clusters: readonly WeightedClusterConfig[];
  readonly total: number;
  /** A number in this request header stands for chance; "": none. */
  readonly randomHeader: string;
}

export type PathRewrite =
  | { readonly kind: "prefix"; readonly text: string }
  | { readonly kind: "regex"; readonly rewrite: RegexRewrite }
  | { readonly kind: "template"; readonly parts: TemplateRewrite };

export type HostRewrite =
  | { readonly kind: "literal"; readonly text: string }
  | { readonly kind: "header"; readonly name: string }
  | { readonly kind: "auto" }
  | { readonly kind: "path-regex"; readonly rewrite: RegexRewrite };

/** The body of CONNECT requests goes on as raw TCP. */
export interface ConnectConfig {
  readonly proxyProtocol: "v1" | "v2" | undefined;
  /** POST requests are tunnels too. */
  readonly allowPost: boolean;
}

/** Forwarding of matched requests. */
export interface ForwardAction {
  readonly kind: "forward";
  readonly choice: ClusterChoice;
  readonly clusterNotFoundStatus: number;
  readonly pathRewrite: PathRewrite | undefined;
  readonly hostRewrite: HostRewrite | undefined;
  readonly appendForwardedHost: boolean;
  /** Whole exchange; 0: none. Default: 15 s. Units: ms. */
  readonly timeoutMs: number;
  /** Undefined: what the connection manager says. Units: ms. */
  readonly idleTimeoutMs: number | undefined;
  /** Upper limit of `grpc-timeout` when that is honoured; undefined: it is not. Units: ms. */
  readonly maxGrpcTimeoutMs: number | undefined;
  readonly retry: RetryPolicyConfig | undefined;
  /** Upgrade tokens switched on or off for this route. */
  readonly upgrades: ReadonlyMap<string, boolean>;
  /** Undefined: CONNECT is forwarded as it is. */
  readonly connect: ConnectConfig | undefined;
  /** A try that is too slow runs on beside the next one. */
  readonly hedges: boolean;
  readonly highPriority: boolean;
  /** Replaces the connection manager's limit of a stream's life. 0: none. Units: ms. */
  readonly maxStreamMs: number | undefined;
  /** Labels of the endpoints that may be chosen. */
  readonly subset: SubsetKey | undefined;
  readonly hash: readonly HashPolicy[];
  /** Hashes or subsets decide on the host; false lets requests skip all of it. */
  readonly selective: boolean;
  readonly mirrors: readonly MirrorConfig[];
  readonly internalRedirect: InternalRedirectConfig | undefined;
  /** Undefined: none. */
  readonly rateLimits: readonly RateLimitPolicy[] | undefined;
  readonly includeHostRateLimits: boolean;
}

export const MAX_STREAM_SHAPE = shape(
  RouteAction_MaxStreamDurationSchema,
  ["max_stream_duration", "grpc_timeout_header_max"],
  {},
  { grpc_timeout_header_offset: "the caller's grpc-timeout counts as it is" },
);
export const CONNECT_CONFIG_SHAPE = shape(
  RouteAction_UpgradeConfig_ConnectConfigSchema,
  ["proxy_protocol_config", "allow_post"],
  {},
  {},
  { inside: { proxy_protocol_config: PROXY_HEADER_SHAPE } },
);
export const ROUTE_UPGRADE_SHAPE = shape(
  RouteAction_UpgradeConfigSchema,
  ["upgrade_type", "enabled", "connect_config"],
  {},
  {},
  { inside: { connect_config: CONNECT_CONFIG_SHAPE } },
);

export const ROUTE_ACTION_SHAPE = shape(
  RouteActionSchema,
  [
    "cluster",
    "cluster_header",
    "weighted_clusters",
    "cluster_not_found_response_code",
    "prefix_rewrite",
    "regex_rewrite",
    "host_rewrite_literal",
    "auto_host_rewrite",
    "host_rewrite_header",
    "host_rewrite_path_regex",
    "append_x_forwarded_host",
    "timeout",
    "idle_timeout",
    "retry_policy",
    "priority",
    "max_grpc_timeout",
    "max_stream_duration",
    "upgrade_configs",
    "cors",
    "metadata_match",
    "hash_policy",
    "request_mirror_policies",
    "internal_redirect_policy",
    "path_rewrite_policy",
    "hedge_policy",
    "rate_limits",
    "include_vh_rate_limits",
  ],
  { early_data_policy: "acts only on 0-RTT data, which the proxy neither takes nor sends" },
  {
    grpc_timeout_offset: "the caller's grpc-timeout counts as it is",
    "cluster_specifier_plugin inline_cluster_specifier_plugin": "there are no cluster specifier plugins",
    "internal_redirect_action max_internal_redirects": "use internal_redirect_policy",
    retry_policy_typed_config: "use retry_policy",
  },
  { inside: { max_stream_duration: MAX_STREAM_SHAPE, upgrade_configs: ROUTE_UPGRADE_SHAPE } },
);

export const HEDGE_POLICY_SHAPE = shape(HedgePolicySchema, ["hedge_on_per_try_timeout"], {
  "initial_requests additional_request_chance": "Envoy does not read them",
});

export const WEIGHTED_CLUSTER_SHAPE = shape(WeightedClusterSchema, ["clusters", "total_weight", "header_name"], {
  runtime_key_prefix: "there is no runtime; the weights of the configuration hold",
});

export const CLUSTER_WEIGHT_SHAPE = shape(WeightedCluster_ClusterWeightSchema, [
  "name",
  "weight",
  "request_headers_to_add",
  "request_headers_to_remove",
  "response_headers_to_add",
  "response_headers_to_remove",
  "host_rewrite_literal",
  "metadata_match",
  "typed_per_filter_config",
  "cluster_header",
]);

const DEFAULT_ROUTE_TIMEOUT_MS = 15_000;

export function decodeForward(
  message: RouteAction,
  match: RouteMatchConfig | undefined,
  fallback: RouteFallback,
  scope: DecodeScope,
): ForwardAction | undefined {
  checkShape(ROUTE_ACTION_SHAPE, message, scope);
  if (message.hedgePolicy !== undefined)
    checkShape(HEDGE_POLICY_SHAPE, message.hedgePolicy, scope.field("hedge_policy"));
  const choice = decodeChoice(message, scope);
  const stream = message.maxStreamDuration;
  const streamMs = decodeDuration(stream?.maxStreamDuration, scope.field("max_stream_duration.max_stream_duration"));
  const timeoutMs = decodeDuration(message.timeout, scope.field("timeout"));
  const upgrades = new Map(message.upgradeConfigs.map((u) => [u.upgradeType.toLowerCase(), u.enabled ?? true]));
  const retry =
    message.retryPolicy === undefined
      ? fallback.retry
      : decodeRetryPolicy(message.retryPolicy, scope.field("retry_policy"));
  const pathRewrite = decodePathRewrite(message, match, scope);
  const hash = decodeHashPolicies(message.hashPolicy, scope.field("hash_policy"));
  const subset = subsetKeyOf(message.metadataMatch?.filterMetadata["envoy.lb"]);
  const mirrors =
    message.requestMirrorPolicies.length === 0
      ? fallback.mirrors
      : decodeMirrors(message.requestMirrorPolicies, scope.field("request_mirror_policies"));
  const hostRewrite = decodeHostRewrite(message, scope);
  if (choice === undefined) return undefined;
  return {
    kind: "forward",
    choice,
    clusterNotFoundStatus:
      message.clusterNotFoundResponseCode === RouteAction_ClusterNotFoundResponseCode.NOT_FOUND
        ? 404
        : message.clusterNotFoundResponseCode === RouteAction_ClusterNotFoundResponseCode.INTERNAL_SERVER_ERROR
          ? 500
          : 503,
    pathRewrite,
    hostRewrite,
    appendForwardedHost: message.appendXForwardedHost,
    timeoutMs: timeoutMs ?? DEFAULT_ROUTE_TIMEOUT_MS,
    idleTimeoutMs: decodeDuration(message.idleTimeout, scope.field("idle_timeout")),
    maxGrpcTimeoutMs:
      decodeDuration(message.maxGrpcTimeout, scope.field("max_grpc_timeout")) ??
      decodeDuration(stream?.grpcTimeoutHeaderMax, scope.field("max_stream_duration.grpc_timeout_header_max")),
    retry,
    upgrades,
    connect: decodeConnect(message, scope.field("upgrade_configs")),
    hedges: (message.hedgePolicy ?? fallback.hedge)?.hedgeOnPerTryTimeout ?? false,
    highPriority: message.priority === RoutingPriority.HIGH,
    maxStreamMs: streamMs,
    subset,
    hash,
    selective:
      hash.length > 0 ||
      subset !== undefined ||
      (choice.kind === "weighted" && choice.clusters.some((c) => c.subset !== undefined)),
    mirrors,
    internalRedirect: decodeInternalRedirect(message.internalRedirectPolicy, scope.field("internal_redirect_policy")),
    rateLimits: decodeRateLimits(message.rateLimits, scope.field("rate_limits")),
    includeHostRateLimits: message.includeVhRateLimits ?? false,
  };
}

/** Errors: `connect_config` of anything but CONNECT. */
function decodeConnect(message: RouteAction, scope: DecodeScope): ConnectConfig | undefined {
  let connect: ConnectConfig | undefined;
  message.upgradeConfigs.forEach(({ upgradeType, connectConfig }, i) => {
    if (connectConfig === undefined) return;
    if (upgradeType.toUpperCase() !== "CONNECT")
      scope.item(i).field("connect_config").problem(`only CONNECT has a connect_config, not ${upgradeType}`);
    const proxy = connectConfig.proxyProtocolConfig;
    connect = {
      proxyProtocol: proxy === undefined ? undefined : proxy.version === 1 ? "v2" : "v1",
      allowPost: connectConfig.allowPost,
    };
  });
  return connect;
}

function decodeChoice(message: RouteAction, scope: DecodeScope): ClusterChoice | undefined {
  const specifier = message.clusterSpecifier;
  switch (specifier.case) {
    case "cluster":
      return { kind: "cluster", cluster: specifier.value };
    case "clusterHeader":
      return { kind: "header", name: specifier.value.toLowerCase() };
    case "weightedClusters":
      return decodeWeighted(
        specifier.value,
        message.metadataMatch?.filterMetadata["envoy.lb"],
        scope.field("weighted_clusters"),
      );
    case undefined:
      scope.problem("a route action needs one of cluster, cluster_header, weighted_clusters");
      return undefined;
    default:
      return undefined;
  }
}

function decodeWeighted(
  message: WeightedCluster,
  labels: JsonObject | undefined,
  scope: DecodeScope,
): ClusterChoice | undefined {
  checkShape(WEIGHTED_CLUSTER_SHAPE, message, scope);
  let total = 0;
  const clusters = message.clusters.map((item, i): WeightedClusterConfig => {
    const at = scope.field("clusters").item(i);
    checkShape(CLUSTER_WEIGHT_SHAPE, item, at);
    if ((item.name === "") === (item.clusterHeader === ""))
      at.field("name").problem("a weighted cluster needs one of name, cluster_header");
    const weight = item.weight ?? 0;
    total += weight;
    return {
      cluster: item.name,
      weight,
      mutations: decodeHeaderMutations(item, at),
      subset: subsetKeyOf({ ...labels, ...item.metadataMatch?.filterMetadata["envoy.lb"] }),
      hostRewrite:
        item.hostRewriteSpecifier.case === "hostRewriteLiteral" ? item.hostRewriteSpecifier.value : undefined,
      clusterHeader: item.clusterHeader.toLowerCase(),
      filters: decodeRouteFilters(item.typedPerFilterConfig, at.field("typed_per_filter_config")),
    };
  });
  if (total === 0) {
    scope.field("clusters").problem("the weights add up to zero, so no cluster could be chosen");
    return undefined;
  }
  const header = message.randomValueSpecifier;
  return {
    kind: "weighted",
    clusters,
    total,
    randomHeader: header.case === "headerName" ? header.value.toLowerCase() : "",
  };
}

const PATH_REWRITES: AnyTable<string> = {
  [UriTemplateRewriteConfigSchema.typeName]: messageEntry(UriTemplateRewriteConfigSchema, (m) => m.pathTemplateRewrite),
};

function decodePathRewrite(
  message: RouteAction,
  match: RouteMatchConfig | undefined,
  scope: DecodeScope,
): PathRewrite | undefined {
  if (message.pathRewritePolicy !== undefined) {
    const at = scope.field("path_rewrite_policy.typed_config");
    const text = decodeAny(message.pathRewritePolicy.typedConfig, PATH_REWRITES, at);
    const template = match?.path.kind === "template" ? match.path.template : undefined;
    const parts =
      text === undefined ? undefined : compileTemplateRewrite(text, template, at.field("path_template_rewrite"));
    return parts === undefined ? undefined : { kind: "template", parts };
  }
  if (message.prefixRewrite !== "") return { kind: "prefix", text: message.prefixRewrite };
  if (message.regexRewrite === undefined) return undefined;
  const { pattern, substitution } = message.regexRewrite;
  const rewrite = compileRewrite(pattern?.regex ?? "", substitution, scope.field("regex_rewrite.pattern.regex"));
  return rewrite === undefined ? undefined : { kind: "regex", rewrite };
}

function decodeHostRewrite(message: RouteAction, scope: DecodeScope): HostRewrite | undefined {
  const specifier = message.hostRewriteSpecifier;
  switch (specifier.case) {
    case "hostRewriteLiteral":
      return { kind: "literal", text: specifier.value };
    case "hostRewriteHeader":
      return { kind: "header", name: specifier.value.toLowerCase() };
    case "autoHostRewrite":
      return specifier.value.value ? { kind: "auto" } : undefined;
    case "hostRewritePathRegex": {
      const { pattern, substitution } = specifier.value;
      const rewrite = compileRewrite(
        pattern?.regex ?? "",
        substitution,
        scope.field("host_rewrite_path_regex.pattern.regex"),
      );
      return rewrite === undefined ? undefined : { kind: "path-regex", rewrite };
    }
    case undefined:
      return undefined;
  }
}
