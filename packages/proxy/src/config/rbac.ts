import type { Cidr } from "@heddle/std";
import {
  ActionSchema,
  type Permission,
  PermissionSchema,
  type Policy,
  PolicySchema,
  type Principal,
  PrincipalSchema,
  type RBAC,
  RBAC_Action,
  RBACSchema,
} from "@heddle/xds-api/envoy/config/rbac/v3/rbac";
import type { PathMatcher } from "@heddle/xds-api/envoy/type/matcher/v3/path";
import type { Matcher } from "@heddle/xds-api/xds/type/matcher/v3/matcher";
import { type AnyTable, messageEntry } from "./any-field.ts";
import { decodeHeaderMatch, type HeaderMatch } from "./header-match.ts";
import { decodeMatcher, type MatcherPlace } from "./matcher/decode-matcher.ts";
import { actionsOf, type MatchTree } from "./matcher/match-tree.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";
import { decodeCidr } from "./socket-address.ts";
import { decodeStringMatch, type StringMatch } from "./string-match.ts";
import { decodeMetadataMatch, type MetadataMatch } from "./value-match.ts";

/** One condition on a request or connection; permissions and principals alike. */
export type RbacRule =
  | { readonly kind: "any" }
  | { readonly kind: "and" | "or"; readonly rules: readonly RbacRule[] }
  | { readonly kind: "not"; readonly rule: RbacRule }
  | { readonly kind: "header"; readonly match: HeaderMatch }
  | { readonly kind: "path"; readonly match: StringMatch }
  | { readonly kind: "destination-ip" | "source-ip" | "direct-ip" | "remote-ip"; readonly cidr: Cidr }
  /** `end` is not included. */
  | { readonly kind: "destination-port"; readonly start: number; readonly end: number }
  | { readonly kind: "metadata"; readonly match: MetadataMatch }
  | { readonly kind: "server-name"; readonly match: StringMatch }
  /** Undefined: any certificate. */
  | { readonly kind: "authenticated"; readonly name: StringMatch | undefined };

export interface RbacPolicy {
  readonly name: string;
  readonly permission: RbacRule;
  readonly principal: RbacRule;
}

export interface RbacRules {
  readonly action: "allow" | "deny" | "log";
  /** Ordered by name, as Envoy evaluates them. */
  readonly policies: readonly RbacPolicy[];
  /** Decides instead of policies; `action` is then `allow`. Undefined mostly. */
  readonly tree: RbacTree | undefined;
}

/** What a matcher tree says of a request. */
export interface RbacTreeAction {
  readonly name: string;
  readonly action: "allow" | "deny" | "log";
}

export interface RbacTree {
  readonly tree: MatchTree<RbacTreeAction>;
  /** Some of its actions are for logs. */
  readonly logs: boolean;
}

const EXTENSIONS = "matcher extensions are not implemented; use the built-in rules";

export const RBAC_RULES_SHAPE = shape(
  RBACSchema,
  ["action", "policies"],
  {},
  { audit_logging_options: "there are no audit loggers; use an access log" },
);
export const RBAC_POLICY_SHAPE = shape(
  PolicySchema,
  ["permissions", "principals"],
  {},
  { "condition checked_condition": "CEL is not implemented; use permissions and principals" },
);
export const RBAC_PERMISSION_SHAPE = shape(
  PermissionSchema,
  [
    "and_rules",
    "or_rules",
    "any",
    "header",
    "url_path",
    "destination_ip",
    "destination_port",
    "destination_port_range",
    "metadata",
    "not_rule",
    "requested_server_name",
  ],
  {},
  { "matcher uri_template": EXTENSIONS },
);
export const RBAC_PRINCIPAL_SHAPE = shape(
  PrincipalSchema,
  [
    "and_ids",
    "or_ids",
    "any",
    "authenticated",
    "source_ip",
    "direct_remote_ip",
    "remote_ip",
    "header",
    "url_path",
    "metadata",
    "not_id",
  ],
  {},
  { filter_state: "filter state is not kept for matching" },
);

/** Rules without any policy allow nothing (ALLOW) or everything (DENY). */
export function decodeRbacRules(message: RBAC | undefined, scope: DecodeScope): RbacRules | undefined {
  if (message === undefined) return undefined;
  checkShape(RBAC_RULES_SHAPE, message, scope);
  const policies: RbacPolicy[] = [];
  for (const name of Object.keys(message.policies).sort()) {
    const policy = message.policies[name];
    const decoded = policy === undefined ? undefined : decodePolicy(name, policy, scope.field("policies").item(name));
    if (decoded !== undefined) policies.push(decoded);
  }
  const action = message.action === RBAC_Action.DENY ? "deny" : message.action === RBAC_Action.LOG ? "log" : "allow";
  return { action, policies, tree: undefined };
}

const ACTIONS: ReadonlyMap<RBAC_Action, RbacTreeAction["action"]> = new Map([
  [RBAC_Action.DENY, "deny"],
  [RBAC_Action.LOG, "log"],
]);

export const RBAC_ACTION_SHAPE = shape(ActionSchema, ["name", "action"]);

const TREE_ACTIONS: AnyTable<RbacTreeAction> = {
  [ActionSchema.typeName]: messageEntry(ActionSchema, (message, scope) => {
    checkShape(RBAC_ACTION_SHAPE, message, scope);
    if (message.name === "") scope.field("name").problem("an action needs a name");
    return { name: message.name, action: ACTIONS.get(message.action) ?? "allow" };
  }),
};

