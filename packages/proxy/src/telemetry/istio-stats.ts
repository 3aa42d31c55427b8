// Hot path: once per request.

import type { ExchangeObserver } from "../http/connection-manager.ts";
import type { ExchangeRecord } from "../http/exchange-record.ts";
import type { TcpObserver, TcpRecord } from "../network/tcp-record.ts";
import {
  type HttpSeries,
  httpSeries,
  type IstioFamilies,
  type Parties,
  type TcpSeries,
  tcpSeries,
} from "./istio-families.ts";
import { type NodeAttributes, RecordAttributes } from "./record-attributes.ts";
import { type PeerCache, UNKNOWN_WORKLOAD, type Workload, workloadOfEndpoint } from "./workload.ts";

/** What both observers need to name the sides. */
export interface IstioStatsDeps {
  readonly families: IstioFamilies;
  readonly peers: PeerCache;
  /** This proxy's own workload. */
  readonly self: Workload;
  readonly node: NodeAttributes;
  /** URI name of our certificate; "" before there is one. */
  localUri(): string;
  /** Requests to hosts without a known service are not named by their Host header. */
  readonly disableHostFallback: boolean;
}

/** Remembered combinations; beyond it the memory of label combinations starts afresh (counts are not lost). */
const MAX_REMEMBERED = 10_000;

type AnyRecord = ExchangeRecord | TcpRecord;

class IstioStats implements ExchangeObserver, TcpObserver {
  readonly #deps: IstioStatsDeps;
  readonly #http = new Map<string, HttpSeries>();
  /** The last combinations: comparing fields is cheaper than making a key of them. */
  readonly #recent: RecentLabels[] = [];
  #nextRecent = 0;
  #forgotten = 0;
  readonly #tcp = new WeakMap<TcpRecord, OpenConnection>();
  readonly #attributes: RecordAttributes;

  constructor(deps: IstioStatsDeps) {
    this.#deps = deps;
    this.#attributes = new RecordAttributes(deps.node, (record) => this.#peerOf(record));
  }

