/**
 * Small numbers for the header names that a mesh looks at, so that comparing names is comparing numbers.
 * Ids are stable within a process only; 0 means any other name.
 */
const NAMES = [
  "host",
  "content-length",
  "transfer-encoding",
  "connection",
  "keep-alive",
  "proxy-connection",
  "upgrade",
  "te",
  "trailer",
  "expect",
  "date",
  "server",
  "content-type",
  "content-encoding",
  "accept",
  "accept-encoding",
  "accept-language",
  "accept-ranges",
  "age",
  "allow",
  "user-agent",
  "authorization",
  "cookie",
  "set-cookie",
  "location",
  "cache-control",
  "etag",
  "last-modified",
  "if-none-match",
  "if-modified-since",
  "vary",
  "via",
  "referer",
  "origin",
  "range",
  "retry-after",
  "www-authenticate",
  "access-control-allow-origin",
  "access-control-request-method",
  "http2-settings",
  "sec-websocket-key",
  "sec-websocket-accept",
  "sec-websocket-version",
  "sec-websocket-protocol",
  "forwarded",
  "x-forwarded-for",
  "x-forwarded-proto",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-forwarded-client-cert",
  "x-real-ip",
  "x-request-id",
  "x-client-trace-id",
  "traceparent",
  "tracestate",
  "baggage",
  "b3",
  "x-b3-traceid",
  "x-b3-spanid",
  "x-b3-parentspanid",
  "x-b3-sampled",
  "x-b3-flags",
  "x-ot-span-context",
  "grpc-status",
  "grpc-message",
  "grpc-timeout",
  "grpc-encoding",
  "grpc-accept-encoding",
  "x-envoy-peer-metadata",
  "x-envoy-peer-metadata-id",
  "x-envoy-attempt-count",
  "x-envoy-decorator-operation",
  "x-envoy-downstream-service-cluster",
  "x-envoy-downstream-service-node",
  "x-envoy-expected-rq-timeout-ms",
  "x-envoy-external-address",
  "x-envoy-force-trace",
  "x-envoy-hedge-on-per-try-timeout",
  "x-envoy-internal",
  "x-envoy-ip-tags",
  "x-envoy-is-timeout-retry",
  "x-envoy-max-retries",
  "x-envoy-original-dst-host",
  "x-envoy-original-path",
  "x-envoy-original-url",
  "x-envoy-overloaded",
  "x-envoy-ratelimited",
  "x-envoy-retriable-header-names",
  "x-envoy-retriable-status-codes",
  "x-envoy-retry-grpc-on",
  "x-envoy-retry-on",
  "x-envoy-upstream-alt-stat-name",
  "x-envoy-upstream-rq-per-try-timeout-ms",
  "x-envoy-upstream-rq-timeout-alt-response",
  "x-envoy-upstream-rq-timeout-ms",
  "x-envoy-upstream-service-time",
  "x-envoy-upstream-stream-duration-ms",
  "l5d-dst-override",
  "l5d-client-id",
  "l5d-proxy-error",
] as const;

export type KnownHeaderName = (typeof NAMES)[number];

/** Names by id; index 0 is empty. */
export const HEADER_NAMES: readonly string[] = ["", ...NAMES];

const IDS: ReadonlyMap<string, number> = new Map(NAMES.map((name, i) => [name, i + 1]));

/** The id of a lower-case name, or 0. */
export function headerId(name: string): number {
  return IDS.get(name) ?? 0;
}

/** Ids by name: `HEADER_ID["content-length"]`. */
export const HEADER_ID: Readonly<Record<KnownHeaderName, number>> = tableOfIds();

function tableOfIds(): Readonly<Record<KnownHeaderName, number>> {
  const table: Record<string, number> = {};
  for (const name of NAMES) table[name] = headerId(name);
  return table as Record<KnownHeaderName, number>;
}
