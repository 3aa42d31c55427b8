/** Why a stream or connection ended before its message was complete. */
export type WireFailureCode =
  /** The peer broke the protocol. */
  | "protocol"
  /** The peer's header block or body framing exceeded a limit of ours. */
  | "limit"
  /** The peer gave up on this stream (RST_STREAM CANCEL, client went away). */
  | "cancelled"
  /** The peer says that it did not process the request at all (REFUSED_STREAM, GOAWAY above our stream). */
  | "refused"
  /** The connection ended while the message was incomplete. */
  | "connection-closed"
  /** The peer behaves like a denial-of-service attack (floods of resets, pings, settings, empty frames). */
  | "abuse"
  /** The peer reported an error of its own (RST_STREAM INTERNAL_ERROR, …). */
  | "peer-error"
  /** We ended it: `reset` was called here. */
  | "local";

/** A failure of traffic, as a value. Nothing that arrives from the network throws. */
export interface WireFailure {
  readonly code: WireFailureCode;
  /** Whose fault: the peer at the other end of this connection, or this process. */
  readonly origin: "peer" | "local";
  /** Whether the request surely was not processed (refused, or not one byte of it was sent), so that repeating it elsewhere is always legal. */
  readonly retryable: boolean;
  /** HTTP/2 error code that was received or sent; for HTTP/1 the nearest one. */
  readonly h2Code: number;
  /** Status that a server answers with when it still can (400, 431, …); 0 when none fits. */
  readonly status: number;
  /** Likely cause, for a log line. */
  readonly message: string;
}

export function wireFailure(
  code: WireFailureCode,
  message: string,
  details: Partial<Omit<WireFailure, "code" | "message">> = {},
): WireFailure {
  return {
    code,
    message,
    origin: details.origin ?? (code === "local" ? "local" : "peer"),
    retryable: details.retryable ?? code === "refused",
    h2Code: details.h2Code ?? 0,
    status: details.status ?? 0,
  };
}
