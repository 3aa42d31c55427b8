// Hot path: once per request, where this dialect is asked for.

import type { Counter } from "@heddle/std";
import type { ClusterConfig } from "../config/cluster.ts";
import { ALLOWED_BY } from "../filters/rbac-match.ts";
import type { ExchangeRecord } from "../http/exchange-record.ts";
import type { ConnectionInfo } from "../listener/connection-info.ts";
import type { TcpRecord } from "../network/tcp-record.ts";
import {
  isRefusal,
  type LinkerdFamilies,
  type LinkerdRequestSeries,
  type LinkerdTcpSeries,
  type LinkerdTls,
  linkerdAuthzSeries,
  linkerdRequestSeries,
  linkerdTcpSeries,
} from "./linkerd-families.ts";
import type { Workload } from "./workload.ts";

export interface LinkerdStatsDeps {
  readonly families: LinkerdFamilies;
  /** This proxy's own workload. */
  readonly self: Workload;
  /** URI name of our certificate; "" before there is one. */
  localUri(): string;
}

/** Remembered combinations; beyond it the memory of label combinations starts afresh (counts are not lost). */
const MAX_REMEMBERED = 10_000;

/** What both kinds of records are read for. */
interface Passage {
  readonly connection: Pick<ConnectionInfo, "direction" | "principal" | "localUri" | "tls" | "allowedBy">;
  readonly upstreamSecure: boolean;
  readonly upstreamPrincipal: string;
}

export interface CountedExchange
  extends Passage,
    Pick<
      ExchangeRecord,
      "clusterName" | "status" | "details" | "grpc" | "grpcStatus" | "startMs" | "firstByteMs" | "endMs"
    > {
  readonly cluster: { readonly config: Pick<ClusterConfig, "services"> } | undefined;
  readonly host: Pick<NonNullable<ExchangeRecord["host"]>, "workload"> | undefined;
  readonly metadata: Pick<NonNullable<ExchangeRecord["metadata"]>, "get"> | undefined;
  readonly request: Pick<ExchangeRecord["request"], "authority">;
}

export interface CountedTcp extends Passage, Pick<TcpRecord, "upstreamLocal" | "bytesReceived" | "bytesSent"> {}

/** Takes what is over (requests) or goes on (TCP); an observer of exchanges and of TCP connections. */
export interface LinkerdStats {
  onExchangeDone(record: CountedExchange): void;
  onTcpOpened(record: CountedTcp): void;
  /** A network filter closed the connection before anything else had it. @param why Envoy's words. */
  onRefused(record: CountedTcp, why: string): void;
  onTcpProgress(record: CountedTcp): void;
  onTcpDone(record: CountedTcp): void;
}

interface OpenConnection {
  readonly source: LinkerdTcpSeries;
  /** Undefined: the other side was never reached. */
  readonly destination: LinkerdTcpSeries | undefined;
  /** Already counted. Units: bytes. */
  received: number;
  sent: number;
}

/** What one kind of exchange counts for. */
interface ExchangeSeries extends LinkerdRequestSeries {
  /** Of inbound requests. */
  readonly authz: Counter | undefined;
}

class Counting implements LinkerdStats {
  readonly #deps: LinkerdStatsDeps;
  readonly #series = new Map<string, ExchangeSeries>();
  #forgotten = 0;
  readonly #open = new WeakMap<CountedTcp, OpenConnection>();

  constructor(deps: LinkerdStatsDeps) {
    this.#deps = deps;
  }

  onExchangeDone(record: CountedExchange): void {
    const series = this.#of(record);
    series.requests.value++;
    series.responses.value++;
    if (series.authz !== undefined) series.authz.value++;
    series.latency.observe((record.firstByteMs < 0 ? record.endMs : record.firstByteMs) - record.startMs);
  }

