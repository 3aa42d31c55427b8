/** Of a map only single entries can be asked for, by keys that are written in the expression. */
export type AttributeType = "string" | "int" | "bool" | "map";

/**
 * What expressions may ask for. Source: Envoy's attributes; Istio's `upstream_peer` and `downstream_peer` (a peer's fields as
 * `filter_state` has them), and `node`.
 */
export const ATTRIBUTES = {
  "request.path": "string",
  "request.url_path": "string",
  "request.query": "string",
  "request.host": "string",
  "request.scheme": "string",
  "request.method": "string",
  "request.protocol": "string",
  "request.id": "string",
  "request.referer": "string",
  "request.useragent": "string",
  "request.size": "int",
  "request.headers": "map",
  "response.code": "int",
  "response.code_details": "string",
  "response.grpc_status": "int",
  "response.size": "int",
  "response.headers": "map",
  "source.address": "string",
  "source.port": "int",
  "destination.address": "string",
  "destination.port": "int",
  "connection.mtls": "bool",
  "connection.requested_server_name": "string",
  "connection.tls_version": "string",
  "connection.uri_san_local_certificate": "string",
  "connection.uri_san_peer_certificate": "string",
  "connection.dns_san_peer_certificate": "string",
  "connection.subject_peer_certificate": "string",
  "upstream.address": "string",
  "upstream.port": "int",
  "upstream.local_address": "string",
  "upstream.uri_san_peer_certificate": "string",
  "upstream.transport_failure_reason": "string",
  "xds.cluster_name": "string",
  "xds.route_name": "string",
  "upstream_peer.name": "string",
  "upstream_peer.workload": "string",
  "upstream_peer.namespace": "string",
  "upstream_peer.service": "string",
  "upstream_peer.revision": "string",
  "upstream_peer.app": "string",
  "upstream_peer.version": "string",
  "upstream_peer.cluster": "string",
  "upstream_peer.labels": "map",
  "downstream_peer.name": "string",
  "downstream_peer.workload": "string",
  "downstream_peer.namespace": "string",
  "downstream_peer.service": "string",
  "downstream_peer.revision": "string",
  "downstream_peer.app": "string",
  "downstream_peer.version": "string",
  "downstream_peer.cluster": "string",
  "downstream_peer.labels": "map",
  "node.id": "string",
  "node.cluster": "string",
  "node.metadata": "map",
} as const satisfies Readonly<Record<string, AttributeType>>;

/** Other spellings. Source: Istio's attributes (`cluster_name`), its metadata exchange (`workload_name`), Envoy's `xds.node`. */
const ALIASES: Readonly<Record<string, string>> = {
  cluster_name: "xds.cluster_name",
  route_name: "xds.route_name",
  "upstream_peer.workload_name": "upstream_peer.workload",
  "upstream_peer.cluster_id": "upstream_peer.cluster",
  "downstream_peer.workload_name": "downstream_peer.workload",
  "downstream_peer.cluster_id": "downstream_peer.cluster",
};

/** The name in the table, however it was written; undefined: there is none. */
export function attributeNamed(path: readonly string[]): string | undefined {
  const [first = "", second = ""] = path;
  const short =
    (first === "filter_state" && second.endsWith("stream_peer")) || (first === "xds" && second === "node")
      ? path.slice(1)
      : path;
  const written = short.join(".");
  const name = ALIASES[written] ?? written;
  return Object.hasOwn(ATTRIBUTES, name) ? name : undefined;
}

export function attributeType(name: string): AttributeType {
  return (ATTRIBUTES as Readonly<Record<string, AttributeType>>)[name] ?? "string";
}
