import type { Counter, CounterFamily, Histogram, HistogramFamily, MetricsRegistry } from "@heddle/std";
import { createHostNames, type HostNames } from "./host-names.ts";
import type { Forgotten, SeriesGroup } from "./idle-series.ts";
import type { Workload } from "./workload.ts";

/** Labels of Istio's standard metrics that do not depend on the answer. Source: Istio `istio_stats`. */
const SHARED_LABELS = [
  "reporter",
  "source_workload",
  "source_canonical_service",
  "source_canonical_revision",
  "source_workload_namespace",
  "source_principal",
  "source_app",
  "source_version",
  "source_cluster",
  "destination_workload",
  "destination_workload_namespace",
  "destination_principal",
  "destination_app",
  "destination_version",
  "destination_service",
  "destination_canonical_service",
  "destination_canonical_revision",
  "destination_service_name",
  "destination_service_namespace",
  "destination_cluster",
  "request_protocol",
] as const;
const HTTP_LABELS = [
  ...SHARED_LABELS,
  "response_code",
  "grpc_response_status",
  "response_flags",
  "connection_security_policy",
];
const TCP_LABELS = [...SHARED_LABELS, "response_flags", "connection_security_policy"];

/** Upper bounds of all histograms. Source: Envoy's default histogram buckets. */
const BOUNDS = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000,
  3_600_000,
];

/** The families of a process. */
export interface IstioFamilies {
  readonly requests: CounterFamily;
  readonly duration: HistogramFamily;
  readonly requestBytes: HistogramFamily;
  readonly responseBytes: HistogramFamily;
  readonly tcpOpened: CounterFamily;
  readonly tcpClosed: CounterFamily;
  readonly tcpSent: CounterFamily;
  readonly tcpReceived: CounterFamily;
  /** Names of hosts without a known service, for all listeners together. */
  readonly hosts: HostNames;
  readonly forgotten: Forgotten;
}

/** What one combination of labels counts for HTTP. */
export interface HttpSeries {
  readonly requests: Counter;
  readonly duration: Histogram;
  readonly requestBytes: Histogram;
  readonly responseBytes: Histogram;
}

export interface TcpSeries {
  readonly opened: Counter;
  readonly closed: Counter;
  readonly sent: Counter;
  readonly received: Counter;
}

/** Who talks to whom, for the labels. */
export interface Parties {
  readonly reporter: "source" | "destination";
  readonly source: Workload;
  readonly sourcePrincipal: string;
  readonly destination: Workload;
  readonly destinationPrincipal: string;
  readonly service: string;
  readonly serviceName: string;
  readonly serviceNamespace: string;
  readonly protocol: "http" | "grpc" | "tcp";
  readonly security: "mutual_tls" | "none" | "unknown";
}

export function registerIstioFamilies(registry: MetricsRegistry, forgotten: Forgotten = { times: 0 }): IstioFamilies {
  const counter = (name: string, help: string, labels: readonly string[]) => registry.counter({ name, help, labels });
  const histogram = (name: string, help: string) => registry.histogram({ name, help, labels: HTTP_LABELS }, BOUNDS);
  return {
    hosts: createHostNames(),
    forgotten,
    requests: counter("istio_requests_total", "Requests by source, destination and answer.", HTTP_LABELS),
    duration: histogram("istio_request_duration_milliseconds", "Duration of requests."),
    requestBytes: histogram("istio_request_bytes", "Size of request bodies."),
    responseBytes: histogram("istio_response_bytes", "Size of response bodies."),
    tcpOpened: counter("istio_tcp_connections_opened_total", "TCP connections opened.", TCP_LABELS),
    tcpClosed: counter("istio_tcp_connections_closed_total", "TCP connections closed.", TCP_LABELS),
    tcpSent: counter("istio_tcp_sent_bytes_total", "Bytes sent to clients of TCP connections.", TCP_LABELS),
    tcpReceived: counter(
      "istio_tcp_received_bytes_total",
      "Bytes received from clients of TCP connections.",
      TCP_LABELS,
    ),
  };
}

/** What goes together when it is idle: TCP series stay while one of their connections is open. */
export function istioGroups(families: IstioFamilies): readonly SeriesGroup[] {
  const { requests, duration, requestBytes, responseBytes, tcpOpened, tcpClosed, tcpSent, tcpReceived } = families;
  return [
    { families: [requests, duration, requestBytes, responseBytes] },
    {
      families: [tcpOpened, tcpClosed, tcpSent, tcpReceived],
      busy: (labels) => tcpOpened.with(...labels).value !== tcpClosed.with(...labels).value,
    },
  ];
}

function sharedValues(p: Parties): string[] {
  const or = (text: string): string => (text === "" ? "unknown" : text);
  return [
    p.reporter,
    p.source.name,
    p.source.canonicalService,
    p.source.canonicalRevision,
    p.source.namespace,
    or(p.sourcePrincipal),
    p.source.app,
    p.source.version,
    p.source.cluster,
    p.destination.name,
    p.destination.namespace,
    or(p.destinationPrincipal),
    p.destination.app,
    p.destination.version,
    or(p.service),
    p.destination.canonicalService,
    p.destination.canonicalRevision,
    or(p.serviceName),
    or(p.serviceNamespace),
    p.destination.cluster,
    p.protocol,
  ];
}

export function httpSeries(
  families: IstioFamilies,
  parties: Parties,
  status: number,
  grpcStatus: number,
  flags: string,
): HttpSeries {
  const values = [
    ...sharedValues(parties),
    String(status),
    grpcStatus < 0 ? "" : String(grpcStatus),
    flags,
    parties.security,
  ];
  return {
    requests: families.requests.with(...values),
    duration: families.duration.with(...values),
    requestBytes: families.requestBytes.with(...values),
    responseBytes: families.responseBytes.with(...values),
  };
}

export function tcpSeries(families: IstioFamilies, parties: Parties, flags: string): TcpSeries {
  const values = [...sharedValues(parties), flags, parties.security];
  return {
    opened: families.tcpOpened.with(...values),
    closed: families.tcpClosed.with(...values),
    sent: families.tcpSent.with(...values),
    received: families.tcpReceived.with(...values),
  };
}
