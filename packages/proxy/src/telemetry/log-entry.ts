import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Duration, durationFromMs } from "@bufbuild/protobuf/wkt";
import type { HeaderList } from "@heddle/wire";
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
import { textOfBytes } from "../config/wire-text.ts";
import type { ExchangeRecord } from "../http/exchange-record.ts";
import type { ConnectionInfo } from "../listener/connection-info.ts";
import type { TcpRecord } from "../network/tcp-record.ts";
import { ipOf, type SocketAddress } from "../transport/address.ts";

/** An exchange as access log services get it. Source: Envoy `HTTPAccessLogEntry`. */
export function exchangeEntry(
  record: ExchangeRecord,
  config: Pick<GrpcLogConfig, "requestHeaders" | "responseHeaders">,
): MessageInitShape<typeof HTTPAccessLogEntrySchema> {
  const { request, response } = record;
  const header = (name: string) => textOfBytes(request.headers.get(name) ?? "");
  const responseStart = duration(record.startMs, record.firstByteMs);
  const end = duration(record.startMs, record.endMs);
  return {
    commonProperties: {
      ...common(record, record.connection),
      timeToLastRxByte: duration(record.startMs, record.requestEndMs),
      timeToFirstUpstreamRxByte: responseStart,
      timeToFirstDownstreamTxByte: responseStart,
      ...(record.logType === "DownstreamEnd" ? { timeToLastDownstreamTxByte: end } : { intermediateLogEntry: true }),
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
      requestBodyBytes: BigInt(record.bytesReceived),
      requestHeaders: chosen(request.headers, config.requestHeaders),
    },
    response: {
      responseCode: record.status,
      responseBodyBytes: BigInt(record.bytesSent),
      responseCodeDetails: record.details,
      responseHeaders: response === undefined ? {} : chosen(response.headers, config.responseHeaders),
    },
  };
}

/** A TCP connection as access log services get it. */
export function connectionEntry(record: TcpRecord): MessageInitShape<typeof TCPAccessLogEntrySchema> {
  return {
    commonProperties: {
      ...common(record, record.connection),
      accessLogType: AccessLogType[record.logType],
      intermediateLogEntry: record.logType !== "TcpConnectionEnd" && record.logType !== "NotSet",
    },
    connectionProperties: { receivedBytes: BigInt(record.bytesReceived), sentBytes: BigInt(record.bytesSent) },
  };
}

type Common = MessageInitShape<typeof AccessLogCommonSchema>;

function common(record: ExchangeRecord | TcpRecord, connection: ConnectionInfo): Common {
  const peer = connection.tls?.peer;
  const forwarded = "forwardedIp" in record ? record.forwardedIp : undefined;
  const at = record.upstreamLocal.lastIndexOf(":");
  return {
    downstreamRemoteAddress: address(forwarded === undefined ? connection.remote : { ip: forwarded, port: 0 }),
    downstreamDirectRemoteAddress: address(connection.remote),
    downstreamLocalAddress: address(connection.local),
    startTime: {
      seconds: BigInt(Math.trunc(record.startTime / 1000)),
      nanos: Math.trunc((record.startTime % 1000) * 1e6),
    },
    duration: duration(record.startMs, record.endMs),
    upstreamCluster: record.clusterName,
    upstreamTransportFailureReason: record.transportFailure,
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
    ...(connection.tls === undefined
      ? {}
      : {
          tlsProperties: {
            tlsVersion: TLS[connection.tls.version] ?? TLSProperties_TLSVersion.VERSION_UNSPECIFIED,
            tlsSniHostname: connection.sni,
            localCertificateProperties: { subjectAltName: names([connection.localUri], []) },
            ...(peer === undefined
              ? {}
              : {
                  peerCertificateProperties: {
                    subject: peer.subject,
                    subjectAltName: names(peer.uriSans, peer.dnsSans),
                  },
                }),
          },
        }),
  };
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
