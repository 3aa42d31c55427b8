import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Authorization, MeshSettings } from "@heddle/model";
import { RBAC_Action, type RBACSchema } from "@heddle/xds-api/envoy/config/rbac/v3/rbac";
import { type CustomAccess, customAccess } from "./custom-access.ts";
import { policyOf } from "./rule-policy.ts";

type Rbac = MessageInitShape<typeof RBACSchema>;

/** What the policies of one action come to, for one kind of traffic. */
export interface AccessRules {
  /** Undefined: nobody is denied. */
  readonly deny: Rbac | undefined;
  /** Undefined: no policy allows, so everybody may. */
  readonly allow: Rbac | undefined;
  /** What others decide about. */
  readonly custom: CustomAccess;
}

/** CUSTOM is asked first, then DENY, then ALLOW. Source: istio pilot/pkg/security/authz/builder. */
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
  return { deny: of("DENY"), allow: of("ALLOW"), custom: customAccess(policies, settings, http) };
}
