import {
  type RBAC,
  type RBACPerRoute,
  RBACPerRouteSchema,
  RBACSchema,
} from "@heddle/xds-api/envoy/extensions/filters/http/rbac/v3/rbac";
import { decodeRbacRules, type RbacRules } from "../rbac.ts";
import type { DecodeScope } from "../scope.ts";
import { checkShape, shape } from "../shape.ts";

export interface RbacFilterConfig {
  readonly kind: "rbac";
  /** Undefined: everything is let through. */
  readonly rules: RbacRules | undefined;
  readonly shadow: RbacRules | undefined;
  readonly rulesPrefix: string;
  readonly shadowPrefix: string;
}

const MATCHERS = "matcher trees are not implemented; use rules";

export const RBAC_FILTER_SHAPE = shape(
  RBACSchema,
  ["rules", "shadow_rules", "shadow_rules_stat_prefix", "rules_stat_prefix"],
  {},
  { "matcher shadow_matcher": MATCHERS },
  { only: { track_per_rule_stats: { values: ["false"], reason: "rules are not counted apart" } } },
);
export const RBAC_PER_ROUTE_SHAPE = shape(RBACPerRouteSchema, ["rbac"]);

export function decodeRbacFilter(message: RBAC, scope: DecodeScope): RbacFilterConfig {
  checkShape(RBAC_FILTER_SHAPE, message, scope);
  return {
    kind: "rbac",
    rules: decodeRbacRules(message.rules, scope.field("rules")),
    shadow: decodeRbacRules(message.shadowRules, scope.field("shadow_rules")),
    rulesPrefix: message.rulesStatPrefix,
    shadowPrefix: message.shadowRulesStatPrefix,
  };
}

/** A route without rules of its own switches the filter off. */
export function decodeRbacPerRoute(message: RBACPerRoute, scope: DecodeScope): RbacFilterConfig {
  if (message.rbac !== undefined) return decodeRbacFilter(message.rbac, scope.field("rbac"));
  return { kind: "rbac", rules: undefined, shadow: undefined, rulesPrefix: "", shadowPrefix: "" };
}
