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

/** What is wrong with the name of a tag. */
export function tagNameProblem(name: string): string | undefined {
  if (name === "") return "needs a name";
  if (name === "le") return "le is taken: histograms have it for their buckets; choose another name";
  if (name.startsWith("__")) return "names that begin with __ are Prometheus' own; choose another name";
  return undefined;
}
