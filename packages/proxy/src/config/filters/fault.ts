import type { FaultDelay } from "@heddle/xds-api/envoy/extensions/filters/common/fault/v3/fault";
import {
  type FaultAbort,
  FaultAbortSchema,
  type HTTPFault,
  HTTPFaultSchema,
} from "@heddle/xds-api/envoy/extensions/filters/http/fault/v3/fault";
import { decodeDuration } from "../duration-field.ts";
import { fractionOf } from "../fraction.ts";
import { decodeHeaderMatch, type HeaderMatch } from "../header-match.ts";
import type { DecodeScope } from "../scope.ts";
import { checkShape, shape } from "../shape.ts";

/** A delay; the request's own header says how long when `ms` is undefined. */
export interface FaultDelayConfig {
  readonly ms: number | undefined;
  readonly fraction: number;
}

/** An answer instead of the upstream's; the request's own header says which when both are undefined. */
export interface FaultAbortConfig {
  readonly httpStatus: number | undefined;
  readonly grpcStatus: number | undefined;
  readonly fraction: number;
}

export interface FaultConfig {
  readonly kind: "fault";
  readonly delay: FaultDelayConfig | undefined;
  readonly abort: FaultAbortConfig | undefined;
  /** Only requests to this cluster; "": all. */
  readonly cluster: string;
  readonly headers: readonly HeaderMatch[];
  readonly downstreamNodes: readonly string[];
  readonly maxActive: number | undefined;
}

export const FAULT_SHAPE = shape(
  HTTPFaultSchema,
  ["delay", "abort", "upstream_cluster", "headers", "downstream_nodes", "max_active_faults"],
  {
    "delay_percent_runtime abort_percent_runtime delay_duration_runtime abort_http_status_runtime max_active_faults_runtime response_rate_limit_percent_runtime abort_grpc_status_runtime":
      "there is no runtime; the configured values hold",
    disable_downstream_cluster_stats: "only chooses statistics",
    filter_metadata: "only for access logs of Envoy",
  },
  { response_rate_limit: "responses are not slowed down" },
);
export const FAULT_ABORT_SHAPE = shape(FaultAbortSchema, ["http_status", "grpc_status", "header_abort", "percentage"]);

export function decodeFault(message: HTTPFault, scope: DecodeScope): FaultConfig {
  checkShape(FAULT_SHAPE, message, scope);
  const headers: HeaderMatch[] = [];
  message.headers.forEach((header, i) => {
    const match = decodeHeaderMatch(header, scope.field("headers").item(i));
    if (match !== undefined) headers.push(match);
  });
  return {
    kind: "fault",
    delay: message.delay === undefined ? undefined : decodeDelay(message.delay, scope.field("delay")),
    abort: message.abort === undefined ? undefined : decodeAbort(message.abort, scope.field("abort")),
    cluster: message.upstreamCluster,
    headers,
    downstreamNodes: message.downstreamNodes,
    maxActive: message.maxActiveFaults,
  };
}

function decodeDelay(message: FaultDelay, scope: DecodeScope): FaultDelayConfig {
  const specifier = message.faultDelaySecifier;
  if (specifier.case === undefined) scope.problem("a delay needs fixed_delay or header_delay");
  return {
    ms:
      specifier.case === "fixedDelay" ? (decodeDuration(specifier.value, scope.field("fixed_delay")) ?? 0) : undefined,
    fraction: message.percentage === undefined ? 0 : fractionOf(message.percentage),
  };
}

function decodeAbort(message: FaultAbort, scope: DecodeScope): FaultAbortConfig {
  checkShape(FAULT_ABORT_SHAPE, message, scope);
  const type = message.errorType;
  if (type.case === undefined) scope.problem("an abort needs http_status, grpc_status or header_abort");
  if (type.case === "httpStatus" && (type.value < 200 || type.value > 599))
    scope.field("http_status").problem(`${type.value} is not a status from 200 to 599`);
  return {
    httpStatus: type.case === "httpStatus" ? type.value : undefined,
    grpcStatus: type.case === "grpcStatus" ? type.value : undefined,
    fraction: message.percentage === undefined ? 0 : fractionOf(message.percentage),
  };
}
