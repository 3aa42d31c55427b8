import {
  type RBAC,
  type RBACPerRoute,
  RBACPerRouteSchema,
  RBACSchema,
} from "@heddle/xds-api/envoy/extensions/filters/http/rbac/v3/rbac";
import { REQUEST_INPUTS } from "../matcher/matcher-inputs.ts";
import { decodeRbac, type RbacRules } from "../rbac.ts";
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

export const RBAC_FILTER_SHAPE = shape(
  RBACSchema,
  ["rules", "matcher", "shadow_rules", "shadow_matcher", "shadow_rules_stat_prefix", "rules_stat_prefix"],
  {},
  {},
  { only: { track_per_rule_stats: { values: ["false"], reason: "rules are not counted apart" } } },
);
export const RBAC_PER_ROUTE_SHAPE = shape(RBACPerRouteSchema, ["rbac"]);

export function decodeRbacFilter(message: RBAC, scope: DecodeScope): RbacFilterConfig {
  checkShape(RBAC_FILTER_SHAPE, message, scope);
  return {
    kind: "rbac",
    rules: decodeRbac(message.rules, scope.field("rules"), message.matcher, REQUEST_INPUTS, scope.field("matcher")),
    shadow: decodeRbac(
      message.shadowRules,
      scope.field("shadow_rules"),
      message.shadowMatcher,
      REQUEST_INPUTS,
      scope.field("shadow_matcher"),
    ),
    rulesPrefix: message.rulesStatPrefix,
    shadowPrefix: message.shadowRulesStatPrefix,
  };
}

/** A route without rules of its own switches the filter off. */
export function decodeRbacPerRoute(message: RBACPerRoute, scope: DecodeScope): RbacFilterConfig {
  if (message.rbac !== undefined) return decodeRbacFilter(message.rbac, scope.field("rbac"));
  return { kind: "rbac", rules: undefined, shadow: undefined, rulesPrefix: "", shadowPrefix: "" };
}
