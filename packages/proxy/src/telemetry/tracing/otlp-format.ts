import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { writeMessage } from "@heddle/xds-api";
import { ExportTraceServiceRequestSchema } from "@heddle/xds-api/opentelemetry/proto/collector/trace/v1/trace_service";
import type { KeyValueSchema } from "@heddle/xds-api/opentelemetry/proto/common/v1/common";
import { Span_SpanKind, type SpanSchema, Status_StatusCode } from "@heddle/xds-api/opentelemetry/proto/trace/v1/trace";
import type { OtlpTarget } from "../../config/trace-provider.ts";
import { frameGrpcMessage } from "../../upstream/grpc-message.ts";
import type { SpanData } from "./span.ts";
import type { ExportRequest, SpanFormat } from "./span-exporter.ts";

const SERVICE = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/** Spans as OpenTelemetry's protocol carries them; `resource` says who we are. */
export function createOtlpFormat(target: OtlpTarget, resource: readonly (readonly [string, string])[]): SpanFormat {
  const attributes = resource.map(textAttribute);
  return {
    stats: "tracing.opentelemetry",
    cluster: target.cluster,
    timeoutMs: target.timeoutMs,
    grpc: target.transport === "grpc",
    encode: (spans) =>
      otlpRequest(
        target,
        SERVICE,
        writeMessage(
          ExportTraceServiceRequestSchema,
          create(ExportTraceServiceRequestSchema, {
            resourceSpans: [
              {
                resource: { attributes },
                scopeSpans: [{ scope: { name: "heddle" }, spans: spans.map(otlpSpan) }],
              },
            ],
          }),
        ),
      ),
  };
}

/** A message to a collector, over gRPC to `service` or over HTTP to the target's path. */
export function otlpRequest(target: OtlpTarget, service: string, message: Uint8Array): ExportRequest {
  const { authority, headers } = target;
  if (target.transport === "http")
    return {
      path: target.path,
      authority,
      headers: [["content-type", "application/x-protobuf"], ...headers],
      body: message,
    };
  return {
    path: service,
    authority,
    headers: [["content-type", "application/grpc"], ["te", "trailers"], ...headers],
    body: frameGrpcMessage(message),
  };
}

function otlpSpan(span: SpanData): MessageInitShape<typeof SpanSchema> {
  return {
    traceId: Buffer.from(span.traceId.padStart(32, "0"), "hex"),
    spanId: Buffer.from(span.spanId, "hex"),
    parentSpanId: Buffer.from(span.parentId, "hex"),
    traceState: span.traceState,
    name: span.name,
    kind: span.kind === "server" ? Span_SpanKind.SERVER : Span_SpanKind.CLIENT,
    startTimeUnixNano: nanos(span.startMs),
    endTimeUnixNano: nanos(span.endMs),
    attributes: span.tags.map(textAttribute),
    status: { code: span.failed ? Status_StatusCode.ERROR : Status_StatusCode.UNSET },
  };
}

export function textAttribute([key, value]: readonly [string, string]): MessageInitShape<typeof KeyValueSchema> {
  return { key, value: { value: { case: "stringValue", value } } };
}

function nanos(ms: number): bigint {
  const whole = Math.trunc(ms);
  return BigInt(whole) * 1_000_000n + BigInt(Math.trunc((ms - whole) * 1e6));
}
