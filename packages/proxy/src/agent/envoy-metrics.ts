import type { JsonObject } from "@bufbuild/protobuf";
import type { MetricsRegistry } from "@heddle/std";
import { createScope } from "../config/scope.ts";
import { decodeIstioStats, type MetricRule } from "../config/stats-plugin.ts";
import { createHostNames } from "../telemetry/host-names.ts";
import { type IdleSeries, type IdleTime, sweepIdle } from "../telemetry/idle-series.ts";
import {
  httpSeries,
  type IstioFamilies,
  istioGroups,
  type Parties,
  registerIstioFamilies,
  type TcpSeries,
  tcpSeries,
} from "../telemetry/istio-families.ts";
import { type NodeAttributes, nodeAttribute } from "../telemetry/record-attributes.ts";
import {
  createPeerCache,
  peerAttribute,
  UNKNOWN_WORKLOAD,
  type Workload,
  workloadOfEndpoint,
} from "../telemetry/workload.ts";
import type { EnvoyConnection, EnvoyReport, EnvoyRequest } from "./envoy-report.ts";

/** Istio's standard metrics of a stock Envoy, counted from what it reports. */
export interface EnvoyMetrics {
  /** Metrics after `settings`: fields of `stats.PluginConfig` as JSON, or "". */
  familiesOf(settings: string): IstioFamilies;
  onRequest(request: EnvoyRequest, families: IstioFamilies): void;
  onConnection(connection: EnvoyConnection, families: IstioFamilies): void;
}

export interface EnvoyMetricsDeps {
  readonly registry: MetricsRegistry;
  /** The pod's own workload. */
  readonly self: Workload;
  readonly node: NodeAttributes;
  /** Series that did not change for so long go. Default: they stay. */
  readonly idle?: IdleTime | undefined;
  /** SPIFFE id of our certificate; "" before there is one. */
  localUri(): string;
}

interface Open {
  readonly series: TcpSeries;
  /** Already counted. Units: bytes. */
  received: number;
  sent: number;
}

/** Connections whose end was never reported must not pile up. */
const MAX_OPEN = 20_000;
const FIXED_CLUSTERS = new Set(["PassthroughCluster", "BlackHoleCluster", "InboundPassthroughCluster"]);

class Counting implements EnvoyMetrics {
  /** By the settings. */
  readonly #families = new Map<string, IstioFamilies>();
  readonly #hosts = createHostNames();
  readonly #peers = createPeerCache();
  readonly #open = new Map<string, Open>();
  readonly #deps: EnvoyMetricsDeps;
  readonly #idle: IdleSeries | undefined;

  constructor(deps: EnvoyMetricsDeps) {
    this.#deps = deps;
    // Nothing here keeps a series longer than a connection lasts: nobody needs to be told of forgotten ones.
    this.#idle = deps.idle && sweepIdle(deps.registry, deps.idle, { times: 0 });
  }