  onExchangeDone(record: ExchangeRecord): void {
    if (this.#forgotten !== this.#deps.families.forgotten.times) this.#forget();
    const { custom } = this.#deps.families;
    const tags = custom.expressions.length === 0 ? NO_TAGS : custom.values(this.#attributes.ofExchange(record));
    const recent = this.#recent;
    for (let i = 0; i < recent.length; i++) {
      const entry = recent[i];
      if (entry === undefined || entry.tags !== tags || !sameLabels(entry.labels, record)) continue;
      count(entry.series, record);
      return;
    }
    const series = this.#series(record, tags);
    recent[this.#nextRecent] = { labels: labelsOf(record), tags, series };
    this.#nextRecent = (this.#nextRecent + 1) % RECENT;
    count(series, record);
  }

  /** Some series are gone: what is kept here may be among them. */
  #forget(): void {
    this.#forgotten = this.#deps.families.forgotten.times;
    this.#http.clear();
    this.#recent.length = 0;
    this.#nextRecent = 0;
  }

  #series(record: ExchangeRecord, tags: readonly string[]): HttpSeries {
    const { connection, host, cluster } = record;
    const service = cluster?.config.services[0];
    // Everything that labels depend on; a missing service is named by the Host header.
    const key = `${record.clusterName}|${host?.text ?? ""}|${record.peerMetadataId}|${connection.principal}|${record.upstreamPrincipal}|${
      service === undefined ? record.request.authority : ""
    }|${record.status}|${record.grpcStatus}|${record.flags}|${record.grpc}|${connection.tls !== undefined}|${
      tags.length === 0 ? "" : tags.join("\u0000")
    }`;
    let series = this.#http.get(key);
    if (series === undefined) {
      if (this.#http.size >= MAX_REMEMBERED) this.#http.clear();
      const parties = this.#parties(
        record,
        record.grpc ? "grpc" : "http",
        record.request.authority,
        record.peerMetadataId,
        record.peerMetadata,
      );
      const grpcStatus = record.grpc ? record.grpcStatus : -1;
      const { status, flags } = record;
      series = httpSeries(this.#deps.families, parties, { status, grpcStatus, flags }, tags);
      this.#http.set(key, series);
    }
    return series;
  }

  onTcpOpened(record: TcpRecord): void {
    const { families } = this.#deps;
    const tags = families.custom.values(this.#attributes.ofConnection(record));
    const series = tcpSeries(families, this.#parties(record, "tcp", "", "", ""), "-", tags);
    series.opened.value++;
    this.#tcp.set(record, { series, sent: 0, received: 0 });
  }

  onTcpProgress(record: TcpRecord): void {
    const open = this.#tcp.get(record);
    if (open === undefined) return;
    open.series.sent.value += record.bytesSent - open.sent;
    open.series.received.value += record.bytesReceived - open.received;
    open.sent = record.bytesSent;
    open.received = record.bytesReceived;
  }

  onTcpDone(record: TcpRecord): void {
    this.onTcpProgress(record);
    const open = this.#tcp.get(record);
    if (open === undefined) return;
    open.series.closed.value++;
    this.#tcp.delete(record);
  }

  #parties(
    record: AnyRecord,
    protocol: Parties["protocol"],
    authority: string,
    peerId: string,
    peerMetadata: string,
  ): Parties {
    const { connection, clusterName } = record;
    const inbound = connection.direction === "inbound";
    const peer = this.#peer(record, inbound, peerId, peerMetadata);
    const { self } = this.#deps;
    const service = record.cluster?.config.services[0];
    const special =
      clusterName === "PassthroughCluster" ||
      clusterName === "BlackHoleCluster" ||
      clusterName === "InboundPassthroughCluster";
    const host = service?.host ?? (this.#deps.disableHostFallback ? "" : this.#deps.families.hosts.labelOf(authority));
    const destination = inbound ? self : peer;
    return {
      reporter: inbound ? "destination" : "source",
      source: inbound ? peer : self,
      sourcePrincipal: inbound ? connection.principal : record.upstreamSecure ? this.#deps.localUri() : "",
      destination,
      destinationPrincipal: inbound ? connection.localUri : record.upstreamPrincipal,
      service: host,
      serviceName: special && service === undefined ? clusterName : (service?.name ?? shortName(host)),
      serviceNamespace: service?.namespace ?? destination.namespace,
      protocol,
      security: inbound ? (connection.principal === "" ? "none" : "mutual_tls") : "unknown",
    };
  }

  #peerOf(record: AnyRecord): Workload {
    const inbound = record.connection.direction === "inbound";
    return "peerMetadataId" in record
      ? this.#peer(record, inbound, record.peerMetadataId, record.peerMetadata)
      : this.#peer(record, inbound, "", "");
  }

  #peer(record: AnyRecord, inbound: boolean, peerId: string, peerMetadata: string): Workload {
    const told = peerId === "" ? undefined : this.#deps.peers.find(peerId, peerMetadata);
    if (told !== undefined) return told;
    if (!inbound) {
      const labels = record.host?.workload;
      return labels === undefined ? UNKNOWN_WORKLOAD : workloadOfEndpoint(labels);
    }
    const namespace = namespaceOf(record.connection.principal);
    return namespace === "" ? UNKNOWN_WORKLOAD : { ...UNKNOWN_WORKLOAD, namespace };
  }
}

/** What the labels of an exchange depend on. */
type LabelSource = Pick<
  ExchangeRecord,
  | "cluster"
  | "clusterName"
  | "host"
  | "peerMetadataId"
  | "upstreamPrincipal"
  | "status"
  | "grpcStatus"
  | "flags"
  | "grpc"
> & { readonly principal: string; readonly authority: string; readonly secure: boolean };

interface RecentLabels {
  readonly labels: LabelSource;
  readonly tags: readonly string[];
  readonly series: HttpSeries;
}

const RECENT = 8;
const NO_TAGS: readonly string[] = [];

function labelsOf(record: ExchangeRecord): LabelSource {
  return {
    cluster: record.cluster,
    clusterName: record.clusterName,
    host: record.host,
    peerMetadataId: record.peerMetadataId,
    principal: record.connection.principal,
    upstreamPrincipal: record.upstreamPrincipal,
    authority: record.request.authority,
    status: record.status,
    grpcStatus: record.grpcStatus,
    flags: record.flags,
    grpc: record.grpc,
    secure: record.connection.tls !== undefined,
  };
}

function sameLabels(a: LabelSource, record: ExchangeRecord): boolean {
  return (
    a.host === record.host &&
    a.cluster === record.cluster &&
    a.status === record.status &&
    a.grpcStatus === record.grpcStatus &&
    a.grpc === record.grpc &&
    a.secure === (record.connection.tls !== undefined) &&
    a.flags === record.flags &&
    a.principal === record.connection.principal &&
    a.upstreamPrincipal === record.upstreamPrincipal &&
    a.clusterName === record.clusterName &&
    a.peerMetadataId === record.peerMetadataId &&
    a.authority === record.request.authority
  );
}

function count(series: HttpSeries, record: ExchangeRecord): void {
  series.requests.value++;
  series.duration.observe(record.endMs - record.startMs);
  series.requestBytes.observe(record.bytesReceived);
  series.responseBytes.observe(record.bytesSent);
  const { messages } = series;
  if (messages === undefined) return;
  messages.request.value += record.requestMessages?.count ?? 0;
  messages.response.value += record.responseMessages?.count ?? 0;
}

interface OpenConnection {
  readonly series: TcpSeries;
  /** Already counted. Units: bytes. */
  sent: number;
  received: number;
}

/** `spiffe://td/ns/foo/sa/bar` → `foo`. */
function namespaceOf(principal: string): string {
  const at = principal.indexOf("/ns/");
  if (at < 0) return "";
  const end = principal.indexOf("/", at + 4);
  return end < 0 ? "" : principal.slice(at + 4, end);
}

function shortName(host: string): string {
  const dot = host.indexOf(".");
  return dot < 0 ? host : host.slice(0, dot);
}

/** Counts Istio's standard metrics for the chains of one direction. */
export function createIstioStats(deps: IstioStatsDeps): ExchangeObserver & TcpObserver {
  return new IstioStats(deps);
}
