/** PromQL of the mesh's golden metrics, over Istio's standard names. `$__rate_interval` is Grafana's: four scrapes at least. */
const WINDOW = "[$__rate_interval]";
const REQUESTS = "istio_requests_total";
const FAILED = 'response_code=~"5..|0"';
const GRPC_FAILED = 'request_protocol="grpc",grpc_response_status!~"0|"';

const joined = (...selectors: readonly string[]): string => selectors.filter((s) => s !== "").join(",");
const by = (labels: string): string => (labels === "" ? "" : ` by (${labels})`);

export function requestRate(selector: string, labels = ""): string {
  return `sum${by(labels)} (rate(${REQUESTS}{${selector}}${WINDOW}))`;
}

/** As viz counts: answers 5xx, none at all, and gRPC statuses but OK are failures. */
export function successShare(selector: string, labels = ""): string {
  const rate = (more: string) => `sum${by(labels)} (rate(${REQUESTS}{${joined(selector, more)}}${WINDOW}))`;
  const all = rate("");
  const failed = `(${rate(FAILED)} or 0 * ${all})`;
  const grpc = `(${rate(joined(GRPC_FAILED, 'response_code!~"5..|0"'))} or 0 * ${all})`;
  return `1 - (${failed} + ${grpc}) / (${all} > 0)`;
}

export function latency(quantile: number, selector: string, labels = ""): string {
  const grouped = labels === "" ? "le" : `le, ${labels}`;
  return `histogram_quantile(${quantile}, sum by (${grouped}) (rate(istio_request_duration_milliseconds_bucket{${selector}}${WINDOW})))`;
}

export function tcpBytes(direction: "sent" | "received", selector: string, labels = ""): string {
  return `sum${by(labels)} (rate(istio_tcp_${direction}_bytes_total{${selector}}${WINDOW}))`;
}

/** Share of received requests that came by mutual TLS. */
export function securedShare(selector: string, labels = ""): string {
  const secured = requestRate(joined(selector, 'connection_security_policy="mutual_tls"'), labels);
  return `(${secured} or 0 * ${requestRate(selector, labels)}) / (${requestRate(selector, labels)} > 0)`;
}

export function quantiles(selector: string): readonly (readonly [string, string])[] {
  return [
    ["P50", latency(0.5, selector)],
    ["P95", latency(0.95, selector)],
    ["P99", latency(0.99, selector)],
  ];
}

export function rateOf(metric: string, selector = "", labels = ""): string {
  return `sum${by(labels)} (rate(${metric}{${selector}}${WINDOW}))`;
}

export function quantileOf(quantile: number, histogram: string): string {
  return `histogram_quantile(${quantile}, sum by (le) (rate(${histogram}_bucket${WINDOW})))`;
}
