import type { JsonObject, MessageInitShape } from "@bufbuild/protobuf";
import type { WorkloadMetrics } from "@heddle/model";
import { packTypedStruct } from "@heddle/xds-api";
import type { AccessLogSchema } from "@heddle/xds-api/envoy/config/accesslog/v3/accesslog";
import { metricSettings, metricUses } from "./stats-config.ts";

type AccessLog = MessageInitShape<typeof AccessLogSchema>;

/** Where the peer's introduction is kept while a request is under way. */
export const PEER_NAMESPACE = "heddle.peer";

/**
 * What the agent needs to make Istio's standard metrics, under the tag names that it reads (docs/decisions/0002). Command operators say
 * more than the entry's own fields: the upstream's identity and flags in text form.
 */
const TAGS = {
  cluster: "%UPSTREAM_CLUSTER_RAW%",
  services: "%CLUSTER_METADATA(istio:services)%",
  workload: "%UPSTREAM_METADATA(istio:workload)%",
  upstream_principal: "%UPSTREAM_PEER_URI_SAN%",
  upstream_tls: "%UPSTREAM_TLS_VERSION%",
  principal: "%DOWNSTREAM_PEER_URI_SAN%",
  local_principal: "%DOWNSTREAM_LOCAL_URI_SAN%",
  flags: "%RESPONSE_FLAGS%",
} as const;

const HTTP_TAGS = {
  ...TAGS,
  peer_id: `%DYNAMIC_METADATA(${PEER_NAMESPACE}:id)%`,
  peer: `%DYNAMIC_METADATA(${PEER_NAMESPACE}:metadata)%`,
  content_type: "%REQ(content-type)%",
  grpc_status: "%GRPC_STATUS_NUMBER%",
  grpc_messages: "%FILTER_STATE(envoy.filters.http.grpc_stats:PLAIN)%",
} as const;

/** What tap shows beside what an entry has anyway: Envoy reports no header that it is not told to, and none of these is secret. */
const TAPPED = {
  request: ["accept", "accept-encoding", "content-type", "content-length", "grpc-timeout", "te", "traceparent", "b3"],
  response: ["content-type", "content-length", "server", "location", "retry-after", "x-envoy-upstream-service-time"],
  trailers: ["grpc-status", "grpc-message"],
} as const;

/** A gateway is a client of the mesh. */
type Side = "inbound" | "outbound" | "gateway";

/** The name reaches the agent once a stream: what differs from the standard metrics goes with it. */
function logName(side: Side, metrics: WorkloadMetrics): string {
  const settings = metricSettings(metrics);
  const name = `heddle-metrics-${side === "inbound" ? "inbound" : "outbound"}`;
  return Object.keys(settings).length === 0 ? name : `${name} ${JSON.stringify(settings)}`;
}

function commonConfig(side: Side, metrics: WorkloadMetrics, tags: Readonly<Record<string, string>>): JsonObject {
  return {
    log_name: logName(side, metrics),
    transport_api_version: "V3",
    grpc_service: { envoy_grpc: { cluster_name: "sds-grpc" } },
    buffer_flush_interval: "0.500s",
    custom_tags: Object.entries(tags).map(([tag, value]) => ({ tag, value })),
  };
}

/**
 * Stock Envoy has no `istio.stats`: it reports each request to the agent in the pod, which counts it.
 * `CustomTag.value` is newer than our generated messages, so the configuration travels as JSON.
 */
export function httpMetricsLog(side: Side, metrics: WorkloadMetrics): AccessLog[] {
  if (!metrics.enabled) return [];
  const headers = (of: string, shown: readonly string[]): string[] => [
    ...new Set([
      ...shown,
      ...metricUses(metrics).flatMap(({ attribute, key }) => (attribute === of ? [key.toLowerCase()] : [])),
    ]),
  ];
  const config = packTypedStruct(
    "type.googleapis.com/envoy.extensions.access_loggers.grpc.v3.HttpGrpcAccessLogConfig",
    {
      common_config: commonConfig(side, metrics, HTTP_TAGS),
      additional_request_headers_to_log: headers("request.headers", TAPPED.request),
      additional_response_headers_to_log: headers("response.headers", TAPPED.response),
      additional_response_trailers_to_log: [...TAPPED.trailers],
    },
  );
  return [{ name: "envoy.access_loggers.http_grpc", configType: { case: "typedConfig", value: config } }];
}

/** The same for TCP: at the connection's start, every few seconds, and at its end (see `tcpLogOptions`). */
export function tcpMetricsLog(side: Side, metrics: WorkloadMetrics): AccessLog[] {
  if (!metrics.enabled) return [];
  const config = packTypedStruct("type.googleapis.com/envoy.extensions.access_loggers.grpc.v3.TcpGrpcAccessLogConfig", {
    common_config: commonConfig(side, metrics, TAGS),
  });
  return [{ name: "envoy.access_loggers.tcp_grpc", configType: { case: "typedConfig", value: config } }];
}

/** Moves the caller's introduction out of the request before the application sees it. */
export const takePeerMetadata = packTypedStruct(
  "type.googleapis.com/envoy.extensions.filters.http.header_to_metadata.v3.Config",
  {
    request_rules: [
      ["x-envoy-peer-metadata-id", "id"],
      ["x-envoy-peer-metadata", "metadata"],
    ].map(([header, key]) => ({
      header: header ?? "",
      on_header_present: { metadata_namespace: PEER_NAMESPACE, key: key ?? "", type: "STRING" },
      remove: true,
    })),
  },
);
