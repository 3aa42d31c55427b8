import type {
  Counter,
  CounterFamily,
  Gauge,
  GaugeFamily,
  Histogram,
  HistogramFamily,
  MetricsRegistry,
} from "@heddle/std";
import { createHostNames, type HostNames } from "./host-names.ts";
import type { Forgotten, SeriesGroup } from "./idle-series.ts";

/** Upper bounds of latencies. Units: ms. Source: linkerd2-proxy. */
export const LINKERD_BOUNDS_MS: readonly number[] = [
  1, 2, 3, 4, 5, 10, 20, 30, 40, 50, 100, 200, 300, 400, 500, 1000, 2000, 3000, 4000, 5000, 10_000, 20_000, 30_000,
  40_000, 50_000,
];

const TLS_LABELS = ["tls", "no_tls_reason", "client_id", "server_id"] as const;
const REQUEST_LABELS = [
  "direction",
  "authority",
  ...TLS_LABELS,
  "dst_namespace",
  "dst_service",
  "dst_deployment",
  "dst_serviceaccount",
] as const;
const AUTHZ_LABELS = [...TLS_LABELS, "authz_group", "authz_kind", "authz_name"] as const;
const TCP_LABELS = ["direction", "peer", ...TLS_LABELS] as const;

/** Metrics under linkerd2-proxy's names. Source: linkerd2-proxy `metrics.rs`, `transport/labels.rs`. */
export interface LinkerdFamilies {
  readonly requests: CounterFamily;
  readonly responses: CounterFamily;
  readonly latency: HistogramFamily;
  /** Of inbound requests: what a policy let through, and what one refused. */
  readonly allowed: CounterFamily;
  readonly denied: CounterFamily;
  /** The same of inbound TCP connections. */
  readonly tcpAllowed: CounterFamily;
  readonly tcpDenied: CounterFamily;
  readonly tcpOpened: CounterFamily;
  readonly tcpClosed: CounterFamily;
  readonly tcpOpen: GaugeFamily;
  readonly tcpRead: CounterFamily;
  readonly tcpWritten: CounterFamily;
  /** Authorities without a known service: a limited number. */
  readonly hosts: HostNames;
  readonly forgotten: Forgotten;
}

/** How a connection is secured. A label that does not apply is "". */
export interface LinkerdTls {
  readonly tls: "true" | "no_identity";
  readonly noTlsReason: string;
  readonly clientId: string;
  readonly serverId: string;
}

/** Labels of requests that do not depend on the answer. */
export interface LinkerdRequestLabels extends LinkerdTls {
  readonly direction: string;
  readonly authority: string;
  readonly namespace: string;
  readonly service: string;
  readonly workload: string;
}

export interface LinkerdRequestSeries {
  readonly requests: Counter;
  readonly responses: Counter;
  readonly latency: Histogram;
}

export interface LinkerdTcpSeries {
  readonly opened: Counter;
  readonly open: Gauge;
  /** Looked up when it ends: an idle series may have gone meanwhile. */
  closed(): Counter;
  readonly read: Counter;
  readonly written: Counter;
}

export function registerLinkerdFamilies(
  registry: MetricsRegistry,
  forgotten: Forgotten = { times: 0 },
): LinkerdFamilies {
  const counter = (name: string, help: string, labels: readonly string[]) => registry.counter({ name, help, labels });
  return {
    hosts: createHostNames(),
    forgotten,
    requests: counter("request_total", "Total count of HTTP requests.", REQUEST_LABELS),
    responses: counter("response_total", "Total count of HTTP responses.", [
      ...REQUEST_LABELS,
      "status_code",
      "classification",
      "grpc_status",
    ]),
    latency: registry.histogram(
      {
        name: "response_latency_ms",
        help: "Time between a request's headers and the first byte of its response.",
        labels: [...REQUEST_LABELS, "status_code"],
      },
      LINKERD_BOUNDS_MS,
    ),
    allowed: counter("inbound_http_authz_allow_total", "Total count of requests that were allowed.", AUTHZ_LABELS),
    denied: counter("inbound_http_authz_deny_total", "Total count of requests that a policy refused.", AUTHZ_LABELS),
    tcpAllowed: counter("inbound_tcp_authz_allow_total", "Total count of connections that were allowed.", AUTHZ_LABELS),
    tcpDenied: counter(
      "inbound_tcp_authz_deny_total",
      "Total count of connections that a policy refused.",
      AUTHZ_LABELS,
    ),
    tcpOpened: counter("tcp_open_total", "Total count of opened connections.", TCP_LABELS),
    tcpClosed: counter("tcp_close_total", "Total count of closed connections.", [...TCP_LABELS, "errno"]),
    tcpOpen: registry.gauge({ name: "tcp_open_connections", help: "Connections open now.", labels: TCP_LABELS }),
    tcpRead: counter("tcp_read_bytes_total", "Total bytes read from peers.", TCP_LABELS),
    tcpWritten: counter("tcp_write_bytes_total", "Total bytes written to peers.", TCP_LABELS),
  };
}

