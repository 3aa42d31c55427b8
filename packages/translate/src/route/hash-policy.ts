import type { MessageInitShape } from "@bufbuild/protobuf";
import type { OutboundView } from "@heddle/model";
import type { RouteAction_HashPolicySchema } from "@heddle/xds-api/envoy/config/route/v3/route_components";
import { effectivePolicy } from "../cluster/effective-policy.ts";
import { protoDuration } from "../proto-duration.ts";

/** What requests to a host are hashed by, when its DestinationRule asks for a consistent hash. */
export function hashPolicies(
  view: Pick<OutboundView, "policies">,
  host: string,
  port: number,
  subset: string | undefined,
): MessageInitShape<typeof RouteAction_HashPolicySchema>[] {
  const hash = effectivePolicy(view.policies[host], port, subset).loadBalancer?.consistentHash;
  if (hash === undefined) return [];
  if (hash.httpHeaderName !== undefined) {
    return [{ policySpecifier: { case: "header", value: { headerName: hash.httpHeaderName } } }];
  }
  if (hash.httpCookie !== undefined) {
    const { name, path, ttl, attributes } = hash.httpCookie;
    const value = {
      name,
      path,
      attributes: attributes.map((entry) => ({ ...entry })),
      ...(ttl === undefined ? {} : { ttl: protoDuration(ttl) }),
    };
    return [{ policySpecifier: { case: "cookie", value } }];
  }
  if (hash.httpQueryParameterName !== undefined) {
    return [{ policySpecifier: { case: "queryParameter", value: { name: hash.httpQueryParameterName } } }];
  }
  return hash.useSourceIp === true
    ? [{ policySpecifier: { case: "connectionProperties", value: { sourceIp: true } } }]
    : [];
}
