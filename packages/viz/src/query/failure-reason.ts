import { GRPC_CODE_NAMES } from "@heddle/wire";

/** What Envoy's response flags say about where a request broke. Source: Envoy access log, RESPONSE_FLAGS. */
const FLAGS: Readonly<Record<string, string>> = {
  UF: "the connection to the destination failed",
  UH: "the destination has no healthy endpoint",
  UO: "the destination's circuit breaker refused it: too many connections or requests at once",
  NR: "no route matched",
  NC: "the route names a destination that does not exist",
  URX: "all retries were used up",
  UT: "the destination did not answer within the timeout",
  UC: "the destination ended the connection before its answer",
  UR: "the destination reset the request",
  LR: "this side's proxy reset it",
  DC: "the caller went away",
  DT: "the request lasted longer than allowed",
  DPE: "the caller broke the protocol",
  UPE: "the destination broke the protocol",
  RL: "the rate limit refused it",
  UAEX: "the external authorization refused it",
  FI: "a configured fault was injected",
  DI: "a configured delay was injected",
  SI: "the stream was idle too long",
};

/** One sentence for how a request failed; `dst` is who answered or should have. */
export function failureReason(dst: string, code: string, grpcStatus: string, flags: string): string {
  const known = flags.split(",").flatMap((flag) => FLAGS[flag] ?? []);
  if (known.length > 0) return `${known.join("; ")} (${flags})`;
  if (grpcStatus !== "" && grpcStatus !== "0")
    return `${dst} answered gRPC status ${grpcStatus} (${GRPC_CODE_NAMES[Number(grpcStatus)] ?? "not a known status"})`;
  if (code === "0") return "the request ended without an answer";
  return `${dst} answered HTTP ${code}`;
}