  familiesOf(settings: string): IstioFamilies {
    let families = this.#families.get(settings);
    if (families === undefined) {
      const { registry } = this.#deps;
      families = registerIstioFamilies({ registry, hosts: this.#hosts }, rulesOf(settings));
      this.#families.set(settings, families);
      for (const group of istioGroups(families)) this.#idle?.watch(group);
    }
    return families;
  }

  onRequest(request: EnvoyRequest, families: IstioFamilies): void {
    const parties = this.#parties(request, request.grpc ? "grpc" : "http", request.authority);
    const grpcStatus = request.grpc ? request.grpcStatus : -1;
    const series = httpSeries(families, parties, { ...request, grpcStatus }, this.#tags(request, families));
    series.requests.value++;
    series.duration.observe(request.durationMs);
    series.requestBytes.observe(request.requestBytes);
    series.responseBytes.observe(request.responseBytes);
    if (series.messages === undefined) return;
    series.messages.request.value += request.messages.request;
    series.messages.response.value += request.messages.response;
  }

  #tags(report: EnvoyReport, { custom }: IstioFamilies): readonly string[] {
    const side = report.direction === "inbound" ? "downstream_peer." : "upstream_peer.";
    return custom.values({
      read: (attribute, key) => {
        if (attribute.startsWith(side)) return peerAttribute(this.#peer(report), attribute.slice(side.length), key);
        if (attribute.startsWith("node.")) return nodeAttribute(this.#deps.node, attribute, key);
        return report.read(attribute, key);
      },
    });
  }

  onConnection(connection: EnvoyConnection, families: IstioFamilies): void {
    // Envoy connects to the application while the client's handshake is under way: who it is stands in the next report.
    if (connection.phase === "opening" && connection.direction === "inbound") return;
    let open = this.#open.get(connection.id);
    if (open === undefined) {
      const parties = this.#parties(connection, "tcp", "");
      const series = tcpSeries(families, parties, "-", this.#tags(connection, families));
      open = { series, received: 0, sent: 0 };
      series.opened.value++;
      if (this.#open.size >= MAX_OPEN) this.#open.delete(this.#open.keys().next().value ?? "");
      this.#open.set(connection.id, open);
    }
    // Reports may come out of order only if Envoy restarts its stream; a counter never goes back.
    open.series.received.value += Math.max(0, connection.receivedBytes - open.received);
    open.series.sent.value += Math.max(0, connection.sentBytes - open.sent);
    open.received = Math.max(open.received, connection.receivedBytes);
    open.sent = Math.max(open.sent, connection.sentBytes);
    if (connection.phase !== "ended") return;
    open.series.closed.value++;
    this.#open.delete(connection.id);
  }

  #parties(report: EnvoyReport, protocol: Parties["protocol"], authority: string): Parties {
    const inbound = report.direction === "inbound";
    const peer = this.#peer(report);
    const { self } = this.#deps;
    const destination = inbound ? self : peer;
    const host = report.service?.host ?? this.#hosts.labelOf(authority);
    const special = FIXED_CLUSTERS.has(report.cluster) && report.service === undefined;
    return {
      reporter: inbound ? "destination" : "source",
      source: inbound ? peer : self,
      sourcePrincipal: inbound ? report.principal : report.upstreamSecure ? this.#deps.localUri() : "",
      destination,
      destinationPrincipal: inbound ? report.localPrincipal : report.upstreamPrincipal,
      service: host,
      serviceName: special ? report.cluster : (report.service?.name ?? host.split(".")[0] ?? ""),
      serviceNamespace: report.service?.namespace ?? destination.namespace,
      protocol,
      security: inbound ? (report.principal === "" ? "none" : "mutual_tls") : "unknown",
    };
  }

  /** The other side: as it introduced itself, else as its endpoint or its certificate says. */
  #peer(report: EnvoyReport): Workload {
    const told = report.peerId === "" ? undefined : this.#peers.find(report.peerId, report.peerMetadata);
    if (told !== undefined) return told;
    if (report.direction === "outbound") {
      if (report.endpoint === "") return UNKNOWN_WORKLOAD;
      const [workload = "", namespace = "", canonicalName = "", canonicalRevision = "", cluster = ""] =
        report.endpoint.split(";");
      return workloadOfEndpoint({ workload, namespace, canonicalName, canonicalRevision, cluster });
    }
    const namespace = /\/ns\/([^/]+)\//.exec(report.principal)?.[1];
    return namespace === undefined ? UNKNOWN_WORKLOAD : { ...UNKNOWN_WORKLOAD, namespace };
  }
}

/** What translation wrote: anything else is a proxy of another version, and then the standard counts. */
function rulesOf(settings: string): readonly MetricRule[] {
  if (settings === "") return [];
  try {
    const parsed: unknown = JSON.parse(settings);
    const object = typeof parsed === "object" && parsed !== null ? (parsed as JsonObject) : {};
    return decodeIstioStats(object, createScope()).rules;
  } catch {
    return [];
  }
}

export function createEnvoyMetrics(deps: EnvoyMetricsDeps): EnvoyMetrics {
  return new Counting(deps);
}
