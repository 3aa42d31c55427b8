import type { AttributeValue } from "@heddle/expression";
import { RequestMethod } from "@heddle/xds-api/envoy/config/core/v3/base";
import {
  type AccessLogCommon,
  type HTTPAccessLogEntry,
  HTTPAccessLogEntry_HTTPVersion,
  type TCPAccessLogEntry,
  TLSProperties_TLSVersion,
} from "@heddle/xds-api/envoy/data/accesslog/v3/accesslog";
import { splitPath } from "../telemetry/record-attributes.ts";

type Entry = HTTPAccessLogEntry | TCPAccessLogEntry;

/** An attribute of expressions from what Envoy reports; `tag` reads our own tags. Peers and the node are not in there. */
export function entryAttribute(
  entry: Entry,
  tag: (name: string) => string,
  attribute: string,
  key: string,
): AttributeValue | undefined {
  const found = attribute.startsWith("re")
    ? "request" in entry
      ? httpAttribute(entry, tag, attribute, key)
      : undefined
    : connectionAttribute(entry.commonProperties, tag, attribute);
  return found === "" ? undefined : found;
}

function httpAttribute(
  { request, response, protocolVersion }: HTTPAccessLogEntry,
  tag: (name: string) => string,
  attribute: string,
  key: string,
): AttributeValue | undefined {
  switch (attribute) {
    case "request.host":
      return request?.authority;
    case "request.method":
      return request && RequestMethod[request.requestMethod];
    case "request.path":
      return request?.path;
    case "request.url_path":
      return splitPath(request?.path ?? "")[0];
    case "request.query":
      return splitPath(request?.path ?? "")[1];
    case "request.scheme":
      return request?.scheme;
    case "request.protocol":
      return PROTOCOLS[protocolVersion];
    case "request.id":
      return request?.requestId;
    case "request.referer":
      return request?.referer;
    case "request.useragent":
      return request?.userAgent;
    case "request.size":
      return Number(request?.requestBodyBytes ?? 0);
    case "request.headers":
      return request?.requestHeaders[key.toLowerCase()];
    case "response.headers":
      return response?.responseHeaders[key.toLowerCase()];
    case "response.code":
      return response?.responseCode;
    case "response.code_details":
      return response?.responseCodeDetails;
    case "response.grpc_status":
      return tag("grpc_status") === "" ? undefined : Number(tag("grpc_status"));
    case "response.size":
      return Number(response?.responseBodyBytes ?? 0);
    default:
      return undefined;
  }
}

const PROTOCOLS: Readonly<Partial<Record<HTTPAccessLogEntry_HTTPVersion, string>>> = {
  [HTTPAccessLogEntry_HTTPVersion.HTTP10]: "HTTP/1.0",
  [HTTPAccessLogEntry_HTTPVersion.HTTP11]: "HTTP/1.1",
  [HTTPAccessLogEntry_HTTPVersion.HTTP2]: "HTTP/2",
  [HTTPAccessLogEntry_HTTPVersion.HTTP3]: "HTTP/3",
};

const TLS_VERSIONS: Readonly<Partial<Record<TLSProperties_TLSVersion, string>>> = {
  [TLSProperties_TLSVersion.TLSv1]: "TLSv1",
  [TLSProperties_TLSVersion.TLSv1_1]: "TLSv1.1",
  [TLSProperties_TLSVersion.TLSv1_2]: "TLSv1.2",
  [TLSProperties_TLSVersion.TLSv1_3]: "TLSv1.3",
};

function connectionAttribute(
  common: AccessLogCommon | undefined,
  tag: (name: string) => string,
  attribute: string,
): AttributeValue | undefined {
  const tls = common?.tlsProperties;
  const peer = tls?.peerCertificateProperties;
  switch (attribute) {
    case "source.address":
      return addressOf(common?.downstreamRemoteAddress);
    case "source.port":
      return portOf(common?.downstreamRemoteAddress);
    case "destination.address":
      return addressOf(common?.downstreamLocalAddress);
    case "destination.port":
      return portOf(common?.downstreamLocalAddress);
    case "connection.mtls":
      return tag("principal") !== "" || (peer?.subjectAltName.length ?? 0) > 0;
    case "connection.requested_server_name":
      return tls?.tlsSniHostname;
    case "connection.tls_version":
      return tls && TLS_VERSIONS[tls.tlsVersion];
    case "connection.uri_san_local_certificate":
      return tag("local_principal");
    case "connection.uri_san_peer_certificate":
      return tag("principal");
    case "connection.dns_san_peer_certificate":
      return peer?.subjectAltName.find(({ san }) => san.case === "dns")?.san.value;
    case "connection.subject_peer_certificate":
      return peer?.subject;
    case "upstream.address":
      return addressOf(common?.upstreamRemoteAddress);
    case "upstream.port":
      return portOf(common?.upstreamRemoteAddress);
    case "upstream.local_address":
      return addressOf(common?.upstreamLocalAddress);
    case "upstream.uri_san_peer_certificate":
      return tag("upstream_principal");
    case "upstream.transport_failure_reason":
      return common?.upstreamTransportFailureReason;
    case "xds.cluster_name":
      return tag("cluster");
    case "xds.route_name":
      return common?.routeName;
    default:
      return undefined;
  }
}

type Address = AccessLogCommon["downstreamRemoteAddress"];

/** `ip:port`; "" for none. */
export function addressOf(address: Address): string {
  const found = address?.address;
  if (found?.case !== "socketAddress") return "";
  const port = found.value.portSpecifier;
  return `${found.value.address}:${port.case === "portValue" ? port.value : ""}`;
}

function portOf(address: Address): number | undefined {
  const found = address?.address;
  const port = found?.case === "socketAddress" ? found.value.portSpecifier : undefined;
  return port?.case === "portValue" ? port.value : undefined;
}
