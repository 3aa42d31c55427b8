import type { ZipkinTraces } from "../../config/trace-provider.ts";
import type { SpanData } from "./span.ts";
import type { SpanFormat } from "./span-exporter.ts";

/** Spans as Zipkin's API takes them. Source: zipkin-api zipkin2-api.yaml. */
export function createZipkinFormat(config: ZipkinTraces, serviceName: string): SpanFormat {
  const { cluster, path, authority, headers, timeoutMs } = config.target;
  return {
    stats: "tracing.zipkin",
    cluster,
    timeoutMs,
    grpc: false,
    encode: (spans) => ({
      path,
      authority,
      headers: [["content-type", "application/json"], ...headers],
      body: Buffer.from(JSON.stringify(spans.map((span) => zipkinSpan(span, serviceName))), "utf8"),
    }),
  };
}

function zipkinSpan(span: SpanData, serviceName: string): object {
  const at = span.local.lastIndexOf(":");
  const ip = span.local.slice(0, at);
  const address = at < 0 ? {} : { [ip.includes(":") ? "ipv6" : "ipv4"]: ip, port: Number(span.local.slice(at + 1)) };
  return {
    traceId: span.traceId,
    id: span.spanId,
    ...(span.parentId === "" ? {} : { parentId: span.parentId }),
    name: span.name,
    kind: span.kind === "server" ? "SERVER" : "CLIENT",
    timestamp: Math.round(span.startMs * 1000),
    duration: Math.max(1, Math.round((span.endMs - span.startMs) * 1000)),
    localEndpoint: { serviceName, ...address },
    tags: Object.fromEntries(span.tags.filter(([, value]) => value !== "")),
    ...(span.shared ? { shared: true } : {}),
  };
}
