import type { MessageInitShape } from "@bufbuild/protobuf";
import type { AuthorizationOperation, AuthorizationRule } from "@heddle/config";
import type { MeshSettings } from "@heddle/model";
import type { PolicySchema } from "@heddle/xds-api/envoy/config/rbac/v3/rbac";
import { allOf as allPermissions, conditionPermissions, operationPermission } from "./permissions.ts";
import { allOf as allPrincipals, conditionPrincipals, sourcePrincipal } from "./principals.ts";

type Policy = MessageInitShape<typeof PolicySchema>;

/** One rule as Envoy says it; undefined: it selects nothing that is not read as HTTP. */
export function policyOf(
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
