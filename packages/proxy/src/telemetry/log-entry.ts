import { create, type JsonObject, type JsonValue, type MessageInitShape } from "@bufbuild/protobuf";
import { type Any, type Duration, durationFromMs, StringValueSchema } from "@bufbuild/protobuf/wkt";
import type { HeaderList } from "@heddle/wire";
import { packAny } from "@heddle/xds-api";
import { RequestMethod } from "@heddle/xds-api/envoy/config/core/v3/base";
import {
  type AccessLogCommonSchema,
  AccessLogType,
  HTTPAccessLogEntry_HTTPVersion,
  type HTTPAccessLogEntrySchema,
  type ResponseFlagsSchema,
  type TCPAccessLogEntrySchema,
  TLSProperties_TLSVersion,
} from "@heddle/xds-api/envoy/data/accesslog/v3/accesslog";
import type { GrpcLogConfig } from "../config/access-log.ts";
import type { FormatValues } from "../config/format.ts";
import type { GrpcLogTarget } from "../config/grpc-log-target.ts";
import { textOfBytes } from "../config/wire-text.ts";
import type { ExchangeRecord } from "../http/exchange-record.ts";
import { exchangeValues } from "../http/exchange-values.ts";
import type { ConnectionInfo } from "../listener/connection-info.ts";
import type { TcpRecord } from "../network/tcp-record.ts";
import { tcpValues } from "../network/tcp-values.ts";
import { loggedFailure } from "../tls/logged-failure.ts";
import { ipOf, type SocketAddress } from "../transport/address.ts";
import { customTags } from "./custom-tags.ts";

type Env = (name: string) => string | undefined;

/** An exchange as access log services get it. Source: Envoy `HTTPAccessLogEntry`. */
export function exchangeEntry(
  record: ExchangeRecord,
  config: Omit<GrpcLogConfig, keyof GrpcLogTarget>,
  env: Env,
): MessageInitShape<typeof HTTPAccessLogEntrySchema> {
  const { request, response } = record;
  const header = (name: string) => textOfBytes(request.headers.get(name) ?? "");
  const values = exchangeValues(record);
  const since = (ms: number) => duration(record.startMs, ms);
  return {
    commonProperties: {
      ...common(record, config, env, values),
      timeToLastRxByte: since(record.requestEndMs),
      ...(record.upstream === undefined
        ? {}
        : {
            timeToFirstUpstreamTxByte: since(record.upstreamReadyMs),
            timeToLastUpstreamTxByte: since(Math.max(record.upstreamReadyMs, record.requestEndMs)),
            timeToFirstUpstreamRxByte: since(record.firstByteMs),
            timeToLastUpstreamRxByte: since(record.upstreamEndMs),
          }),
      // The proxy's own answers are sent in one piece.
      timeToFirstDownstreamTxByte: since(
        record.firstByteMs < 0 && record.status > 0 ? record.endMs : record.firstByteMs,
      ),
      ...(record.logType === "DownstreamEnd"
        ? { timeToLastDownstreamTxByte: since(record.endMs) }
        : { intermediateLogEntry: true }),
      upstreamRequestAttemptCount: record.attempts,
      routeName: record.route?.route.name ?? "",
      streamId: header("x-request-id"),
      accessLogType: AccessLogType[record.logType],
    },
    protocolVersion:
      request.version === 20
        ? HTTPAccessLogEntry_HTTPVersion.HTTP2
        : request.version === 10
          ? HTTPAccessLogEntry_HTTPVersion.HTTP10
          : HTTPAccessLogEntry_HTTPVersion.HTTP11,
    request: {
      requestMethod: METHODS.get(request.method) ?? RequestMethod.METHOD_UNSPECIFIED,
      scheme: request.scheme,
      authority: request.authority,
      path: textOfBytes(request.path),
      userAgent: header("user-agent"),
      referer: header("referer"),
      forwardedFor: header("x-forwarded-for"),
      requestId: header("x-request-id"),
      originalPath: header("x-envoy-original-path"),
      requestHeadersBytes: count(values, "REQUEST_HEADERS_BYTES"),
      requestBodyBytes: BigInt(record.bytesReceived),
      requestHeaders: chosen(request.headers, config.requestHeaders),
      upstreamHeaderBytesSent: count(values, "UPSTREAM_HEADER_BYTES_SENT"),
      downstreamHeaderBytesReceived: count(values, "DOWNSTREAM_HEADER_BYTES_RECEIVED"),
    },
    response: {
      responseCode: record.status,
      responseHeadersBytes: count(values, "RESPONSE_HEADERS_BYTES"),
      responseBodyBytes: BigInt(record.bytesSent),
      responseCodeDetails: record.details,
      responseHeaders: response === undefined ? {} : chosen(response.headers, config.responseHeaders),
      responseTrailers:
        record.responseTrailers === undefined ? {} : chosen(record.responseTrailers, config.responseTrailers),
      upstreamHeaderBytesReceived: count(values, "UPSTREAM_HEADER_BYTES_RECEIVED"),
      downstreamHeaderBytesSent: count(values, "DOWNSTREAM_HEADER_BYTES_SENT"),
    },
  };
}

