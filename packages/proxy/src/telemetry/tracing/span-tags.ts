import { textOfBytes } from "../../config/wire-text.ts";
import type { ExchangeRecord } from "../../http/exchange-record.ts";
import { versionName } from "../../http/exchange-values.ts";
import type { Host } from "../../upstream/host.ts";

type Tag = readonly [name: string, value: string];

/** Names and values of a request's span. Source: Envoy `HttpTracerUtility::finalizeDownstreamSpan`. */
export function requestTags(record: ExchangeRecord, node: { readonly id: string }, maxPathLength: number): Tag[] {
  const { request, connection } = record;
  const { headers } = request;
  const header = (name: string): string => textOfBytes(headers.get(name) ?? "");
  const tags: Tag[] = [
    ["node_id", node.id],
    ["zone", ""],
    ["guid:x-request-id", header("x-request-id")],
    ["http.url", urlOf(record, maxPathLength)],
    ["http.method", request.method],
    ["downstream_cluster", header("x-envoy-downstream-service-cluster") || "-"],
    ["user_agent", header("user-agent") || "-"],
    ["http.protocol", versionName(request.version)],
    ["peer.address", connection.remote.ip],
  ];
  const clientTrace = header("x-client-trace-id");
  if (clientTrace !== "") tags.push(["guid:x-client-trace-id", clientTrace]);
  if (record.grpc) {
    tags.push(["grpc.path", request.path], ["grpc.authority", request.authority]);
    tags.push(["grpc.content_type", header("content-type")]);
    if (headers.has("grpc-timeout")) tags.push(["grpc.timeout", header("grpc-timeout")]);
  }
  tags.push(["request_size", String(record.bytesReceived)]);
  tags.push(["response_size", String(record.bytesSent)], ...commonTags(record));
  return tags;
}

/** What the spans of a request and of its tries say alike. */
export function commonTags(record: ExchangeRecord): Tag[] {
  const tags: Tag[] = [["component", "proxy"]];
  if (record.clusterName !== "") {
    const { cluster, clusterName } = record;
    tags.push(["upstream_cluster", clusterName], ["upstream_cluster.name", cluster?.config.statName ?? clusterName]);
  }
  tags.push(["http.status_code", String(record.status)], ["response_flags", record.flags]);
  if (record.grpc && record.grpcStatus >= 0) tags.push(["grpc.status_code", String(record.grpcStatus)]);
  if (failed(record)) tags.push(["error", "true"]);
  return tags;
}

/** What the span of one try says beside. */
export function tryTags(record: ExchangeRecord, host: Host): Tag[] {
  const version = record.response?.version ?? record.request.version;
  return [
    ["http.protocol", versionName(version)],
    ["upstream_address", host.text],
    ["peer.address", host.text],
  ];
}

/** Answers that are the server's fault. Source: Envoy `Tracing::HttpTracerUtility`. */
export function failed(record: ExchangeRecord): boolean {
  if (record.status === 0 || record.status >= 500) return true;
  return record.grpc && GRPC_FAULTS.has(record.grpcStatus);
}

/** UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS. */
const GRPC_FAULTS: ReadonlySet<number> = new Set([2, 4, 12, 13, 14, 15]);

function urlOf({ request, connection, originalPath }: ExchangeRecord, maxPathLength: number): string {
  const scheme = request.headers.get("x-forwarded-proto") ?? (connection.tls === undefined ? "http" : "https");
  const path = request.headers.get("x-envoy-original-path") ?? originalPath;
  return `${scheme}://${request.authority}${path.slice(0, maxPathLength)}`;
}
