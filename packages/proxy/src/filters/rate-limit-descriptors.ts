import type { JsonValue } from "@bufbuild/protobuf";
import type { HostPolicies } from "../config/filters/local-rate-limit.ts";
import type { RateLimitAction, RateLimitPolicy } from "../config/rate-limits.ts";
import { metadataValue } from "../config/value-match.ts";
import { chooseCluster } from "../router/cluster-choice.ts";
import { pseudoHeader } from "../router/header-values.ts";
import { matchesHeader, matchesQuery } from "../router/route-matcher.ts";
import { maskIp } from "../transport/address.ts";
import type { FilterCall } from "./http-filter.ts";

/** What a request counts under: keys with values, in order. */
export type Descriptor = readonly (readonly [key: string, value: string])[];

/** What descriptors need to know of the process. */
export interface DescriptorSurroundings {
  readonly random: () => number;
  /** Name of the service that this proxy stands for. */
  readonly serviceCluster: string;
}

/** The descriptors of a request; a policy with an action that finds nothing gives none. */
export function descriptorsOf(
  call: FilterCall,
  stage: number,
  hostPolicies: HostPolicies,
  around: DescriptorSurroundings,
): readonly Descriptor[] {
  const compiled = call.exchange.route;
  if (compiled === undefined) return NONE;
  const { action } = compiled.route;
  const own = action.kind === "forward" ? action.rateLimits : undefined;
  const withHost =
    hostPolicies === "also" ||
    (action.kind === "forward" && action.includeHostRateLimits) ||
    (hostPolicies === "when-route-has-none" && own === undefined);
  const host = withHost ? compiled.host.rateLimits : undefined;
  const descriptors: Descriptor[] = [];
  for (const policies of [own, host]) {
    for (const policy of policies ?? NO_POLICIES) {
      if (policy.stage !== stage) continue;
      const descriptor = describe(policy, call, around);
      if (descriptor !== undefined && descriptor.length > 0) descriptors.push(descriptor);
    }
  }
  return descriptors;
}

const NONE: readonly Descriptor[] = [];
const NO_POLICIES: readonly RateLimitPolicy[] = [];

function describe(policy: RateLimitPolicy, call: FilterCall, around: DescriptorSurroundings): Descriptor | undefined {
  const entries: (readonly [string, string])[] = [];
  for (const action of policy.actions) {
    const entry = entryOf(action, call, around);
    if (entry === "none") return undefined;
    if (entry !== "skip") entries.push(entry);
  }
  return entries;
}

function entryOf(
  action: RateLimitAction,
  call: FilterCall,
  around: DescriptorSurroundings,
): readonly [string, string] | "none" | "skip" {
  const { request } = call;
  switch (action.kind) {
    case "source-cluster":
      return ["source_cluster", around.serviceCluster];
    case "destination-cluster": {
      const target = call.exchange.route?.route.action;
      if (target?.kind !== "forward") return "none";
      return ["destination_cluster", chooseCluster(target.choice, request, around.random) ?? ""];
    }
    case "remote-address":
      return ["remote_address", call.clientIp()];
    case "masked-address": {
      const masked = maskIp(call.clientIp(), action.v4Bits, action.v6Bits);
      return masked === undefined ? "none" : ["masked_remote_address", masked];
    }
    case "header": {
      const value = headerOf(action.name, call);
      if (value !== undefined) return [action.key, value];
      return action.skipAbsent ? "skip" : "none";
    }
    case "constant":
      return [action.key, action.value];
    case "header-match":
      return action.headers.every((match) => matchesHeader(match, request)) === action.expected
        ? [action.key, action.value]
        : "none";
    case "query-match":
      return matchesQuery(action.query, request.path) === action.expected ? [action.key, action.value] : "none";
    case "metadata": {
      const found = metadataText(action, call);
      if (found !== undefined) return [action.key, found];
      if (action.fallback !== "") return [action.key, action.fallback];
      return action.skipAbsent ? "skip" : "none";
    }
  }
}

function headerOf(name: string, { request }: FilterCall): string | undefined {
  return pseudoHeader(name, request) ?? request.headers.getAll(name);
}

function metadataText(
  action: Extract<RateLimitAction, { readonly kind: "metadata" }>,
  call: FilterCall,
): string | undefined {
  const root: JsonValue | undefined =
    action.from === "route"
      ? call.exchange.route?.route.metadata?.[action.place.filter]
      : call.metadata.get(action.place.filter);
  const value = metadataValue(root, action.place.path);
  return typeof value === "string" && value !== "" ? value : undefined;
}
