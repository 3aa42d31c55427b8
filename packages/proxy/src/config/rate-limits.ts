import {
  type RateLimit,
  type RateLimit_Action,
  RateLimit_Action_MetaData_Source,
  RateLimit_ActionSchema,
  RateLimitSchema,
} from "@heddle/xds-api/envoy/config/route/v3/route_components";
import type { MetadataKey } from "@heddle/xds-api/envoy/type/metadata/v3/metadata";
import { decodeHeaderMatch, type HeaderMatch } from "./header-match.ts";
import { decodeQuery, type QueryMatch } from "./route-match.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";

/** A place in metadata. */
export interface MetadataPath {
  readonly filter: string;
  readonly path: readonly string[];
}

/** Makes one entry of a descriptor out of a request. Source: Envoy `RateLimit.Action`. */
export type RateLimitAction =
  | { readonly kind: "source-cluster" | "destination-cluster" | "remote-address" }
  | { readonly kind: "masked-address"; readonly v4Bits: number; readonly v6Bits: number }
  | { readonly kind: "header"; readonly name: string; readonly key: string; readonly skipAbsent: boolean }
  | { readonly kind: "constant"; readonly key: string; readonly value: string }
  | {
      readonly kind: "header-match";
      readonly key: string;
      readonly value: string;
      readonly expected: boolean;
      readonly headers: readonly HeaderMatch[];
    }
  | {
      readonly kind: "query-match";
      readonly key: string;
      readonly value: string;
      readonly expected: boolean;
      readonly query: readonly QueryMatch[];
    }
  | {
      readonly kind: "metadata";
      readonly key: string;
      readonly from: "request" | "route";
      readonly place: MetadataPath;
      /** "": none. */
      readonly fallback: string;
      readonly skipAbsent: boolean;
    };

/** How requests of a route are counted. */
export interface RateLimitPolicy {
  readonly stage: number;
  readonly actions: readonly RateLimitAction[];
}

export const RATE_LIMIT_SHAPE = shape(
  RateLimitSchema,
  ["stage", "actions"],
  { disable_key: "there is no runtime that could switch it off" },
  { limit: "limits come from the rate limit service or the local filter, not from metadata" },
);
export const RATE_LIMIT_ACTION_SHAPE = shape(
  RateLimit_ActionSchema,
  [
    "source_cluster",
    "destination_cluster",
    "request_headers",
    "remote_address",
    "masked_remote_address",
    "generic_key",
    "header_value_match",
    "query_parameter_value_match",
    "dynamic_metadata",
    "metadata",
  ],
  {},
  { extension: "there are no descriptor extensions; use the built-in actions" },
);

/** Undefined when there is none, so that requests test one field. */
export function decodeRateLimits(
  messages: readonly RateLimit[],
  scope: DecodeScope,
): readonly RateLimitPolicy[] | undefined {
  if (messages.length === 0) return undefined;
  return messages.map((message, i) => {
    const at = scope.item(i);
    checkShape(RATE_LIMIT_SHAPE, message, at);
    if (message.actions.length === 0) at.field("actions").problem("a rate limit needs at least one action");
    const actions: RateLimitAction[] = [];
    message.actions.forEach((action, j) => {
      const decoded = decodeAction(action, at.field("actions").item(j));
      if (decoded !== undefined) actions.push(decoded);
    });
    return { stage: message.stage ?? 0, actions };
  });
}

function decodeAction(message: RateLimit_Action, scope: DecodeScope): RateLimitAction | undefined {
  checkShape(RATE_LIMIT_ACTION_SHAPE, message, scope);
  const action = message.actionSpecifier;
  switch (action.case) {
    case "sourceCluster":
      return { kind: "source-cluster" };
    case "destinationCluster":
      return { kind: "destination-cluster" };
    case "remoteAddress":
      return { kind: "remote-address" };
    case "maskedRemoteAddress":
      return {
        kind: "masked-address",
        v4Bits: action.value.v4PrefixMaskLen ?? 32,
        v6Bits: action.value.v6PrefixMaskLen ?? 128,
      };
    case "requestHeaders":
      return {
        kind: "header",
        name: action.value.headerName.toLowerCase(),
        key: action.value.descriptorKey,
        skipAbsent: action.value.skipIfAbsent,
      };
    case "genericKey":
      return {
        kind: "constant",
        key: action.value.descriptorKey || "generic_key",
        value: action.value.descriptorValue,
      };
    case "headerValueMatch": {
      const headers: HeaderMatch[] = [];
      action.value.headers.forEach((header, i) => {
        const match = decodeHeaderMatch(header, scope.field("header_value_match.headers").item(i));
        if (match !== undefined) headers.push(match);
      });
      return { kind: "header-match", ...expectation(action.value, "header_match"), headers };
    }
    case "queryParameterValueMatch": {
      const query: QueryMatch[] = [];
      action.value.queryParameters.forEach((parameter, i) => {
        const at = scope.field("query_parameter_value_match.query_parameters").item(i);
        const match = decodeQuery(parameter, at);
        if (match !== undefined) query.push(match);
      });
      return { kind: "query-match", ...expectation(action.value, "query_match"), query };
    }
    case "dynamicMetadata":
    case "metadata": {
      const { descriptorKey, metadataKey, defaultValue } = action.value;
      const route = action.case === "metadata" && action.value.source === RateLimit_Action_MetaData_Source.ROUTE_ENTRY;
      return {
        kind: "metadata",
        key: descriptorKey,
        from: route ? "route" : "request",
        place: metadataPath(metadataKey),
        fallback: defaultValue,
        skipAbsent: action.case === "metadata" && action.value.skipIfAbsent,
      };
    }
    default:
      if (action.case === undefined) scope.problem("a rate limit action is empty");
      return undefined;
  }
}

function expectation(
  value: {
    readonly descriptorKey: string;
    readonly descriptorValue: string;
    readonly expectMatch?: boolean | undefined;
  },
  key: string,
): { readonly key: string; readonly value: string; readonly expected: boolean } {
  return { key: value.descriptorKey || key, value: value.descriptorValue, expected: value.expectMatch ?? true };
}

export function metadataPath(key: MetadataKey | undefined): MetadataPath {
  const path = (key?.path ?? []).map((p) => (p.segment.case === "key" ? p.segment.value : ""));
  return { filter: key?.key ?? "", path };
}
