import type { MessageInitShape } from "@bufbuild/protobuf";
import type { AuthorizationOperation, AuthorizationRule } from "@heddle/config";
import type { Authorization, MeshSettings } from "@heddle/model";
import { type PolicySchema, RBAC_Action, type RBACSchema } from "@heddle/xds-api/envoy/config/rbac/v3/rbac";
import { allOf as allPermissions, conditionPermissions, operationPermission } from "./permissions.ts";
import { allOf as allPrincipals, conditionPrincipals, sourcePrincipal } from "./principals.ts";

type Rbac = MessageInitShape<typeof RBACSchema>;
type Policy = MessageInitShape<typeof PolicySchema>;

/** What the policies of one action come to, for one kind of traffic. */
export interface AccessRules {
  /** Undefined: nobody is denied. */
  readonly deny: Rbac | undefined;
  /** Undefined: no policy allows, so everybody may. */
  readonly allow: Rbac | undefined;
}

/** DENY is asked first, then ALLOW. Source: istio pilot/pkg/security/authz/builder. */
export function accessRules(policies: readonly Authorization[], settings: MeshSettings, http: boolean): AccessRules {
  const of = (action: "ALLOW" | "DENY"): Rbac | undefined => {
    const found = policies.filter((policy) => policy.action === action);
    if (found.length === 0) return undefined;
    const rules = found.flatMap(({ source, rules: own }) =>
      own.flatMap((rule, index) => {
        const policy = policyOf(rule, action, { settings, namespace: source.namespace }, http);
        return policy === undefined
          ? []
          : [[`ns[${source.namespace}]-policy[${source.name}]-rule[${index}]`, policy] as const];
      }),
    );
    if (action === "DENY" && rules.length === 0) return undefined;
    return { action: action === "DENY" ? RBAC_Action.DENY : RBAC_Action.ALLOW, policies: Object.fromEntries(rules) };
  };
  return { deny: of("DENY"), allow: of("ALLOW") };
}

function policyOf(
  rule: AuthorizationRule,
  action: "ALLOW" | "DENY",
  context: { readonly settings: MeshSettings; readonly namespace: string },
  http: boolean,
): Policy | undefined {
  // Where the bytes are not read as HTTP, allowing by HTTP would allow too much and denying by it too little: the rule is left out,
  // or denies by what remains.
  if (!http && action === "ALLOW" && needsHttp(rule)) return undefined;
  const when = rule.when.filter((condition) => http || !condition.key.startsWith("request."));
  const permissions = when.flatMap((condition) => conditionPermissions(condition) ?? []);
  const principals = when.flatMap((condition) => conditionPrincipals(condition, context) ?? []);
  const operations = rule.to.map(({ operation }) => operationPermission(operation, http));
  const sources = rule.from.map(({ source }) => sourcePrincipal(source, context));
  return {
    permissions: (operations.length === 0 ? [allPermissions([])] : operations).map((one) =>
      permissions.length === 0 ? one : allPermissions([one, ...permissions]),
    ),
    principals: (sources.length === 0 ? [allPrincipals([])] : sources).map((one) =>
      principals.length === 0 ? one : allPrincipals([one, ...principals]),
    ),
  };
}

function needsHttp(rule: AuthorizationRule): boolean {
  const http = (operation: AuthorizationOperation): boolean =>
    [
      operation.hosts,
      operation.notHosts,
      operation.methods,
      operation.notMethods,
      operation.paths,
      operation.notPaths,
    ].some((values) => values.length > 0);
  return rule.to.some(({ operation }) => http(operation)) || rule.when.some(({ key }) => key.startsWith("request."));
}