/** A matcher, which counts before rules. Source: Envoy ignores rules beside a matcher. */
export function decodeRbac(
  rules: RBAC | undefined,
  rulesScope: DecodeScope,
  matcher: Matcher | undefined,
  inputs: MatcherPlace<unknown>["inputs"],
  scope: DecodeScope,
): RbacRules | undefined {
  if (matcher === undefined) return decodeRbacRules(rules, rulesScope);
  const tree = decodeMatcher(matcher, { inputs, actions: TREE_ACTIONS }, scope);
  if (tree === undefined) return undefined;
  const logs = [...actionsOf(tree)].some(({ action }) => action === "log");
  return { action: "allow", policies: [], tree: { tree, logs } };
}

function decodePolicy(name: string, message: Policy, scope: DecodeScope): RbacPolicy | undefined {
  checkShape(RBAC_POLICY_SHAPE, message, scope);
  const permission = several("or", message.permissions, decodePermission, scope.field("permissions"));
  const principal = several("or", message.principals, decodePrincipal, scope.field("principals"));
  return { name, permission, principal };
}

function several<T>(
  kind: "and" | "or",
  messages: readonly T[],
  decode: (message: T, scope: DecodeScope) => RbacRule | undefined,
  scope: DecodeScope,
): RbacRule {
  const rules: RbacRule[] = [];
  messages.forEach((message, i) => {
    const rule = decode(message, scope.item(i));
    if (rule !== undefined) rules.push(rule);
  });
  if (messages.length === 0) scope.problem("at least one rule is needed; use any: true");
  const only = rules.length === 1 ? rules[0] : undefined;
  return only ?? { kind, rules };
}

function decodePermission(message: Permission, scope: DecodeScope): RbacRule | undefined {
  checkShape(RBAC_PERMISSION_SHAPE, message, scope);
  const rule = message.rule;
  switch (rule.case) {
    case "any":
      return { kind: "any" };
    case "andRules":
      return several("and", rule.value.rules, decodePermission, scope.field("and_rules.rules"));
    case "orRules":
      return several("or", rule.value.rules, decodePermission, scope.field("or_rules.rules"));
    case "notRule":
      return negate(decodePermission(rule.value, scope.field("not_rule")));
    case "header": {
      const match = decodeHeaderMatch(rule.value, scope.field("header"));
      return match === undefined ? undefined : { kind: "header", match };
    }
    case "urlPath":
      return decodePath(rule.value, scope.field("url_path"));
    case "destinationIp":
      return ofCidr("destination-ip", decodeCidr(rule.value, scope.field("destination_ip")));
    case "destinationPort":
      return { kind: "destination-port", start: rule.value, end: rule.value + 1 };
    case "destinationPortRange":
      return { kind: "destination-port", start: rule.value.start, end: rule.value.end };
    case "metadata": {
      const match = decodeMetadataMatch(rule.value, scope.field("metadata"));
      return match === undefined ? undefined : { kind: "metadata", match };
    }
    case "requestedServerName": {
      const match = decodeStringMatch(rule.value, scope.field("requested_server_name"));
      return match === undefined ? undefined : { kind: "server-name", match };
    }
    case undefined:
      scope.problem("a permission is empty; use any: true");
      return undefined;
    default:
      return undefined;
  }
}

function decodePrincipal(message: Principal, scope: DecodeScope): RbacRule | undefined {
  checkShape(RBAC_PRINCIPAL_SHAPE, message, scope);
  const id = message.identifier;
  switch (id.case) {
    case "any":
      return { kind: "any" };
    case "andIds":
      return several("and", id.value.ids, decodePrincipal, scope.field("and_ids.ids"));
    case "orIds":
      return several("or", id.value.ids, decodePrincipal, scope.field("or_ids.ids"));
    case "notId":
      return negate(decodePrincipal(id.value, scope.field("not_id")));
    case "authenticated": {
      const name = id.value.principalName;
      if (name === undefined) return { kind: "authenticated", name: undefined };
      const match = decodeStringMatch(name, scope.field("authenticated.principal_name"));
      return match === undefined ? undefined : { kind: "authenticated", name: match };
    }
    case "sourceIp":
      return ofCidr("source-ip", decodeCidr(id.value, scope.field("source_ip")));
    case "directRemoteIp":
      return ofCidr("direct-ip", decodeCidr(id.value, scope.field("direct_remote_ip")));
    case "remoteIp":
      return ofCidr("remote-ip", decodeCidr(id.value, scope.field("remote_ip")));
    case "header": {
      const match = decodeHeaderMatch(id.value, scope.field("header"));
      return match === undefined ? undefined : { kind: "header", match };
    }
    case "urlPath":
      return decodePath(id.value, scope.field("url_path"));
    case "metadata": {
      const match = decodeMetadataMatch(id.value, scope.field("metadata"));
      return match === undefined ? undefined : { kind: "metadata", match };
    }
    case undefined:
      scope.problem("a principal is empty; use any: true");
      return undefined;
    default:
      return undefined;
  }
}

function decodePath(message: PathMatcher, scope: DecodeScope): RbacRule | undefined {
  const matcher = message.rule.value;
  const match = matcher === undefined ? undefined : decodeStringMatch(matcher, scope.field("path"), "bytes");
  return match === undefined ? undefined : { kind: "path", match };
}

function ofCidr(
  kind: "destination-ip" | "source-ip" | "direct-ip" | "remote-ip",
  cidr: ReturnType<typeof decodeCidr>,
): RbacRule | undefined {
  return cidr === undefined ? undefined : { kind, cidr };
}

function negate(rule: RbacRule | undefined): RbacRule | undefined {
  return rule === undefined ? undefined : { kind: "not", rule };
}
