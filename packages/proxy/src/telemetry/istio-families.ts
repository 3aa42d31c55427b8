import {
  type Counter,
  createCounterFamily,
  createHistogramFamily,
  type Histogram,
  type MetricFamily,
  type MetricsRegistry,
} from "@heddle/std";
import type { MetricRule } from "../config/stats-plugin.ts";
import { createHostNames, type HostNames } from "./host-names.ts";
import type { Forgotten, SeriesGroup } from "./idle-series.ts";
import {
  type CustomTags,
  createCustomTags,
  expressionsOf,
  type ShapedFamily,
  seriesOf,
  shapeOf,
} from "./metric-shape.ts";
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

/** The metrics of filters with the same rules; what a rule drops is counted nowhere. */
export interface IstioFamilies {
  readonly requests: ShapedFamily<Counter>;
  readonly duration: ShapedFamily<Histogram>;
  readonly requestBytes: ShapedFamily<Histogram>;
  readonly responseBytes: ShapedFamily<Histogram>;
  readonly requestMessages: ShapedFamily<Counter>;
  readonly responseMessages: ShapedFamily<Counter>;
  readonly tcpOpened: ShapedFamily<Counter>;
  readonly tcpClosed: ShapedFamily<Counter>;
  readonly tcpSent: ShapedFamily<Counter>;
  readonly tcpReceived: ShapedFamily<Counter>;
  readonly custom: CustomTags;
  /** False: everything is dropped. */
  readonly any: boolean;
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
  /** Of gRPC only. */
  readonly messages: { readonly request: Counter; readonly response: Counter } | undefined;
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

/** What the filters of a process share. */
export interface IstioFamiliesDeps {
  readonly registry: MetricsRegistry;
  readonly hosts?: HostNames;
  readonly forgotten?: Forgotten;
}

/** Metrics after the rules of a filter; without rules the standard ones. */
export function registerIstioFamilies(deps: IstioFamiliesDeps, rules: readonly MetricRule[] = []): IstioFamilies {
  const { registry, hosts = createHostNames(), forgotten = { times: 0 } } = deps;
  const expressions = expressionsOf(rules);
  let any = false;
  const shaped = <S>(
    name: string,
    standard: readonly string[],
    make: (labels: readonly string[] | undefined) => MetricFamily<S>,
  ): ShapedFamily<S> => {
    const shape = shapeOf(name, standard, rules, expressions);
    if (shape !== undefined) any = true;
    return { family: make(shape?.labels), from: shape?.from ?? (shape === undefined ? [] : undefined) };
  };
  const counter = (name: string, help: string, standard: readonly string[]) =>
    shaped(name, standard, (labels) =>
      labels === undefined
        ? createCounterFamily({ name, help })
        : registry.counter({ name: `istio_${name}`, help, labels }),
    );
  const histogram = (name: string, help: string) =>
    shaped(name, HTTP_LABELS, (labels) =>
      labels === undefined
        ? createHistogramFamily({ name, help }, BOUNDS)
        : registry.histogram({ name: `istio_${name}`, help, labels }, BOUNDS),
    );
  const families = {
    hosts,
    forgotten,
    custom: createCustomTags(expressions),
    requests: counter("requests_total", "Requests by source, destination and answer.", HTTP_LABELS),
    duration: histogram("request_duration_milliseconds", "Duration of requests."),
    requestBytes: histogram("request_bytes", "Size of request bodies."),
    responseBytes: histogram("response_bytes", "Size of response bodies."),
    requestMessages: counter("request_messages_total", "Messages of gRPC requests.", HTTP_LABELS),
    responseMessages: counter("response_messages_total", "Messages of gRPC responses.", HTTP_LABELS),
    tcpOpened: counter("tcp_connections_opened_total", "TCP connections opened.", TCP_LABELS),
    tcpClosed: counter("tcp_connections_closed_total", "TCP connections closed.", TCP_LABELS),
    tcpSent: counter("tcp_sent_bytes_total", "Bytes sent to clients of TCP connections.", TCP_LABELS),
    tcpReceived: counter("tcp_received_bytes_total", "Bytes received from clients of TCP connections.", TCP_LABELS),
  };
  return { ...families, any };
}

/**
 * What goes together when it is idle: families of the same labels. TCP series stay while one of their connections is open; those whose
 * tags tell that no longer, because only some were changed, stay for good.
 */
export function istioGroups(families: IstioFamilies): readonly SeriesGroup[] {
  const http = [families.requests, families.duration, families.requestBytes, families.responseBytes];
  const tcp = [families.tcpOpened, families.tcpClosed, families.tcpSent, families.tcpReceived];
  const labels = (shaped: (typeof http)[number] | (typeof tcp)[number]): string => shaped.family.labelNames.join();
  const groups = new Map<string, SeriesGroup["families"][number][]>();
  for (const one of http) {
    const group = groups.get(labels(one));
    if (group === undefined) groups.set(labels(one), [one.family]);
    else group.push(one.family);
  }
  const { tcpOpened, tcpClosed } = families;
  const together = tcp.every((one) => labels(one) === labels(tcpOpened));
  return [
    ...[...groups.values()].map((group) => ({ families: group })),
    // Requests that are not gRPC have none of these.
    { families: [families.requestMessages.family] },
    { families: [families.responseMessages.family] },
    ...(together
      ? [
          {
            families: tcp.map(({ family }) => family),
            busy: (values: readonly string[]) =>
              tcpOpened.family.with(...values).value !== tcpClosed.family.with(...values).value,
          },
        ]
      : []),
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

/** `custom`: what the expressions of tags gave. */
export function httpSeries(
  families: IstioFamilies,
  parties: Parties,
  answer: { readonly status: number; readonly grpcStatus: number; readonly flags: string },
  custom: readonly string[],
): HttpSeries {
  const { status, grpcStatus, flags } = answer;
  const values = [
    ...sharedValues(parties),
    String(status),
    grpcStatus < 0 ? "" : String(grpcStatus),
    flags,
    parties.security,
  ];
  return {
    requests: seriesOf(families.requests, values, custom),
    duration: seriesOf(families.duration, values, custom),
    requestBytes: seriesOf(families.requestBytes, values, custom),
    responseBytes: seriesOf(families.responseBytes, values, custom),
    messages:
      parties.protocol === "grpc"
        ? {
            request: seriesOf(families.requestMessages, values, custom),
            response: seriesOf(families.responseMessages, values, custom),
          }
        : undefined,
  };
}

export function tcpSeries(
  families: IstioFamilies,
  parties: Parties,
  flags: string,
  custom: readonly string[],
): TcpSeries {
  const values = [...sharedValues(parties), flags, parties.security];
  return {
    opened: seriesOf(families.tcpOpened, values, custom),
    closed: seriesOf(families.tcpClosed, values, custom),
    sent: seriesOf(families.tcpSent, values, custom),
    received: seriesOf(families.tcpReceived, values, custom),
  };
}
