import {
  type InternalRedirectPolicy,
  InternalRedirectPolicySchema,
} from "@heddle/xds-api/envoy/config/route/v3/route_components";
import { AllowListedRoutesConfigSchema } from "@heddle/xds-api/envoy/extensions/internal_redirect/allow_listed_routes/v3/allow_listed_routes_config";
import { PreviousRoutesConfigSchema } from "@heddle/xds-api/envoy/extensions/internal_redirect/previous_routes/v3/previous_routes_config";
import { SafeCrossSchemeConfigSchema } from "@heddle/xds-api/envoy/extensions/internal_redirect/safe_cross_scheme/v3/safe_cross_scheme_config";
import { type AnyTable, decodeAny, messageEntry } from "./any-field.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";

/** Redirects that the proxy follows itself. */
export interface InternalRedirectConfig {
  readonly max: number;
  readonly statuses: ReadonlySet<number>;
  readonly crossScheme: boolean;
  /** To https only from https. */
  readonly safeCrossScheme: boolean;
  /** A route is not taken twice. */
  readonly onlyNewRoutes: boolean;
  /** Undefined: any. */
  readonly allowedRoutes: readonly string[] | undefined;
  readonly copyHeaders: readonly string[];
}

export const INTERNAL_REDIRECT_SHAPE = shape(InternalRedirectPolicySchema, [
  "max_internal_redirects",
  "redirect_response_codes",
  "predicates",
  "allow_cross_scheme_redirect",
  "response_headers_to_copy",
]);

type Predicate = Partial<Pick<InternalRedirectConfig, "safeCrossScheme" | "onlyNewRoutes" | "allowedRoutes">>;

const PREDICATES: AnyTable<Predicate> = {
  [PreviousRoutesConfigSchema.typeName]: messageEntry(PreviousRoutesConfigSchema, () => ({ onlyNewRoutes: true })),
  [SafeCrossSchemeConfigSchema.typeName]: messageEntry(SafeCrossSchemeConfigSchema, () => ({ safeCrossScheme: true })),
  [AllowListedRoutesConfigSchema.typeName]: messageEntry(AllowListedRoutesConfigSchema, (message) => ({
    allowedRoutes: message.allowedRouteNames,
  })),
};

export function decodeInternalRedirect(
  message: InternalRedirectPolicy | undefined,
  scope: DecodeScope,
): InternalRedirectConfig | undefined {
  if (message === undefined) return undefined;
  checkShape(INTERNAL_REDIRECT_SHAPE, message, scope);
  let predicates: Predicate = {};
  message.predicates.forEach((item, i) => {
    const at = scope.field("predicates").item(i).field("typed_config");
    predicates = { ...predicates, ...decodeAny(item.typedConfig, PREDICATES, at) };
  });
  const codes = message.redirectResponseCodes.filter((code) => code === 301 || (code >= 302 && code <= 308));
  return {
    max: message.maxInternalRedirects ?? 1,
    statuses: new Set(codes.length === 0 ? [302] : codes),
    crossScheme: message.allowCrossSchemeRedirect,
    safeCrossScheme: predicates.safeCrossScheme ?? false,
    onlyNewRoutes: predicates.onlyNewRoutes ?? false,
    allowedRoutes: predicates.allowedRoutes,
    copyHeaders: message.responseHeadersToCopy.map((name) => name.toLowerCase()),
  };
}
