import {
  ProcessingMode_BodySendMode as Body,
  ProcessingMode_HeaderSendMode as Headers,
  type ProcessingMode,
  ProcessingModeSchema,
} from "@heddle/xds-api/envoy/extensions/filters/http/ext_proc/v3/processing_mode";
import type { DecodeScope } from "../scope.ts";
import { checkShape, shape } from "../shape.ts";

/** What of a body the processor sees, and when. */
export type BodyMode = "none" | "streamed" | "buffered" | "partial" | "duplex";

/** What of one direction the processor sees. */
export interface DirectionMode {
  readonly headers: boolean;
  readonly body: BodyMode;
  readonly trailers: boolean;
}

/** What the processor sees. */
export interface Processing {
  readonly request: DirectionMode;
  readonly response: DirectionMode;
}

export const PROCESSING_MODE_SHAPE = shape(
  ProcessingModeSchema,
  ["request_header_mode", "response_header_mode", "request_trailer_mode", "response_trailer_mode"],
  {},
  {},
  {
    only: {
      "request_body_mode response_body_mode": {
        values: ["NONE", "STREAMED", "BUFFERED", "BUFFERED_PARTIAL", "FULL_DUPLEX_STREAMED"],
        reason: "messages of gRPC are not sent one by one, nor does Envoy do so",
      },
    },
  },
);

const BODY_MODES: Readonly<Record<number, BodyMode>> = {
  [Body.STREAMED]: "streamed",
  [Body.BUFFERED]: "buffered",
  [Body.BUFFERED_PARTIAL]: "partial",
  [Body.FULL_DUPLEX_STREAMED]: "duplex",
};

export const PROTOCOL_BODY_MODE: Readonly<Record<BodyMode, Body>> = {
  none: Body.NONE,
  streamed: Body.STREAMED,
  buffered: Body.BUFFERED,
  partial: Body.BUFFERED_PARTIAL,
  duplex: Body.FULL_DUPLEX_STREAMED,
};

/** Errors: a duplex body without trailers, modes that are not known. */
export function decodeProcessing(message: ProcessingMode | undefined, scope: DecodeScope): Processing {
  if (message !== undefined) {
    checkShape(PROCESSING_MODE_SHAPE, message, scope);
    for (const side of ["request", "response"] as const) {
      const [body, trailers] =
        side === "request"
          ? [message.requestBodyMode, message.requestTrailerMode]
          : [message.responseBodyMode, message.responseTrailerMode];
      if (body === Body.FULL_DUPLEX_STREAMED && trailers !== Headers.SEND)
        scope.field(`${side}_trailer_mode`).problem(`must be SEND where ${side}_body_mode is FULL_DUPLEX_STREAMED`);
    }
  }
  return {
    request: {
      headers: message?.requestHeaderMode !== Headers.SKIP,
      body: BODY_MODES[message?.requestBodyMode ?? 0] ?? "none",
      trailers: message?.requestTrailerMode === Headers.SEND,
    },
    response: {
      headers: message?.responseHeaderMode !== Headers.SKIP,
      body: BODY_MODES[message?.responseBodyMode ?? 0] ?? "none",
      trailers: message?.responseTrailerMode === Headers.SEND,
    },
  };
}

/** What a processor's own wish makes of a mode: DEFAULT leaves headers and trailers as they are; request headers are past. */
export function overrideProcessing(before: Processing, wish: ProcessingMode): Processing {
  const sent = (value: Headers, old: boolean): boolean => (value === Headers.DEFAULT ? old : value === Headers.SEND);
  return {
    request: {
      headers: before.request.headers,
      body: BODY_MODES[wish.requestBodyMode] ?? "none",
      trailers: sent(wish.requestTrailerMode, before.request.trailers),
    },
    response: {
      headers: sent(wish.responseHeaderMode, before.response.headers),
      body: BODY_MODES[wish.responseBodyMode] ?? "none",
      trailers: sent(wish.responseTrailerMode, before.response.trailers),
    },
  };
}

/** Whether two modes wish the same, request headers aside. */
export function sameWish(a: ProcessingMode, b: ProcessingMode): boolean {
  return (
    a.requestBodyMode === b.requestBodyMode &&
    a.requestTrailerMode === b.requestTrailerMode &&
    a.responseHeaderMode === b.responseHeaderMode &&
    a.responseBodyMode === b.responseBodyMode &&
    a.responseTrailerMode === b.responseTrailerMode
  );
}
