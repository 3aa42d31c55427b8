import type { ConnectionError } from "../transport/connection.ts";

/** Why the upstream side of an exchange can't go on. */
export type UpstreamFailureCode =
  | "no-cluster"
  | "no-healthy-host"
  | "overflow"
  | "connect-failed"
  | "connect-timeout"
  | "tls-failed"
  | "reset"
  | "refused-stream"
  | "connect-error"
  | "protocol"
  | "connection-closed"
  | "timeout"
  | "per-try-timeout"
  | "per-try-idle"
  | "max-stream";

/** A failure of traffic as a value. */
export interface UpstreamFailure {
  readonly code: UpstreamFailureCode;
  readonly origin: "upstream" | "local";
  /** Nothing of the request can have been processed. */
  readonly retryable: boolean;
  readonly cause: string;
  /** Of the answer, in place of the one that stands for the code. */
  readonly status?: number;
}

/** `unsent`: not a byte of the request went out. */
export function upstreamFailure(code: UpstreamFailureCode, cause: string, unsent = false): UpstreamFailure {
  const local = code === "no-cluster" || code === "no-healthy-host" || code === "overflow";
  const retryable =
    unsent ||
    code === "connect-failed" ||
    code === "connect-timeout" ||
    code === "tls-failed" ||
    code === "refused-stream";
  return { code, origin: local ? "local" : "upstream", retryable, cause };
}

/** A connection that did not come about. */
export function connectFailure(error: ConnectionError): UpstreamFailure {
  if (error.kind === "timeout") return upstreamFailure("connect-timeout", error.message);
  return upstreamFailure(error.kind === "tls" ? "tls-failed" : "connect-failed", error.message);
}
