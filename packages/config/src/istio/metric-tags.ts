/** Metrics as the Telemetry API names them, but for ALL_METRICS. */
export const STANDARD_METRICS = [
  "REQUEST_COUNT",
  "REQUEST_DURATION",
  "REQUEST_SIZE",
  "RESPONSE_SIZE",
  "TCP_OPENED_CONNECTIONS",
  "TCP_CLOSED_CONNECTIONS",
  "TCP_SENT_BYTES",
  "TCP_RECEIVED_BYTES",
  "GRPC_REQUEST_MESSAGES",
  "GRPC_RESPONSE_MESSAGES",
] as const;

export type StandardMetric = (typeof STANDARD_METRICS)[number];

/** As `stats.PluginConfig` names them; Prometheus has them with `istio_` before. Source: istio pilot/pkg/model/telemetry.go. */
export const METRIC_NAMES: Readonly<Record<StandardMetric, string>> = {
  REQUEST_COUNT: "requests_total",
  REQUEST_DURATION: "request_duration_milliseconds",
  REQUEST_SIZE: "request_bytes",
  RESPONSE_SIZE: "response_bytes",
  TCP_OPENED_CONNECTIONS: "tcp_connections_opened_total",
  TCP_CLOSED_CONNECTIONS: "tcp_connections_closed_total",
  TCP_SENT_BYTES: "tcp_sent_bytes_total",
  TCP_RECEIVED_BYTES: "tcp_received_bytes_total",
  GRPC_REQUEST_MESSAGES: "request_messages_total",
  GRPC_RESPONSE_MESSAGES: "response_messages_total",
};

/** Why an override of a metric changes nothing; undefined: it does. */
export function withoutEffect(metric: string): string | undefined {
  const names = Object.values(METRIC_NAMES);
  if (metric in METRIC_NAMES || metric === "ALL_METRICS" || names.includes(metric)) return undefined;
  return `has no effect: no other metrics are defined than ${names.join(", ")}`;
}

/** What is wrong with the name of a tag. */
export function tagNameProblem(name: string): string | undefined {
  if (name === "") return "needs a name";
  if (name === "le") return "le is taken: histograms have it for their buckets; choose another name";
  if (name.startsWith("__")) return "names that begin with __ are Prometheus' own; choose another name";
  return undefined;
}
