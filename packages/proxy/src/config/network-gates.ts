import {
  type ConnectionLimit,
  ConnectionLimitSchema,
} from "@heddle/xds-api/envoy/extensions/filters/network/connection_limit/v3/connection_limit";
import { type Config, ConfigSchema } from "@heddle/xds-api/envoy/extensions/filters/network/direct_response/v3/config";
import {
  type LocalRateLimit,
  LocalRateLimitSchema,
} from "@heddle/xds-api/envoy/extensions/filters/network/local_ratelimit/v3/local_rate_limit";
import { type RBAC, RBACSchema } from "@heddle/xds-api/envoy/extensions/filters/network/rbac/v3/rbac";
import type { RuntimeFlag } from "../runtime/runtime.ts";
import { decodeDataText } from "./data-source.ts";
import { decodeDuration } from "./duration-field.ts";
import { runtimeFlag } from "./fraction.ts";
import { CONNECTION_INPUTS } from "./matcher/matcher-inputs.ts";
import { decodeRbac, type RbacRules } from "./rbac.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";
import { decodeTokenBucket, type TokenBucketConfig } from "./token-bucket.ts";

/** A network filter that lets connections in or not. */
export type NetworkGateConfig =
  | {
      readonly kind: "connection-limit";
      readonly max: number;
      readonly delayMs: number;
      readonly enabled: RuntimeFlag;
      readonly statPrefix: string;
    }
  | {
      readonly kind: "network-rbac";
      readonly rules: RbacRules | undefined;
      readonly shadow: RbacRules | undefined;
      readonly statPrefix: string;
      readonly shadowPrefix: string;
    }
  | {
      readonly kind: "network-rate-limit";
      readonly bucket: TokenBucketConfig | undefined;
      readonly enabled: RuntimeFlag;
      readonly statPrefix: string;
    }
  | { readonly kind: "direct-response"; readonly text: string };

export const CONNECTION_LIMIT_SHAPE = shape(ConnectionLimitSchema, [
  "stat_prefix",
  "max_connections",
  "delay",
  "runtime_enabled",
]);
export const NETWORK_RBAC_SHAPE = shape(
  RBACSchema,
  ["rules", "matcher", "shadow_rules", "shadow_matcher", "stat_prefix", "shadow_rules_stat_prefix"],
  {},
  {},
  {
    only: {
      enforcement_type: {
        values: ["ONE_TIME_ON_FIRST_BYTE"],
        reason: "rules are looked at once, when the connection begins",
      },
    },
  },
);
export const NETWORK_RATE_LIMIT_SHAPE = shape(
  LocalRateLimitSchema,
  ["stat_prefix", "token_bucket", "runtime_enabled"],
  {},
  { share_key: "each filter chain counts for itself" },
);
export const DIRECT_RESPONSE_SHAPE = shape(ConfigSchema, ["response"]);

export function decodeConnectionLimit(message: ConnectionLimit, scope: DecodeScope): NetworkGateConfig {
  checkShape(CONNECTION_LIMIT_SHAPE, message, scope);
  const max = Number(message.maxConnections ?? 0n);
  if (max < 1) scope.field("max_connections").problem("a connection limit must allow at least one");
  return {
    kind: "connection-limit",
    max,
    delayMs: decodeDuration(message.delay, scope.field("delay")) ?? 0,
    enabled: runtimeFlag(message.runtimeEnabled, true),
    statPrefix: message.statPrefix,
  };
}

export function decodeNetworkRbac(message: RBAC, scope: DecodeScope): NetworkGateConfig {
  checkShape(NETWORK_RBAC_SHAPE, message, scope);
  return {
    kind: "network-rbac",
    rules: decodeRbac(message.rules, scope.field("rules"), message.matcher, CONNECTION_INPUTS, scope.field("matcher")),
    shadow: decodeRbac(
      message.shadowRules,
      scope.field("shadow_rules"),
      message.shadowMatcher,
      CONNECTION_INPUTS,
      scope.field("shadow_matcher"),
    ),
    statPrefix: message.statPrefix,
    shadowPrefix: message.shadowRulesStatPrefix,
  };
}

export function decodeNetworkRateLimit(message: LocalRateLimit, scope: DecodeScope): NetworkGateConfig {
  checkShape(NETWORK_RATE_LIMIT_SHAPE, message, scope);
  return {
    kind: "network-rate-limit",
    bucket: decodeTokenBucket(message.tokenBucket, scope.field("token_bucket")),
    enabled: runtimeFlag(message.runtimeEnabled, true),
    statPrefix: message.statPrefix,
  };
}

export function decodeDirectResponse(message: Config, scope: DecodeScope): NetworkGateConfig {
  checkShape(DIRECT_RESPONSE_SHAPE, message, scope);
  const text = message.response === undefined ? "" : decodeDataText(message.response, scope.field("response"));
  return { kind: "direct-response", text: text ?? "" };
}
