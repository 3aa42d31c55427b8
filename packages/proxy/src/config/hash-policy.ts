import {
  type RouteAction_HashPolicy,
  RouteAction_HashPolicySchema,
} from "@heddle/xds-api/envoy/config/route/v3/route_components";
import { decodeDuration } from "./duration-field.ts";
import { compileRewrite, type RegexRewrite } from "./regex.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";

/** What part of a request decides its host in clusters with consistent hashing. */
export type HashPolicy = { readonly terminal: boolean } & (
  | { readonly kind: "header"; readonly name: string; readonly rewrite: RegexRewrite | undefined }
  /** `ttlSeconds`: the proxy makes the cookie when it is missing; undefined: it does not. */
  | {
      readonly kind: "cookie";
      readonly name: string;
      readonly ttlSeconds: number | undefined;
      readonly path: string;
      readonly attributes: string;
    }
  | { readonly kind: "source-ip" }
  | { readonly kind: "query"; readonly name: string }
  | { readonly kind: "filter-state"; readonly key: string }
);

export const HASH_POLICY_SHAPE = shape(RouteAction_HashPolicySchema, [
  "header",
  "cookie",
  "connection_properties",
  "query_parameter",
  "filter_state",
  "terminal",
]);

export function decodeHashPolicies(
  messages: readonly RouteAction_HashPolicy[],
  scope: DecodeScope,
): readonly HashPolicy[] {
  const policies: HashPolicy[] = [];
  messages.forEach((message, i) => {
    const policy = decodeHashPolicy(message, scope.item(i));
    if (policy !== undefined) policies.push(policy);
  });
  return policies;
}

function decodeHashPolicy(message: RouteAction_HashPolicy, scope: DecodeScope): HashPolicy | undefined {
  checkShape(HASH_POLICY_SHAPE, message, scope);
  const { terminal, policySpecifier: specifier } = message;
  switch (specifier.case) {
    case "header": {
      const rewrite = specifier.value.regexRewrite;
      return {
        terminal,
        kind: "header",
        name: specifier.value.headerName.toLowerCase(),
        rewrite:
          rewrite === undefined
            ? undefined
            : compileRewrite(
                rewrite.pattern?.regex ?? "",
                rewrite.substitution,
                scope.field("header.regex_rewrite.pattern.regex"),
              ),
      };
    }
    case "cookie": {
      const ms = decodeDuration(specifier.value.ttl, scope.field("cookie.ttl"));
      return {
        terminal,
        kind: "cookie",
        name: specifier.value.name,
        ttlSeconds: ms === undefined ? undefined : Math.trunc(ms / 1000),
        path: specifier.value.path,
        attributes: specifier.value.attributes
          .map((a) => (a.value === "" ? `; ${a.name}` : `; ${a.name}=${a.value}`))
          .join(""),
      };
    }
    case "connectionProperties":
      return specifier.value.sourceIp ? { terminal, kind: "source-ip" } : undefined;
    case "queryParameter":
      return { terminal, kind: "query", name: specifier.value.name };
    case "filterState":
      return { terminal, kind: "filter-state", key: specifier.value.key };
    case undefined:
      scope.problem("a hash policy needs one of header, cookie, connection_properties, query_parameter");
      return undefined;
    default:
      return undefined;
  }
}
