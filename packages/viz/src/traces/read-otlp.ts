import { readMessage } from "@heddle/xds-api";
import { ExportTraceServiceRequestSchema } from "@heddle/xds-api/opentelemetry/proto/collector/trace/v1/trace_service";
import type { AnyValue, KeyValue } from "@heddle/xds-api/opentelemetry/proto/common/v1/common";
import { type Span, Span_SpanKind } from "@heddle/xds-api/opentelemetry/proto/trace/v1/trace";
import type { StoredSpan } from "./trace-store.ts";

/** Spans of an OTLP export request. Errors: throws where the bytes are no such message. */
export function readOtlp(bytes: Uint8Array): StoredSpan[] {
  const { resourceSpans } = readMessage(ExportTraceServiceRequestSchema, bytes);
  return resourceSpans.flatMap(({ resource, scopeSpans, instrumentationLibrarySpans }) => {
    const attributes = (resource?.attributes ?? []).map(textPair);
    const service = attributes.find(([key]) => key === "service.name")?.[1] ?? "unknown";
    return [...scopeSpans, ...instrumentationLibrarySpans].flatMap(({ spans }) =>
      spans.filter((span) => span.traceId.length === 16).map((span) => storedSpan(span, service)),
    );
  });
}

function storedSpan(span: Span, service: string): StoredSpan {
  const kind = span.kind === Span_SpanKind.SERVER ? "server" : span.kind === Span_SpanKind.CLIENT ? "client" : "";
  const startUs = Number(span.startTimeUnixNano / 1000n);
  const tags = span.attributes.map(textPair);
  if (span.status?.code === 2 && !tags.some(([key]) => key === "error")) tags.push(["error", "true"]);
  return {
    traceId: hex(span.traceId),
    spanId: hex(span.spanId),
    parentId: hex(span.parentSpanId),
    name: span.name,
    kind,
    service,
    startUs,
    durationUs: Math.max(0, Number(span.endTimeUnixNano / 1000n) - startUs),
    tags,
  };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function textPair({ key, value }: KeyValue): [string, string] {
  return [key, textOf(value)];
}

function textOf(any: AnyValue | undefined): string {
  const value = any?.value;
  if (value?.case === undefined) return "";
  switch (value.case) {
    case "arrayValue":
      return value.value.values.map(textOf).join(", ");
    case "kvlistValue":
      return value.value.values.map((pair) => textPair(pair).join("=")).join(", ");
    case "bytesValue":
      return hex(value.value);
    default:
      return String(value.value);
  }
}
