import type { MetricsRegistry } from "@heddle/std";
import {
  httpSeries,
  type Parties,
  registerIstioFamilies,
  type TcpSeries,
  tcpSeries,
} from "../telemetry/istio-families.ts";
import { createPeerCache, UNKNOWN_WORKLOAD, type Workload, workloadOfEndpoint } from "../telemetry/workload.ts";
import type { EnvoyConnection, EnvoyReport, EnvoyRequest } from "./envoy-report.ts";

/** Istio's standard metrics of a stock Envoy, counted from what it reports. */
export interface EnvoyMetrics {
  onRequest(request: EnvoyRequest): void;
  onConnection(connection: EnvoyConnection): void;
}

export interface EnvoyMetricsDeps {
  readonly registry: MetricsRegistry;
  /** The pod's own workload. */
  readonly self: Workload;
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
  readonly #families: ReturnType<typeof registerIstioFamilies>;
  readonly #peers = createPeerCache();
  readonly #open = new Map<string, Open>();
  readonly #deps: EnvoyMetricsDeps;

  constructor(deps: EnvoyMetricsDeps) {
    this.#families = registerIstioFamilies(deps.registry);
    this.#deps = deps;
  }

  onRequest(request: EnvoyRequest): void {
    const parties = this.#parties(request, request.grpc ? "grpc" : "http", request.authority);
    const grpcStatus = request.grpc ? request.grpcStatus : -1;
    const series = httpSeries(this.#families, parties, request.status, grpcStatus, request.flags);
    series.requests.value++;
    series.duration.observe(request.durationMs);
    series.requestBytes.observe(request.requestBytes);
    series.responseBytes.observe(request.responseBytes);
  }

  onConnection(connection: EnvoyConnection): void {
    // Envoy connects to the application while the client's handshake is under way: who it is stands in the next report.
    if (connection.phase === "opening" && connection.direction === "inbound") return;
    let open = this.#open.get(connection.id);
    if (open === undefined) {
      const series = tcpSeries(this.#families, this.#parties(connection, "tcp", ""), "-");
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
    const host = report.service?.host ?? authority;
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

export function createEnvoyMetrics(deps: EnvoyMetricsDeps): EnvoyMetrics {
  return new Counting(deps);
}