/** A TCP connection as access log services get it. */
export function connectionEntry(
  record: TcpRecord,
  config: Pick<GrpcLogConfig, "tags" | "state">,
  env: Env,
): MessageInitShape<typeof TCPAccessLogEntrySchema> {
  const values = tcpValues(record);
  return {
    commonProperties: {
      ...common(record, config, env, values),
      upstreamRequestAttemptCount: record.attempts,
      streamId: text(values, "STREAM_ID") ?? "",
      connectionTerminationDetails: record.termination,
      downstreamTransportFailureReason: record.handshakeFailure,
      accessLogType: AccessLogType[record.logType],
      intermediateLogEntry: record.logType !== "TcpConnectionEnd" && record.logType !== "NotSet",
    },
    connectionProperties: { receivedBytes: BigInt(record.bytesReceived), sentBytes: BigInt(record.bytesSent) },
  };
}

type Common = MessageInitShape<typeof AccessLogCommonSchema>;

function common(
  record: ExchangeRecord | TcpRecord,
  config: Pick<GrpcLogConfig, "tags" | "state">,
  env: Env,
  values: FormatValues,
): Common {
  const { connection } = record;
  const exchange = "request" in record ? record : undefined;
  const forwarded = exchange?.forwardedIp;
  const at = record.upstreamLocal.lastIndexOf(":");
  const metadata = exchange === undefined ? connection.metadata : exchange.metadata;
  return {
    downstreamRemoteAddress: address(forwarded === undefined ? connection.remote : { ip: forwarded, port: 0 }),
    downstreamDirectRemoteAddress: address(connection.remote),
    downstreamLocalAddress: address(connection.local),
    startTime: {
      seconds: BigInt(Math.trunc(record.startTime / 1000)),
      nanos: Math.trunc((record.startTime % 1000) * 1e6),
    },
    duration: duration(record.startMs, record.endMs),
    // Source: Envoy tells the cluster of a host.
    upstreamCluster: record.host === undefined ? "" : record.clusterName,
    upstreamTransportFailureReason: loggedFailure(record.transportFailure),
    downstreamWireBytesSent: count(values, "DOWNSTREAM_WIRE_BYTES_SENT"),
    downstreamWireBytesReceived: count(values, "DOWNSTREAM_WIRE_BYTES_RECEIVED"),
    upstreamWireBytesSent: count(values, "UPSTREAM_WIRE_BYTES_SENT"),
    upstreamWireBytesReceived: count(values, "UPSTREAM_WIRE_BYTES_RECEIVED"),
    ...(record.flags === "-" ? {} : { responseFlags: flags(record.flags) }),
    ...(record.host === undefined ? {} : { upstreamRemoteAddress: address(record.host.address) }),
    ...(at < 0
      ? {}
      : {
          upstreamLocalAddress: address({
            ip: ipOf(record.upstreamLocal),
            port: Number(record.upstreamLocal.slice(at + 1)),
          }),
        }),
    ...(metadata === undefined || metadata.size === 0 ? {} : { metadata: { filterMetadata: objectsOf(metadata) } }),
    ...(config.state.length === 0 ? {} : { filterStateObjects: stateObjects(config.state, exchange, connection) }),
    ...(config.tags.length === 0 ? {} : { customTags: Object.fromEntries(customTags(config.tags, record, env)) }),
    ...tlsProperties(connection, values),
  };
}

