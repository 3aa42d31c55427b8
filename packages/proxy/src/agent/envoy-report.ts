import type { AttributeValue } from "@heddle/expression";
import type {
  AccessLogCommon,
  ConnectionProperties,
  HTTPAccessLogEntry,
  TCPAccessLogEntry,
} from "@heddle/xds-api/envoy/data/accesslog/v3/accesslog";
import { AccessLogType } from "@heddle/xds-api/envoy/data/accesslog/v3/accesslog";
import { addressOf, entryAttribute } from "./entry-attributes.ts";

export type Direction = "inbound" | "outbound";

/** What Envoy reports of a request or a connection, in the terms of the standard metrics; empty text where it knows nothing. */
export interface EnvoyReport {
  readonly direction: Direction;
  readonly cluster: string;
  readonly service: { readonly host: string; readonly name: string; readonly namespace: string } | undefined;
  /** `<workload>;<namespace>;<canonical name>;<canonical revision>;<cluster>` of the endpoint. */
  readonly endpoint: string;
  readonly upstreamPrincipal: string;
  readonly upstreamSecure: boolean;
  /** SPIFFE ids of the connection that the sidecar accepted. */
  readonly principal: string;
  readonly localPrincipal: string;
  readonly flags: string;
  readonly peerId: string;
  readonly peerMetadata: string;
  /** Everything else that it reported, for expressions. */
  read(attribute: string, key: string): AttributeValue | undefined;
}

export interface EnvoyRequest extends EnvoyReport {
  readonly authority: string;
  readonly status: number;
  readonly grpc: boolean;
  /** -1 when there is none. */
  readonly grpcStatus: number;
  /** Units: ms. */
  readonly durationMs: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  /** Messages of a gRPC request and of its response. */
  readonly messages: { readonly request: number; readonly response: number };
}

export interface EnvoyConnection extends EnvoyReport {
  /** The same in each report of one connection. */
  readonly id: string;
  /** Units: bytes since the connection opened. */
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** `opening`: connected upstream, the client's TLS handshake may be under way still. */
  readonly phase: "opening" | "open" | "ended";
}

/** `heddle-metrics-inbound` and `-outbound`; undefined for logs that are not ours. */
export function directionOf(logName: string): Direction | undefined {
  if (logName === "heddle-metrics-inbound") return "inbound";
  return logName === "heddle-metrics-outbound" ? "outbound" : undefined;
}

/** `heddle-metrics-inbound {…}`: what differs from the standard metrics follows the name. */
export function splitLogName(name: string): { readonly log: string; readonly settings: string } {
  const at = name.indexOf(" ");
  return at < 0 ? { log: name, settings: "" } : { log: name.slice(0, at), settings: name.slice(at + 1) };
}

/** Envoy writes `-` where an operator has no value. */
function tagsOf(common: AccessLogCommon | undefined): (name: string) => string {
  const tags = common?.customTags ?? {};
  return (name) => {
    const value = tags[name] ?? "";
    return value === "-" ? "" : value;
  };
}

function serviceOf(json: string): EnvoyReport["service"] {
  try {
    const parsed: unknown = JSON.parse(json);
    const first: { host?: unknown; name?: unknown; namespace?: unknown } = Array.isArray(parsed) ? parsed[0] : {};
    const { host, name, namespace } = first;
    return typeof host === "string" && typeof name === "string" && typeof namespace === "string"
      ? { host, name, namespace }
      : undefined;
  } catch {
    return undefined;
  }
}

function reportOf(
  direction: Direction,
  tag: (name: string) => string,
  entry: HTTPAccessLogEntry | TCPAccessLogEntry,
): EnvoyReport {
  return {
    read: (attribute, key) => entryAttribute(entry, tag, attribute, key),
    direction,
    cluster: tag("cluster"),
    service: serviceOf(tag("services")),
    endpoint: tag("workload"),
    upstreamPrincipal: tag("upstream_principal"),
    upstreamSecure: tag("upstream_tls") !== "",
    principal: tag("principal"),
    localPrincipal: tag("local_principal"),
    // No flags are `-` in the metric, too.
    flags: tag("flags") || "-",
    peerId: tag("peer_id"),
    peerMetadata: tag("peer"),
  };
}

export function readRequest(direction: Direction, entry: HTTPAccessLogEntry): EnvoyRequest {
  const common = entry.commonProperties;
  const tag = tagsOf(common);
  const lasted = common?.duration ?? common?.timeToLastDownstreamTxByte;
  const grpcStatus = tag("grpc_status");
  return {
    ...reportOf(direction, tag, entry),
    authority: entry.request?.authority ?? "",
    status: entry.response?.responseCode ?? 0,
    grpc: tag("content_type").startsWith("application/grpc"),
    grpcStatus: grpcStatus === "" ? -1 : Number(grpcStatus),
    durationMs: lasted === undefined ? 0 : millis(lasted),
    requestBytes: Number(entry.request?.requestBodyBytes ?? 0),
    responseBytes: Number(entry.response?.responseBodyBytes ?? 0),
    messages: messagesOf(tag("grpc_messages")),
  };
}

/** Of a protobuf duration or timestamp. */
export function millis({ seconds, nanos }: { readonly seconds: bigint; readonly nanos: number }): number {
  return Number(seconds) * 1000 + nanos / 1e6;
}

/** `3,1`, as Envoy's gRPC statistics filter writes its counts; nothing for what is not that. */
function messagesOf(text: string): EnvoyRequest["messages"] {
  const [, request = "0", response = "0"] = /^(\d+),(\d+)$/.exec(text) ?? [];
  return { request: Number(request), response: Number(response) };
}

export function readConnection(direction: Direction, entry: TCPAccessLogEntry): EnvoyConnection {
  const common = entry.commonProperties;
  const bytes: Partial<ConnectionProperties> = entry.connectionProperties ?? {};
  const start = common?.startTime;
  const type = common?.accessLogType ?? AccessLogType.NotSet;
  return {
    ...reportOf(direction, tagsOf(common), entry),
    id: `${direction} ${addressOf(common?.downstreamRemoteAddress)} ${addressOf(common?.downstreamLocalAddress)} ${start?.seconds}.${start?.nanos}`,
    receivedBytes: Number(bytes.receivedBytes ?? 0),
    sentBytes: Number(bytes.sentBytes ?? 0),
    phase:
      type === AccessLogType.TcpUpstreamConnected ? "opening" : type === AccessLogType.TcpPeriodic ? "open" : "ended",
  };
}
