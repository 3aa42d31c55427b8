import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import type { CorsPolicy, HttpFault } from "@heddle/config";
import { GRPC_CODES } from "@heddle/std";
import { packAny } from "@heddle/xds-api";
import type { FaultDelaySchema } from "@heddle/xds-api/envoy/extensions/filters/common/fault/v3/fault";
import { CorsPolicySchema } from "@heddle/xds-api/envoy/extensions/filters/http/cors/v3/cors";
import { type FaultAbortSchema, HTTPFaultSchema } from "@heddle/xds-api/envoy/extensions/filters/http/fault/v3/fault";
import { FractionalPercent_DenominatorType, type FractionalPercentSchema } from "@heddle/xds-api/envoy/type/v3/percent";
import { protoDuration } from "../proto-duration.ts";
import { stringMatcher } from "./route-match.ts";

type Fraction = MessageInitShape<typeof FractionalPercentSchema>;

/** A percentage with Envoy's finest step, a ten-thousandth of a percent. Default: 100. */
export function fraction(percent: number | undefined): Fraction {
  return { numerator: Math.round((percent ?? 100) * 10_000), denominator: FractionalPercent_DenominatorType.MILLION };
}

/** Configuration of the fault filter for one route; undefined when nothing is to go wrong. */
export function faultConfig(fault: HttpFault | undefined): Any | undefined {
  const delay = fault?.delay;
  const abort = fault?.abort;
  const parts: {
    delay?: MessageInitShape<typeof FaultDelaySchema>;
    abort?: MessageInitShape<typeof FaultAbortSchema>;
  } = {};
  if (delay?.fixedDelay !== undefined) {
    parts.delay = {
      percentage: fraction(delay.percentage?.value ?? delay.percent),
      faultDelaySecifier: { case: "fixedDelay", value: protoDuration(delay.fixedDelay) },
    };
  }
  if (abort?.httpStatus !== undefined) {
    parts.abort = {
      percentage: fraction(abort.percentage?.value),
      errorType: { case: "httpStatus", value: abort.httpStatus },
    };
  } else if (abort?.grpcStatus !== undefined) {
    const code = GRPC_CODES.indexOf(abort.grpcStatus);
    parts.abort = {
      percentage: fraction(abort.percentage?.value),
      errorType: { case: "grpcStatus", value: code < 0 ? Number(abort.grpcStatus) || 2 : code },
    };
  }
  if (parts.delay === undefined && parts.abort === undefined) return undefined;
  return packAny(HTTPFaultSchema, create(HTTPFaultSchema, parts));
}

/** Configuration of the CORS filter for one route. */
export function corsConfig(cors: CorsPolicy | undefined): Any | undefined {
  if (cors === undefined) return undefined;
  const exact = cors.allowOrigin.map((origin) => stringMatcher(origin === "*" ? { regex: ".*" } : { exact: origin }));
  return packAny(
    CorsPolicySchema,
    create(CorsPolicySchema, {
      allowOriginStringMatch: [...cors.allowOrigins.map(stringMatcher), ...exact],
      allowMethods: cors.allowMethods.join(","),
      allowHeaders: cors.allowHeaders.join(","),
      exposeHeaders: cors.exposeHeaders.join(","),
      ...(cors.maxAge === undefined ? {} : { maxAge: String(Math.round(cors.maxAge / 1000)) }),
      ...(cors.allowCredentials === undefined ? {} : { allowCredentials: cors.allowCredentials }),
      forwardNotMatchingPreflights: cors.unmatchedPreflights !== "IGNORE",
    }),
  );
}
