import { grpcCodeOfHttpStatus, type WireFailure } from "@heddle/wire";
import { loggedFailure } from "./tls/logged-failure.ts";
import type { UpstreamFailure, UpstreamFailureCode } from "./upstream/failure.ts";

/** Everything that can end an exchange other than the upstream's own answer. */
export type TrafficFailureCode =
  | UpstreamFailureCode
  | "route-not-found"
  | "upgrade-refused"
  | "downstream-gone"
  | "downstream-protocol"
  | "stream-idle"
  | "request-timeout"
  | "max-duration"
  | "path-refused"
  | "no-host"
  | "path-redirected"
  | "denied"
  | "overload";

/** What the client and the statistics see of a failure. Source: Envoy's response flags, response code details and local replies. */
export interface Rescue {
  readonly status: number;
  /** Envoy's short response flag. */
  readonly flag: string;
  readonly details: string;
  readonly body: string;
  /** gRPC status that stands for it; the HTTP status decides when undefined. */
  readonly grpcStatus?: number;
}

const RESET_PREFIX = "upstream connect error or disconnect/reset before headers. reset reason: ";

/** The one table from failure to answer. */
const TABLE = {
  "route-not-found": { status: 404, flag: "NR", details: "route_not_found", body: "" },
  "no-cluster": { status: 503, flag: "NC", details: "cluster_not_found", body: "" },
  "no-healthy-host": { status: 503, flag: "UH", details: "no_healthy_upstream", body: "no healthy upstream" },
  overflow: {
    status: 503,
    flag: "UO",
    details: "upstream_reset_before_response_started{overflow}",
    body: `${RESET_PREFIX}overflow`,
  },
  "connect-failed": {
    status: 503,
    flag: "UF",
    details: "upstream_reset_before_response_started{remote_connection_failure}",
    body: `${RESET_PREFIX}remote connection failure`,
  },
  "connect-timeout": {
    status: 503,
    flag: "UF",
    details: "upstream_reset_before_response_started{connection_timeout}",
    body: `${RESET_PREFIX}connection timeout`,
  },
  "tls-failed": {
    status: 503,
    flag: "UF",
    details: "upstream_reset_before_response_started{remote_connection_failure}",
    body: `${RESET_PREFIX}remote connection failure`,
  },
  reset: {
    status: 503,
    flag: "UR",
    details: "upstream_reset_before_response_started{remote_reset}",
    body: `${RESET_PREFIX}remote reset`,
  },
  "refused-stream": {
    status: 503,
    flag: "UR",
    details: "upstream_reset_before_response_started{remote_refused_stream_reset}",
    body: `${RESET_PREFIX}remote refused stream reset`,
  },
  "connect-error": {
    status: 503,
    flag: "UR",
    details: "upstream_reset_before_response_started{remote_error_with_CONNECT_request}",
    body: `${RESET_PREFIX}remote error with CONNECT request`,
  },
  protocol: {
    status: 502,
    flag: "UPE",
    details: "upstream_reset_before_response_started{protocol_error}",
    body: `${RESET_PREFIX}protocol error`,
  },
  "connection-closed": {
    status: 503,
    flag: "UC",
    details: "upstream_reset_before_response_started{connection_termination}",
    body: `${RESET_PREFIX}connection termination`,
  },
  timeout: { status: 504, flag: "UT", details: "response_timeout", body: "upstream request timeout" },
  "per-try-timeout": { status: 504, flag: "UT", details: "upstream_per_try_timeout", body: "upstream request timeout" },
  "per-try-idle": {
    status: 504,
    flag: "UT",
    details: "upstream_per_try_idle_timeout",
    body: "upstream request timeout",
  },
  "max-stream": {
    status: 504,
    flag: "UMSDR",
    details: "upstream_max_stream_duration_reached",
    body: "upstream max stream duration reached",
  },
  "upgrade-refused": { status: 403, flag: "-", details: "upgrade_failed", body: "" },
  "downstream-gone": { status: 0, flag: "DC", details: "downstream_remote_disconnect", body: "" },
  "downstream-protocol": { status: 400, flag: "DPE", details: "http1.codec_error", body: "Bad Request" },
  "stream-idle": { status: 408, flag: "SI", details: "stream_idle_timeout", body: "stream timeout" },
  "request-timeout": { status: 408, flag: "-", details: "request_overall_timeout", body: "request timeout" },
  "max-duration": { status: 408, flag: "DT", details: "max_duration_timeout", body: "downstream duration timeout" },
  "path-refused": { status: 400, flag: "-", details: "path_normalization_failed", body: "" },
  "no-host": { status: 400, flag: "-", details: "missing_host_header", body: "" },
  "path-redirected": { status: 307, flag: "-", details: "path_normalization_failed", body: "", grpcStatus: 13 },
  denied: { status: 403, flag: "-", details: "rbac_access_denied_matched_policy[none]", body: "RBAC: access denied" },
  overload: { status: 503, flag: "OM", details: "overload", body: "envoy overloaded" },
} satisfies Record<TrafficFailureCode, Rescue>;

