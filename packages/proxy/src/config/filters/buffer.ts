import {
  type Buffer,
  type BufferPerRoute,
  BufferPerRouteSchema,
  BufferSchema,
} from "@heddle/xds-api/envoy/extensions/filters/http/buffer/v3/buffer";
import type { DecodeScope } from "../scope.ts";
import { checkShape, shape } from "../shape.ts";

/** Requests are forwarded when their body is complete. */
export interface BufferConfig {
  readonly kind: "buffer";
  /** Longer bodies are refused; 0: the filter is off. Units: bytes. */
  readonly maxBytes: number;
}

export const BUFFER_SHAPE = shape(BufferSchema, ["max_request_bytes"]);
export const BUFFER_ROUTE_SHAPE = shape(BufferPerRouteSchema, ["disabled", "buffer"]);

/** Errors: no limit, or one of zero. */
export function decodeBuffer(message: Buffer, scope: DecodeScope): BufferConfig {
  checkShape(BUFFER_SHAPE, message, scope);
  const maxBytes = message.maxRequestBytes ?? 0;
  if (maxBytes === 0) scope.field("max_request_bytes").problem("is required, and must be greater than 0");
  return { kind: "buffer", maxBytes };
}

/** Errors: neither `disabled: true` nor `buffer`. */
export function decodeBufferRoute(message: BufferPerRoute, scope: DecodeScope): BufferConfig | undefined {
  checkShape(BUFFER_ROUTE_SHAPE, message, scope);
  if (message.override.case === "buffer") return decodeBuffer(message.override.value, scope.field("buffer"));
  if (message.override.case === "disabled" && message.override.value) return { kind: "buffer", maxBytes: 0 };
  scope.problem("say disabled: true, or give a buffer of its own");
  return undefined;
}
