// Hot path: once per request where tracing is configured.
import { HEADER_ID, type HeaderList } from "@heddle/wire";
import type { RequestIdConfig, Sampling } from "../../config/tracing.ts";
import type { Runtime } from "../../runtime/runtime.ts";

const X_REQUEST_ID = HEADER_ID["x-request-id"];
const X_CLIENT_TRACE_ID = HEADER_ID["x-client-trace-id"];
const X_ENVOY_FORCE_TRACE = HEADER_ID["x-envoy-force-trace"];

/** Why a request is traced; Envoy counts each. */
export type TraceReason = "not_traceable" | "random_sampling" | "service_forced" | "client_enabled";

/** Where a UUID says its version, and Envoy the reason. Source: Envoy `UUIDRequestIDExtension`. */
const REASON_AT = 14;
const REASONS: Readonly<Record<string, TraceReason>> = {
  "9": "random_sampling",
  a: "service_forced",
  b: "client_enabled",
};
const MARKS: Readonly<Record<TraceReason, string>> = {
  not_traceable: "4",
  random_sampling: "9",
  service_forced: "a",
  client_enabled: "b",
};
const STEPS = 10_000;
/** 0.0099 of them is a little more than 99. */
const ROUNDING = 1e-9;

/**
 * Decides from the request id, so that every proxy on the way decides alike, and writes the decision into it.
 * Source: Envoy `ConnectionManagerUtility::mutateTracingRequestHeader`. Unlike Envoy a request id that does not decide leaves random
 * sampling to chance instead of taking every request.
 */
export function decideTrace(
  headers: HeaderList,
  sampling: Sampling,
  ids: RequestIdConfig,
  random: () => number,
  runtime: Runtime,
): TraceReason {
  const id = headers.getId(X_REQUEST_ID) ?? "";
  let step = ids.decides ? Number.parseInt(id.slice(0, 8), 16) % STEPS : Math.trunc(random() * STEPS);
  if (Number.isNaN(step)) {
    // Not a UUID: forced traces only.
    step = STEPS - 1;
    if (!headers.hasId(X_ENVOY_FORCE_TRACE) && !headers.hasId(X_CLIENT_TRACE_ID)) return "not_traceable";
  }
  const isUuid = id.length === 36 && id.charAt(REASON_AT - 1) === "-";
  const before = isUuid ? (REASONS[id.charAt(REASON_AT)] ?? "not_traceable") : "not_traceable";
  let reason = before;
  if (reason === "not_traceable") {
    if (headers.hasId(X_CLIENT_TRACE_ID) && random() < runtime.share(sampling.client)) reason = "client_enabled";
    else if (headers.hasId(X_ENVOY_FORCE_TRACE)) reason = "service_forced";
    else if (step < runtime.share(sampling.random) * STEPS - ROUNDING) reason = "random_sampling";
  }
  if (reason !== "not_traceable" && step >= runtime.share(sampling.overall) * STEPS - ROUNDING)
    reason = "not_traceable";
  if (reason !== before && isUuid && ids.packReason)
    headers.setId(X_REQUEST_ID, `${id.slice(0, REASON_AT)}${MARKS[reason]}${id.slice(REASON_AT + 1)}`);
  return reason;
}
