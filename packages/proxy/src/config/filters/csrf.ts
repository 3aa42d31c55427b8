import { type CsrfPolicy, CsrfPolicySchema } from "@heddle/xds-api/envoy/extensions/filters/http/csrf/v3/csrf";
import type { RuntimeShare } from "../../runtime/runtime.ts";
import { runtimeFraction } from "../fraction.ts";
import type { DecodeScope } from "../scope.ts";
import { checkShape, shape } from "../shape.ts";
import { decodeStringMatch, type StringMatch } from "../string-match.ts";

/** Which sites' pages may change something here. */
export interface CsrfConfig {
  readonly kind: "csrf";
  readonly enabled: RuntimeShare;
  /** Requests that are only counted. */
  readonly shadowed: RuntimeShare;
  /** Beside the site that the request goes to. */
  readonly origins: readonly StringMatch[];
}

export const CSRF_SHAPE = shape(CsrfPolicySchema, ["filter_enabled", "shadow_enabled", "additional_origins"]);

/** Errors: no `filter_enabled`. */
export function decodeCsrf(message: CsrfPolicy, scope: DecodeScope): CsrfConfig {
  checkShape(CSRF_SHAPE, message, scope);
  if (message.filterEnabled === undefined) scope.field("filter_enabled").problem("is required");
  const origins: StringMatch[] = [];
  message.additionalOrigins.forEach((item, i) => {
    const match = decodeStringMatch(item, scope.field("additional_origins").item(i), "bytes");
    if (match !== undefined) origins.push(match);
  });
  return {
    kind: "csrf",
    enabled: runtimeFraction(message.filterEnabled, 0),
    shadowed: runtimeFraction(message.shadowEnabled, 0),
    origins,
  };
}
