import { HEADER_ID, type ResponseHead } from "@heddle/wire";
import { RETRY_ON, type RetryPolicyConfig } from "../config/retry-policy.ts";
import { matchesHeaderValue } from "../router/route-matcher.ts";
import type { UpstreamFailure } from "../upstream/failure.ts";

const GRPC_BITS: Readonly<Record<string, number>> = {
  "1": RETRY_ON.cancelled,
  "4": RETRY_ON["deadline-exceeded"],
  "8": RETRY_ON["resource-exhausted"],
  "13": RETRY_ON.internal,
  "14": RETRY_ON.unavailable,
};

/** Whether a response asks for another try. Source: Envoy x-envoy-retry-on, x-envoy-retry-grpc-on. */
export function retriesResponse(policy: RetryPolicyConfig, head: ResponseHead): boolean {
  const { on } = policy;
  const { status, headers } = head;
  if (status >= 500) {
    if ((on & RETRY_ON["5xx"]) !== 0) return true;
    if ((on & RETRY_ON["gateway-error"]) !== 0 && status >= 502 && status <= 504) return true;
  }
  if (status === 409 && (on & RETRY_ON["retriable-4xx"]) !== 0) return true;
  if ((on & RETRY_ON["retriable-status-codes"]) !== 0 && policy.statusCodes.has(status)) return true;
  if ((on & RETRY_ON["envoy-ratelimited"]) !== 0 && headers.hasId(HEADER_ID["x-envoy-ratelimited"])) return true;
  if ((on & RETRY_ON["retriable-headers"]) !== 0) {
    if (policy.headers.some((match) => matchesHeaderValue(match, headers.getAll(match.name)))) return true;
  }
  if (on < RETRY_ON.cancelled) return false;
  const grpcStatus = headers.getId(HEADER_ID["grpc-status"]);
  return grpcStatus !== undefined && (on & (GRPC_BITS[grpcStatus] ?? 0)) !== 0;
}

/** Whether a failure before any response asks for another try. `sent`: bytes of the request may have reached the server. */
export function retriesFailure(policy: RetryPolicyConfig, failure: UpstreamFailure, sent: boolean): boolean {
  const { on } = policy;
  const anyReset = RETRY_ON["5xx"] | RETRY_ON["gateway-error"] | RETRY_ON.reset;
  switch (failure.code) {
    case "connect-failed":
    case "connect-timeout":
    case "tls-failed":
      return (on & (RETRY_ON["connect-failure"] | RETRY_ON["reset-before-request"] | anyReset)) !== 0;
    case "refused-stream":
      return (on & (RETRY_ON["refused-stream"] | RETRY_ON["reset-before-request"] | anyReset)) !== 0;
    case "reset":
    case "connection-closed":
    case "protocol":
      return (on & anyReset) !== 0 || (!sent && (on & RETRY_ON["reset-before-request"]) !== 0);
    case "per-try-timeout":
      return (on & (RETRY_ON["5xx"] | RETRY_ON["gateway-error"] | RETRY_ON.reset)) !== 0;
    case "no-cluster":
    case "no-healthy-host":
    case "overflow":
    case "timeout":
      return false;
  }
}

/** Methods that may be repeated without asking. Source: RFC 9110 9.2.2. */
export function isIdempotent(method: string): boolean {
  return (
    method === "GET" ||
    method === "HEAD" ||
    method === "OPTIONS" ||
    method === "PUT" ||
    method === "DELETE" ||
    method === "TRACE"
  );
}