/** The answer to a failure. `whole`: the request is complete, so that the client is not the slow one. */
export function rescue(code: TrafficFailureCode, whole = false): Rescue {
  const answer: Rescue = TABLE[code];
  return whole && answer.status === 408 ? { ...answer, status: 504 } : answer;
}

/** The answer to an upstream failure; its cause is for logs, not for clients. `retried`: it was not the first. Source: Envoy 1.40. */
export function rescueUpstream(failure: UpstreamFailure, retried = false): Rescue {
  const found = withReason(TABLE[failure.code], failure);
  const base = failure.status === undefined ? found : { ...found, status: failure.status };
  if (retried) return { ...base, body: base.body.replace(/\breset reason: /, "retried and the latest reset reason: ") };
  return base;
}

/** What is noted when an upstream fails whose answer has begun. */
export function rescueStarted(failure: UpstreamFailure): Rescue {
  const base = TABLE[failure.code];
  return { ...base, details: base.details.replace("_before_", "_after_") };
}

/** Why there was no connection stands behind the reset's name. */
function withReason(base: Rescue, { code, cause }: UpstreamFailure): Rescue {
  const reason = code === "connect-failed" || code === "tls-failed" ? loggedFailure(cause).replaceAll(" ", "_") : "";
  return reason === "" ? base : { ...base, details: base.details.replace("}", `|${reason}}`) };
}

/** What is noted when the client's side of an exchange ends early. */
export function rescueDownstream(failure: WireFailure): Rescue {
  if (failure.code === "limit") return { ...TABLE["downstream-gone"], flag: "DPE" };
  return failure.code === "protocol" ? TABLE["downstream-protocol"] : TABLE["downstream-gone"];
}

/** Envoy's long names of short flags. */
export function flagNames(flags: string): string {
  return flags
    .split(",")
    .map((flag) => LONG_NAMES[flag] ?? flag)
    .join(",");
}

const LONG_NAMES: Readonly<Record<string, string>> = {
  LH: "FailedLocalHealthCheck",
  UH: "NoHealthyUpstream",
  UT: "UpstreamRequestTimeout",
  LR: "LocalReset",
  UR: "UpstreamRemoteReset",
  UF: "UpstreamConnectionFailure",
  UC: "UpstreamConnectionTermination",
  UO: "UpstreamOverflow",
  NR: "NoRouteFound",
  DI: "DelayInjected",
  FI: "FaultInjected",
  RL: "RateLimited",
  UAEX: "UnauthorizedExternalService",
  RLSE: "RateLimitServiceError",
  DC: "DownstreamConnectionTermination",
  URX: "UpstreamRetryLimitExceeded",
  SI: "StreamIdleTimeout",
  IH: "InvalidEnvoyRequestHeaders",
  DPE: "DownstreamProtocolError",
  UMSDR: "UpstreamMaxStreamDurationReached",
  DT: "DurationTimeout",
  UPE: "UpstreamProtocolError",
  NC: "NoClusterFound",
  OM: "OverloadManagerTerminated",
  DF: "DnsResolutionFailed",
  DR: "DownstreamRemoteReset",
};

/** gRPC status for an HTTP status. Source: gRPC "HTTP to gRPC Status Code Mapping". */
export function grpcStatusOf(status: number): number {
  return status === 200 ? 0 : grpcCodeOfHttpStatus(status);
}