/** Metadata of the API has objects under its names. */
function objectsOf(metadata: ReadonlyMap<string, JsonValue>): Record<string, JsonObject> {
  const objects: Record<string, JsonObject> = {};
  for (const [name, value] of metadata)
    if (typeof value === "object" && value !== null && !Array.isArray(value)) objects[name] = value;
  return objects;
}

/** Source: Envoy's string objects, each a `google.protobuf.StringValue`. */
function stateObjects(
  keys: readonly string[],
  exchange: ExchangeRecord | undefined,
  connection: ConnectionInfo,
): Record<string, Any> {
  const objects: Record<string, Any> = {};
  for (const key of keys) {
    const found = exchange?.filterState?.get(key) ?? connection.filterState?.get(key);
    if (found !== undefined)
      objects[key] = packAny(StringValueSchema, create(StringValueSchema, { value: textOfBytes(found.text) }));
  }
  return objects;
}

function tlsProperties(
  { tls, sni, ja3, localUri, socket }: ConnectionInfo,
  values: FormatValues,
): Pick<Common, "tlsProperties"> {
  if (tls === undefined) return sni === "" ? {} : { tlsProperties: { tlsSniHostname: sni, ja3Fingerprint: ja3 } };
  const { peer } = tls;
  const own = tls.own?.identity();
  const suite = CIPHER_SUITES[tls.cipher];
  return {
    tlsProperties: {
      tlsVersion: TLS[tls.version] ?? TLSProperties_TLSVersion.VERSION_UNSPECIFIED,
      tlsSniHostname: sni,
      ja3Fingerprint: ja3,
      tlsSessionId: socket.tlsSession?.id ?? "",
      ...(suite === undefined ? {} : { tlsCipherSuite: suite }),
      localCertificateProperties: {
        subject: own?.subject ?? "",
        subjectAltName: names(own?.uriSans ?? [localUri], own?.dnsSans ?? []),
      },
      peerCertificateProperties:
        peer === undefined
          ? {}
          : {
              subject: peer.subject,
              issuer: text(values, "DOWNSTREAM_PEER_ISSUER") ?? "",
              subjectAltName: names(peer.uriSans, peer.dnsSans),
            },
    },
  };
}

function text(values: FormatValues, name: string): string | undefined {
  return values.command({ name, argument: undefined, headers: [], maxLength: undefined, bytes: false });
}

function count(values: FormatValues, name: string): bigint {
  return BigInt(text(values, name) ?? 0);
}

function names(uris: readonly string[], dns: readonly string[]) {
  return [
    ...uris.filter((value) => value !== "").map((value) => ({ san: { case: "uri" as const, value } })),
    ...dns.map((value) => ({ san: { case: "dns" as const, value } })),
  ];
}

function address(end: SocketAddress) {
  return {
    address: {
      case: "socketAddress" as const,
      value: { address: end.ip, portSpecifier: { case: "portValue" as const, value: end.port } },
    },
  };
}

/** Nothing for what was not reached. */
function duration(fromMs: number, toMs: number): Duration | undefined {
  if (fromMs < 0 || toMs < fromMs) return undefined;
  return durationFromMs(Math.trunc(toMs - fromMs));
}

function chosen(headers: HeaderList, wanted: readonly string[]): Record<string, string> {
  const out: Record<string, string> = {};
  for (const name of wanted) {
    const value = headers.getAll(name);
    if (value !== undefined) out[name] = textOfBytes(value);
  }
  return out;
}

