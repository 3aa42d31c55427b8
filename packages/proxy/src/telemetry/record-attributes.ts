// Hot path: once per request where a metric or a log has an expression.
import type { AttributeSource, AttributeValue } from "@heddle/expression";
import type { ExchangeRecord } from "../http/exchange-record.ts";
import type { TcpRecord } from "../network/tcp-record.ts";
import { formatAddress } from "../transport/address.ts";
import { peerAttribute, UNKNOWN_WORKLOAD, type Workload } from "./workload.ts";

/** This proxy, as `node` of expressions. */
export interface NodeAttributes {
  readonly id: string;
  readonly cluster: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** Attributes of one exchange or connection after the other; made once. */
export class RecordAttributes implements AttributeSource {
  readonly #node: NodeAttributes;
  readonly #peerOf: (record: ExchangeRecord | TcpRecord) => Workload;
  #exchange: ExchangeRecord | undefined = undefined;
  #record: ExchangeRecord | TcpRecord | undefined = undefined;

  constructor(node: NodeAttributes, peerOf: (record: ExchangeRecord | TcpRecord) => Workload) {
    this.#node = node;
    this.#peerOf = peerOf;
  }

  ofExchange(record: ExchangeRecord): this {
    this.#exchange = record;
    this.#record = record;
    return this;
  }

  ofConnection(record: TcpRecord): this {
    this.#exchange = undefined;
    this.#record = record;
    return this;
  }

  read(attribute: string, key: string): AttributeValue | undefined {
    if (attribute.startsWith("re")) return this.#exchange && exchangeAttribute(this.#exchange, attribute, key);
    const record = this.#record;
    if (record === undefined) return undefined;
    if (attribute.startsWith("node.")) return nodeAttribute(this.#node, attribute, key);
    if (attribute.includes("_peer.")) {
      const side = record.connection.direction === "inbound" ? "downstream_peer." : "upstream_peer.";
      return attribute.startsWith(side)
        ? peerAttribute(this.#peerOf(record), attribute.slice(side.length), key)
        : undefined;
    }
    return (
      connectionAttribute(record, attribute) ??
      (attribute === "xds.route_name" ? this.#exchange?.route?.route.name : undefined)
    );
  }
}

/** Attributes for conditions of logs: control planes refuse those that ask for peers or for the node. */
export function loggedAttributes(): RecordAttributes {
  return new RecordAttributes({ id: "", cluster: "", metadata: {} }, () => UNKNOWN_WORKLOAD);
}

export function nodeAttribute(node: NodeAttributes, attribute: string, key: string): string | undefined {
  if (attribute === "node.id") return node.id;
  if (attribute === "node.cluster") return node.cluster;
  const value = node.metadata[key];
  return typeof value === "string" ? value : undefined;
}

function exchangeAttribute(record: ExchangeRecord, attribute: string, key: string): AttributeValue | undefined {
  const { request } = record;
  const header = (name: string): string | undefined => request.headers.get(name);
  switch (attribute) {
    case "request.host":
      return request.authority;
    case "request.method":
      return request.method;
    case "request.path":
      return request.path;
    case "request.url_path":
      return splitPath(request.path)[0];
    case "request.query":
      return splitPath(request.path)[1];
    case "request.scheme":
      return request.scheme;
    case "request.protocol":
      return request.version === 20 ? "HTTP/2" : request.version === 10 ? "HTTP/1.0" : "HTTP/1.1";
    case "request.id":
      return header("x-request-id");
    case "request.referer":
      return header("referer");
    case "request.useragent":
      return header("user-agent");
    case "request.size":
      return record.bytesReceived;
    case "request.headers":
      return request.headers.getAll(key.toLowerCase());
    case "response.headers":
      return record.response?.headers.getAll(key.toLowerCase());
    case "response.code":
      return record.status === 0 ? undefined : record.status;
    case "response.code_details":
      return record.details === "" ? undefined : record.details;
    case "response.grpc_status":
      return record.grpcStatus < 0 ? undefined : record.grpcStatus;
    case "response.size":
      return record.bytesSent;
    default:
      return undefined;
  }
}

/** `/a?b` as `/a` and `b`. */
export function splitPath(path: string): readonly [string, string] {
  const at = path.indexOf("?");
  return at < 0 ? [path, ""] : [path.slice(0, at), path.slice(at + 1)];
}

function connectionAttribute(record: ExchangeRecord | TcpRecord, attribute: string): AttributeValue | undefined {
  const { connection, host } = record;
  const text = (value: string | undefined): string | undefined => (value === "" ? undefined : value);
  const forwarded = "forwardedIp" in record ? record.forwardedIp : undefined;
  switch (attribute) {
    case "source.address":
      return forwarded === undefined ? connection.remoteText : formatAddress({ ip: forwarded, port: 0 });
    case "source.port":
      return forwarded === undefined ? connection.remote.port : 0;
    case "destination.address":
      return connection.localText;
    case "destination.port":
      return connection.local.port;
    case "connection.mtls":
      return connection.tls?.peer !== undefined;
    case "connection.requested_server_name":
      return text(connection.sni);
    case "connection.tls_version":
      return connection.tls?.version;
    case "connection.uri_san_local_certificate":
      return text(connection.localUri);
    case "connection.uri_san_peer_certificate":
      return text(connection.principal);
    case "connection.dns_san_peer_certificate":
      return text(connection.tls?.peer?.dnsSans[0]);
    case "connection.subject_peer_certificate":
      return text(connection.tls?.peer?.subject);
    case "upstream.address":
      return host && formatAddress(host.address);
    case "upstream.port":
      return host?.address.port;
    case "upstream.local_address":
      return text(record.upstreamLocal);
    case "upstream.uri_san_peer_certificate":
      return text(record.upstreamPrincipal);
    case "upstream.transport_failure_reason":
      return text(record.transportFailure);
    case "xds.cluster_name":
      return text(record.clusterName);
    default:
      return undefined;
  }
}
