import type { JsonObject } from "@bufbuild/protobuf";
import type { FaultDelay, FaultRateLimit } from "@heddle/xds-api/envoy/extensions/filters/common/fault/v3/fault";
import {
  type FaultAbort,
  FaultAbortSchema,
  type HTTPFault,
  HTTPFaultSchema,
} from "@heddle/xds-api/envoy/extensions/filters/http/fault/v3/fault";
import type { RuntimeShare } from "../../runtime/runtime.ts";
import { decodeDuration } from "../duration-field.ts";
import { runtimeFraction } from "../fraction.ts";
import { decodeHeaderMatch, type HeaderMatch } from "../header-match.ts";
import type { DecodeScope } from "../scope.ts";
import { checkShape, shape } from "../shape.ts";

/** A delay; the request's own header says how long when `ms` is undefined. */
export interface FaultDelayConfig {
  readonly ms: number | undefined;
  readonly fraction: RuntimeShare;
}

/** An answer instead of the upstream's; the request's own header says which when both are undefined. */
export interface FaultAbortConfig {
  readonly httpStatus: number | undefined;
  readonly grpcStatus: number | undefined;
  readonly fraction: RuntimeShare;
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
  readonly slow: FaultRateConfig | undefined;
  /** What delays and aborts leave for logs; undefined: nothing. */
  readonly metadata: JsonObject | undefined;
}

/** A slow response; the request's own header says how slow when `kbps` is undefined. */
export interface FaultRateConfig {
  /** Units: KiB a second. */
  readonly kbps: number | undefined;
  readonly fraction: RuntimeShare;
}

export const FAULT_SHAPE = shape(
  HTTPFaultSchema,
  [
    "delay",
    "abort",
    "upstream_cluster",
    "headers",
    "downstream_nodes",
    "max_active_faults",
    "response_rate_limit",
    "delay_percent_runtime",
    "abort_percent_runtime",
    "response_rate_limit_percent_runtime",
    "filter_metadata",
  ],
  {
    "delay_duration_runtime abort_http_status_runtime max_active_faults_runtime abort_grpc_status_runtime":
      "the runtime changes percentages; durations, statuses and limits are those of the configuration",
  },
  {},
  {
    only: {
      disable_downstream_cluster_stats: {
        values: ["false"],
        reason: "faults are counted in all; choose by stats_matcher",
      },
    },
  },
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
    delay:
      message.delay === undefined
        ? undefined
        : decodeDelay(
            message.delay,
            message.delayPercentRuntime || "fault.http.delay.fixed_delay_percent",
            scope.field("delay"),
          ),
    abort:
      message.abort === undefined
        ? undefined
        : decodeAbort(
            message.abort,
            message.abortPercentRuntime || "fault.http.abort.abort_percent",
            scope.field("abort"),
          ),
    cluster: message.upstreamCluster,
    headers,
    downstreamNodes: message.downstreamNodes,
    maxActive: message.maxActiveFaults,
    metadata: message.filterMetadata,
    slow:
      message.responseRateLimit === undefined
        ? undefined
        : decodeRate(
            message.responseRateLimit,
            message.responseRateLimitPercentRuntime || "fault.http.rate_limit.response_percent",
            scope.field("response_rate_limit"),
          ),
  };
}

function decodeDelay(message: FaultDelay, key: string, scope: DecodeScope): FaultDelayConfig {
  const specifier = message.faultDelaySecifier;
  if (specifier.case === undefined) scope.problem("a delay needs fixed_delay or header_delay");
  return {
    ms:
      specifier.case === "fixedDelay" ? (decodeDuration(specifier.value, scope.field("fixed_delay")) ?? 0) : undefined,
    fraction: runtimeFraction({ defaultValue: message.percentage, runtimeKey: key }, 0),
  };
}

function decodeRate(message: FaultRateLimit, key: string, scope: DecodeScope): FaultRateConfig {
  const limit = message.limitType;
  if (limit.case === undefined) scope.problem("a rate limit needs fixed_limit or header_limit");
  if (limit.case === "fixedLimit" && limit.value.limitKbps === 0n)
    scope.field("fixed_limit.limit_kbps").problem("a limit of zero would never let anything through");
  return {
    kbps: limit.case === "fixedLimit" ? Number(limit.value.limitKbps) : undefined,
    fraction: runtimeFraction({ defaultValue: message.percentage, runtimeKey: key }, 0),
  };
}

function decodeAbort(message: FaultAbort, key: string, scope: DecodeScope): FaultAbortConfig {
  checkShape(FAULT_ABORT_SHAPE, message, scope);
  const type = message.errorType;
  if (type.case === undefined) scope.problem("an abort needs http_status, grpc_status or header_abort");
  if (type.case === "httpStatus" && (type.value < 200 || type.value > 599))
    scope.field("http_status").problem(`${type.value} is not a status from 200 to 599`);
  return {
    httpStatus: type.case === "httpStatus" ? type.value : undefined,
    grpcStatus: type.case === "grpcStatus" ? type.value : undefined,
    fraction: runtimeFraction({ defaultValue: message.percentage, runtimeKey: key }, 0),
  };
}
