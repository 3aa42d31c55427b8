import { fromBinary } from "@bufbuild/protobuf";
import type { ServerUnaryCall, sendUnaryData } from "@grpc/grpc-js";
import {
  type ExportTraceServiceRequest,
  ExportTraceServiceRequestSchema,
} from "@heddle/xds-api/opentelemetry/proto/collector/trace/v1/trace_service";
import { startGrpcServer } from "./grpc-server.ts";

/** A span as any of the protocols brought it. */
export interface SeenSpan {
  readonly via: "otlp-grpc" | "otlp-http" | "zipkin";
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string;
  readonly name: string;
  readonly kind: string;
  readonly durationMs: number;
  readonly shared: boolean;
  readonly tags: Readonly<Record<string, string>>;
  readonly resource: Readonly<Record<string, string>>;
  /** Of the request that brought it, where it came by HTTP. */
  readonly tenant: string;
}

export interface TraceCollector {
  readonly grpcPort: number;
  readonly httpPort: number;
  readonly spans: readonly SeenSpan[];
  /** While true, nothing is answered. */
  silent: boolean;
  close(): void;
}

const KINDS = ["", "INTERNAL", "SERVER", "CLIENT"];
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

function otlpSpans(via: SeenSpan["via"], message: ExportTraceServiceRequest): SeenSpan[] {
  const texts = (list: readonly { key: string; value?: { value: { value?: unknown } } | undefined }[]) =>
    Object.fromEntries(list.map(({ key, value }) => [key, String(value?.value.value ?? "")]));
  return message.resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        via,
        traceId: hex(span.traceId),
        spanId: hex(span.spanId),
        parentId: hex(span.parentSpanId),
        name: span.name,
        kind: KINDS[span.kind] ?? "",
        durationMs: Number(span.endTimeUnixNano - span.startTimeUnixNano) / 1e6,
        shared: false,
        tags: texts(span.attributes),
        resource: texts(resource?.attributes ?? []),
        tenant: "",
      })),
    ),
  );
}

interface ZipkinSpan {
  readonly traceId: string;
  readonly id: string;
  readonly parentId?: string;
  readonly name: string;
  readonly kind: string;
  readonly duration: number;
  readonly shared?: boolean;
  readonly tags?: Record<string, string>;
  readonly localEndpoint?: { readonly serviceName?: string };
}

/** Receives spans by OTLP (gRPC and HTTP) and Zipkin's API, read with OpenTelemetry's own messages. */
export async function startTraceCollector(): Promise<TraceCollector> {
  const spans: SeenSpan[] = [];
  const self = { silent: false };
  const server = await startGrpcServer({
    path: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    handle: (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => {
      if (self.silent) return;
      spans.push(...otlpSpans("otlp-grpc", fromBinary(ExportTraceServiceRequestSchema, call.request)));
      answer(null, Buffer.alloc(0));
    },
  });
  const http = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    fetch: async (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/v1/traces") {
        const bytes = new Uint8Array(await request.arrayBuffer());
        spans.push(...otlpSpans("otlp-http", fromBinary(ExportTraceServiceRequestSchema, bytes)));
        return new Response(null);
      }
      const list = (await request.json()) as ZipkinSpan[];
      for (const span of list)
        spans.push({
          via: "zipkin",
          traceId: span.traceId,
          spanId: span.id,
          parentId: span.parentId ?? "",
          name: span.name,
          kind: span.kind,
          durationMs: span.duration / 1000,
          shared: span.shared ?? false,
          tags: span.tags ?? {},
          resource: { "service.name": span.localEndpoint?.serviceName ?? "" },
          tenant: request.headers.get("x-tenant") ?? "",
        });
      return new Response(null, { status: 202 });
    },
  });
  return {
    grpcPort: server.port,
    httpPort: http.port ?? 0,
    spans,
    get silent() {
      return self.silent;
    },
    set silent(value) {
      self.silent = value;
    },
    close: () => {
      server.close();
      void http.stop(true);
    },
  };
}