/** What goes together when it is idle: TCP series stay while one of their connections is open. */
export function linkerdGroups(families: LinkerdFamilies): readonly SeriesGroup[] {
  const {
    requests,
    responses,
    latency,
    allowed,
    denied,
    tcpAllowed,
    tcpDenied,
    tcpOpened,
    tcpClosed,
    tcpOpen,
    tcpRead,
    tcpWritten,
  } = families;
  return [
    { families: [requests] },
    { families: [responses] },
    { families: [latency] },
    { families: [allowed] },
    { families: [denied] },
    { families: [tcpAllowed] },
    { families: [tcpDenied] },
    { families: [tcpClosed] },
    {
      families: [tcpOpened, tcpOpen, tcpRead, tcpWritten],
      busy: (labels) => tcpOpen.with(...labels).value > 0,
    },
  ];
}

const tlsValues = (t: LinkerdTls): string[] => [t.tls, t.noTlsReason, t.clientId, t.serverId];

/** `classification` is "failure" or "success"; `grpcStatus` below 0: none. */
export function linkerdRequestSeries(
  families: LinkerdFamilies,
  labels: LinkerdRequestLabels,
  status: number,
  classification: string,
  grpcStatus: number,
): LinkerdRequestSeries {
  const values = [
    labels.direction,
    labels.authority,
    ...tlsValues(labels),
    labels.namespace,
    labels.service,
    labels.workload,
    serviceAccountOf(labels.serverId),
  ];
  const code = status === 0 ? "" : String(status);
  return {
    requests: families.requests.with(...values),
    responses: families.responses.with(...values, code, classification, grpcStatus < 0 ? "" : String(grpcStatus)),
    latency: families.latency.with(...values, code),
  };
}

/**
 * Where a passage is counted, by the words with which a filter refused it, or the policy that let it through. A refusal without policy: no rule of
 * any allowed it. Let through without policy: none had to, which has no name.
 */
export function linkerdAuthzSeries(
  { allowed, denied }: { readonly allowed: CounterFamily; readonly denied: CounterFamily },
  tls: LinkerdTls,
  refusal: string,
  allowedBy: string,
): Counter {
  const values = tlsValues(tls);
  if (!isRefusal(refusal)) return allowed.with(...values, ...policyValues(allowedBy, ["", "", ""]));
  return denied.with(...values, ...policyValues(refusal, ["", "default", "deny"]));
}

/** Whether details of an answer, or of a connection's end, are a policy's. */
export function isRefusal(details: string): boolean {
  return details.startsWith("rbac_access_denied");
}

/** Group, kind and name of the AuthorizationPolicy in a name such as `ns[a]-policy[only-web]-rule[0]`. */
function policyValues(text: string, otherwise: readonly string[]): readonly string[] {
  const name = /-policy\[([^\]]*)\]/.exec(text)?.[1];
  return name === undefined ? otherwise : ["security.istio.io", "authorizationpolicy", name];
}

export function linkerdTcpSeries(
  families: LinkerdFamilies,
  direction: string,
  peer: "src" | "dst",
  tls: LinkerdTls,
): LinkerdTcpSeries {
  const values = [direction, peer, ...tlsValues(tls)];
  return {
    opened: families.tcpOpened.with(...values),
    open: families.tcpOpen.with(...values),
    // Which error of the system ended it is not told apart.
    closed: () => families.tcpClosed.with(...values, ""),
    read: families.tcpRead.with(...values),
    written: families.tcpWritten.with(...values),
  };
}

/** `spiffe://td/ns/foo/sa/bar` → `bar`. */
function serviceAccountOf(principal: string): string {
  const at = principal.indexOf("/sa/");
  return at < 0 ? "" : principal.slice(at + 4);
}