  #of(record: CountedExchange): ExchangeSeries {
    const { times } = this.#deps.families.forgotten;
    if (this.#forgotten !== times) {
      this.#forgotten = times;
      this.#series.clear();
    }
    const { connection, cluster, host } = record;
    const known = cluster?.config.services[0] !== undefined;
    const key = `${connection.direction}|${record.clusterName}|${host?.workload?.workload ?? ""}|${connection.principal}|${
      record.upstreamPrincipal
    }|${record.upstreamSecure}|${known ? "" : record.request.authority}|${record.status}|${record.grpc}|${record.grpcStatus}|${refusalOf(record)}|${allowedBy(record)}`;
    let series = this.#series.get(key);
    if (series === undefined) {
      if (this.#series.size >= MAX_REMEMBERED) this.#series.clear();
      series = { ...this.#make(record), authz: this.#authz(record) };
      this.#series.set(key, series);
    }
    return series;
  }

  #authz(record: CountedExchange): Counter | undefined {
    if (record.connection.direction !== "inbound") return undefined;
    return linkerdAuthzSeries(this.#deps.families, this.#tls(record, "src"), record.details, allowedBy(record));
  }

  #make(record: CountedExchange): LinkerdRequestSeries {
    const { families, self } = this.#deps;
    const { direction } = record.connection;
    const inbound = direction === "inbound";
    const service = record.cluster?.config.services[0];
    const workload = record.host?.workload;
    const failed = record.status === 0 || record.status >= 500 || (record.grpc && record.grpcStatus > 0);
    const labels = {
      ...this.#tls(record, inbound ? "src" : "dst"),
      direction,
      // Inbound proxies leave it out since Linkerd 2.16: clients choose it.
      authority: inbound ? "" : this.#authority(record),
      namespace: inbound ? self.namespace : (service?.namespace ?? workload?.namespace ?? ""),
      service: inbound ? "" : (service?.name ?? ""),
      workload: inbound ? self.name : (workload?.workload ?? ""),
    };
    const grpcStatus = record.grpc ? record.grpcStatus : -1;
    return linkerdRequestSeries(families, labels, record.status, failed ? "failure" : "success", grpcStatus);
  }

  /** `web.emojivoto.svc.cluster.local:80`; of hosts without a service what the request says, for a limited number of them. */
  #authority(record: CountedExchange): string {
    const service = record.cluster?.config.services[0];
    if (service === undefined) return this.#deps.families.hosts.labelOf(record.request.authority);
    const port = record.clusterName.split("|")[1] ?? "";
    return port === "" ? service.host : `${service.host}:${port}`;
  }

  onTcpOpened(record: CountedTcp): void {
    const { families } = this.#deps;
    const { direction } = record.connection;
    const source = linkerdTcpSeries(families, direction, "src", this.#tls(record, "src"));
    const destination =
      record.upstreamLocal === "" ? undefined : linkerdTcpSeries(families, direction, "dst", this.#tls(record, "dst"));
    for (const side of [source, destination]) {
      if (side === undefined) continue;
      side.opened.value++;
      side.open.value++;
    }
    if (direction === "inbound") this.#authorized(record, "");
    this.#open.set(record, { source, destination, received: 0, sent: 0 });
  }

  onRefused(record: CountedTcp, why: string): void {
    if (record.connection.direction === "inbound") this.#authorized(record, why);
  }

  #authorized(record: CountedTcp, refusal: string): void {
    const { tcpAllowed: allowed, tcpDenied: denied } = this.#deps.families;
    const tls = this.#tls(record, "src");
    linkerdAuthzSeries({ allowed, denied }, tls, refusal, record.connection.allowedBy).value++;
  }

  onTcpProgress(record: CountedTcp): void {
    const open = this.#open.get(record);
    if (open === undefined) return;
    const received = record.bytesReceived - open.received;
    const sent = record.bytesSent - open.sent;
    open.received = record.bytesReceived;
    open.sent = record.bytesSent;
    open.source.read.value += received;
    open.source.written.value += sent;
    if (open.destination === undefined) return;
    open.destination.read.value += sent;
    open.destination.written.value += received;
  }

  onTcpDone(record: CountedTcp): void {
    this.onTcpProgress(record);
    const open = this.#open.get(record);
    if (open === undefined) return;
    for (const side of [open.source, open.destination]) {
      if (side === undefined) continue;
      side.open.value--;
      side.closed().value++;
    }
    this.#open.delete(record);
  }

  /** The security of one of the two connections of a proxy: the client's (src) or the one that it makes itself (dst). */
  #tls(record: Passage, peer: "src" | "dst"): LinkerdTls {
    const { connection } = record;
    const inbound = connection.direction === "inbound";
    // Between a proxy and its own application.
    if (inbound !== (peer === "src")) return plain("loopback");
    if (inbound) {
      if (connection.tls === undefined) return plain("no_tls_from_remote");
      return { tls: "true", noTlsReason: "", clientId: connection.principal, serverId: connection.localUri };
    }
    if (!record.upstreamSecure) return plain("not_provided_by_service_discovery");
    return { tls: "true", noTlsReason: "", clientId: this.#deps.localUri(), serverId: record.upstreamPrincipal };
  }
}

/** Other details have any number of values, and say nothing of a policy. */
function refusalOf({ details }: CountedExchange): string {
  return isRefusal(details) ? details : "";
}

function allowedBy({ metadata }: CountedExchange): string {
  const policy = metadata?.get(ALLOWED_BY);
  return typeof policy === "string" ? policy : "";
}

function plain(noTlsReason: string): LinkerdTls {
  return { tls: "no_identity", noTlsReason, clientId: "", serverId: "" };
}

/** Counts what a proxy of Linkerd counts, for the chains of one direction. */
export function createLinkerdStats(deps: LinkerdStatsDeps): LinkerdStats {
  return new Counting(deps);
}