const METHODS: ReadonlyMap<string, RequestMethod> = new Map([
  ["GET", RequestMethod.GET],
  ["HEAD", RequestMethod.HEAD],
  ["POST", RequestMethod.POST],
  ["PUT", RequestMethod.PUT],
  ["DELETE", RequestMethod.DELETE],
  ["CONNECT", RequestMethod.CONNECT],
  ["OPTIONS", RequestMethod.OPTIONS],
  ["TRACE", RequestMethod.TRACE],
  ["PATCH", RequestMethod.PATCH],
]);

const TLS: Readonly<Record<string, TLSProperties_TLSVersion>> = {
  TLSv1: TLSProperties_TLSVersion.TLSv1,
  "TLSv1.1": TLSProperties_TLSVersion.TLSv1_1,
  "TLSv1.2": TLSProperties_TLSVersion.TLSv1_2,
  "TLSv1.3": TLSProperties_TLSVersion.TLSv1_3,
};

/** Numbers of the cipher suites that there are, by OpenSSL's names. Source: IANA's TLS Cipher Suites. */
const CIPHER_SUITES: Readonly<Record<string, number>> = {
  TLS_AES_128_GCM_SHA256: 0x1301,
  TLS_AES_256_GCM_SHA384: 0x1302,
  TLS_CHACHA20_POLY1305_SHA256: 0x1303,
  "ECDHE-ECDSA-AES128-GCM-SHA256": 0xc02b,
  "ECDHE-ECDSA-AES256-GCM-SHA384": 0xc02c,
  "ECDHE-RSA-AES128-GCM-SHA256": 0xc02f,
  "ECDHE-RSA-AES256-GCM-SHA384": 0xc030,
  "ECDHE-RSA-CHACHA20-POLY1305": 0xcca8,
  "ECDHE-ECDSA-CHACHA20-POLY1305": 0xcca9,
  "ECDHE-ECDSA-AES128-SHA": 0xc009,
  "ECDHE-ECDSA-AES256-SHA": 0xc00a,
  "ECDHE-RSA-AES128-SHA": 0xc013,
  "ECDHE-RSA-AES256-SHA": 0xc014,
  "AES128-GCM-SHA256": 0x9c,
  "AES256-GCM-SHA384": 0x9d,
  "AES128-SHA": 0x2f,
  "AES256-SHA": 0x35,
};

function flags(text: string): MessageInitShape<typeof ResponseFlagsSchema> {
  const out: MessageInitShape<typeof ResponseFlagsSchema> = {};
  for (const flag of text.split(",")) Object.assign(out, FLAGS[flag]);
  return out;
}

const FLAGS: Readonly<Record<string, MessageInitShape<typeof ResponseFlagsSchema>>> = {
  LH: { failedLocalHealthcheck: true },
  UH: { noHealthyUpstream: true },
  UT: { upstreamRequestTimeout: true },
  LR: { localReset: true },
  UR: { upstreamRemoteReset: true },
  UF: { upstreamConnectionFailure: true },
  UC: { upstreamConnectionTermination: true },
  UO: { upstreamOverflow: true },
  NR: { noRouteFound: true },
  DI: { delayInjected: true },
  FI: { faultInjected: true },
  RL: { rateLimited: true },
  UAEX: { unauthorizedDetails: { reason: 1 } },
  RLSE: { rateLimitServiceError: true },
  DC: { downstreamConnectionTermination: true },
  URX: { upstreamRetryLimitExceeded: true },
  SI: { streamIdleTimeout: true },
  DPE: { downstreamProtocolError: true },
  UMSDR: { upstreamMaxStreamDurationReached: true },
  DT: { durationTimeout: true },
  UPE: { upstreamProtocolError: true },
  NC: { noClusterFound: true },
  OM: { overloadManager: true },
  DF: { dnsResolutionFailure: true },
  DR: { downstreamRemoteReset: true },
};
