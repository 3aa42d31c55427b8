import {
  type AdmissionControl,
  type AdmissionControl_SuccessCriteria,
  AdmissionControl_SuccessCriteria_GrpcCriteriaSchema,
  AdmissionControl_SuccessCriteria_HttpCriteriaSchema,
  AdmissionControl_SuccessCriteriaSchema,
  AdmissionControlSchema,
} from "@heddle/xds-api/envoy/extensions/filters/http/admission_control/v3/admission_control";
import type { RuntimeFlag, RuntimeNumber } from "../../runtime/runtime.ts";
import { decodeDuration } from "../duration-field.ts";
import { runtimeFlag, runtimeNumber } from "../fraction.ts";
import type { DecodeScope } from "../scope.ts";
import { checkShape, shape } from "../shape.ts";

/** Requests are refused here, the more of them the more fail behind. */
export interface AdmissionControlConfig {
  readonly kind: "admission-control";
  readonly enabled: RuntimeFlag;
  /** HTTP statuses of answers that count as a success: from, and up to without it. */
  readonly httpSuccess: readonly (readonly [from: number, below: number])[];
  readonly grpcSuccess: ReadonlySet<number>;
  /** Answers count for so long. */
  readonly windowMs: number;
  readonly aggression: RuntimeNumber;
  /** Nothing is refused while more of the answers are successes. Units: %. */
  readonly successThreshold: RuntimeNumber;
  /** Nothing is refused below so many requests. Units: 1/s. */
  readonly rateThreshold: RuntimeNumber;
  /** Units: %. */
  readonly maxRejection: RuntimeNumber;
}

export const ADMISSION_CONTROL_SHAPE = shape(AdmissionControlSchema, [
  "enabled",
  "success_criteria",
  "sampling_window",
  "aggression",
  "sr_threshold",
  "rps_threshold",
  "max_rejection_probability",
]);
export const SUCCESS_CRITERIA_SHAPE = shape(AdmissionControl_SuccessCriteriaSchema, ["http_criteria", "grpc_criteria"]);
export const HTTP_CRITERIA_SHAPE = shape(AdmissionControl_SuccessCriteria_HttpCriteriaSchema, ["http_success_status"]);
export const GRPC_CRITERIA_SHAPE = shape(AdmissionControl_SuccessCriteria_GrpcCriteriaSchema, ["grpc_success_status"]);

const DEFAULT_WINDOW_MS = 30_000;
/** All but those of servers. Source: Envoy `SuccessCriteriaEvaluator`. */
const DEFAULT_HTTP: AdmissionControlConfig["httpSuccess"] = [[100, 500]];
/** Source: measured, Envoy 1.40 (2026-11-22), each code. */
const DEFAULT_GRPC: ReadonlySet<number> = new Set([0, 1, 2, 3, 5, 6, 7, 9, 11, 12, 16]);

/** Errors: no criteria, ranges and codes that there are not, a threshold below 1 %. */
export function decodeAdmissionControl(message: AdmissionControl, scope: DecodeScope): AdmissionControlConfig {
  checkShape(ADMISSION_CONTROL_SHAPE, message, scope);
  const criteria = message.evaluationCriteria.value;
  if (criteria === undefined) scope.field("success_criteria").problem("is required; {} for the default");
  const threshold = percent(message.srThreshold, 95, scope.field("sr_threshold"));
  if (threshold.base < 1) scope.field("sr_threshold").problem("must be at least 1 %");
  const windowMs = decodeDuration(message.samplingWindow, scope.field("sampling_window")) ?? DEFAULT_WINDOW_MS;
  return {
    kind: "admission-control",
    enabled: runtimeFlag(message.enabled, true),
    ...decodeCriteria(criteria, scope.field("success_criteria")),
    // Source: Envoy counts in seconds.
    windowMs: Math.trunc(windowMs / 1000) * 1000,
    aggression: runtimeNumber(message.aggression, 1),
    successThreshold: threshold,
    rateThreshold: runtimeNumber(message.rpsThreshold, 0),
    maxRejection: percent(message.maxRejectionProbability, 80, scope.field("max_rejection_probability")),
  };
}

function percent(message: AdmissionControl["srThreshold"], absent: number, scope: DecodeScope): RuntimeNumber {
  const base = message === undefined ? absent : (message.defaultValue?.value ?? 0);
  if (base < 0 || base > 100) scope.field("default_value").problem("must be 0 to 100");
  return { key: message?.runtimeKey ?? "", base };
}

function decodeCriteria(
  message: AdmissionControl_SuccessCriteria | undefined,
  scope: DecodeScope,
): Pick<AdmissionControlConfig, "httpSuccess" | "grpcSuccess"> {
  if (message !== undefined) checkShape(SUCCESS_CRITERIA_SHAPE, message, scope);
  return {
    httpSuccess: decodeHttp(message, scope.field("http_criteria")),
    grpcSuccess: decodeGrpc(message, scope.field("grpc_criteria")),
  };
}

function decodeHttp(
  message: AdmissionControl_SuccessCriteria | undefined,
  scope: DecodeScope,
): AdmissionControlConfig["httpSuccess"] {
  const criteria = message?.httpCriteria;
  if (criteria === undefined) return DEFAULT_HTTP;
  checkShape(HTTP_CRITERIA_SHAPE, criteria, scope);
  const at = scope.field("http_success_status");
  if (criteria.httpSuccessStatus.length === 0) at.problem("needs at least one range");
  return criteria.httpSuccessStatus.map(({ start, end }, i) => {
    if (start > end || start < 100 || end > 600) at.item(i).problem(`${start} to ${end} is no range of HTTP statuses`);
    return [start, end];
  });
}

function decodeGrpc(message: AdmissionControl_SuccessCriteria | undefined, scope: DecodeScope): ReadonlySet<number> {
  const criteria = message?.grpcCriteria;
  if (criteria === undefined) return DEFAULT_GRPC;
  checkShape(GRPC_CRITERIA_SHAPE, criteria, scope);
  const at = scope.field("grpc_success_status");
  if (criteria.grpcSuccessStatus.length === 0) at.problem("needs at least one status");
  criteria.grpcSuccessStatus.forEach((status, i) => {
    if (status > 16) at.item(i).problem(`${status} is no gRPC status`);
  });
  return new Set(criteria.grpcSuccessStatus);
}
