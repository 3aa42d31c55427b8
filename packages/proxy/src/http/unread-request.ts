import type { Clock } from "@heddle/std";
import { createRequestHead, HTTP_1_1, type WireFailure } from "@heddle/wire";
import type { ConnectionInfo } from "../listener/connection-info.ts";
import type { ExchangeRecord } from "./exchange-record.ts";

/** Of a refusal that the codec wrote. Source: Envoy `ResponseCodeDetails`, `Http1ResponseCodeDetails`. */
const DETAILS: Readonly<Record<number, string>> = {
  431: "http1.headers_too_large",
  501: "http1.invalid_transfer_encoding",
};

/** What telemetry knows of bytes that were no HTTP/1 request, and were answered. Source: Envoy has a line for each such answer. */
export function unreadRequest(connection: ConnectionInfo, failure: WireFailure, clock: Clock): ExchangeRecord {
  const nowMs = clock.monotonic();
  const request = createRequestHead();
  request.method = "";
  request.scheme = "";
  request.path = "";
  request.version = HTTP_1_1;
  return {
    connection,
    request,
    status: failure.status,
    flags: "DPE",
    details: DETAILS[failure.status] ?? "http1.codec_error",
    startMs: nowMs,
    endMs: nowMs,
    startTime: clock.now(),
    ...NOTHING,
  };
}

const NOTHING: Omit<
  ExchangeRecord,
  "connection" | "request" | "status" | "flags" | "details" | "startMs" | "endMs" | "startTime"
> = {
  response: undefined,
  route: undefined,
  cluster: undefined,
  clusterName: "",
  host: undefined,
  upstreamLocal: "",
  upstreamSecure: false,
  upstreamVersion: 0,
  upstreamPrincipal: "",
  upstream: undefined,
  downstreamBytes: undefined,
  upstreamBytes: undefined,
  failedTries: [],
  virtualCluster: undefined,
  responseTrailers: undefined,
  grpcStatus: -1,
  grpc: false,
  requestMessages: undefined,
  responseMessages: undefined,
  transportFailure: "",
  bytesReceived: 0,
  bytesSent: 0,
  attempts: 0,
  requestEndMs: -1,
  firstByteMs: -1,
  upstreamWantedMs: -1,
  upstreamReadyMs: -1,
  upstreamEndMs: -1,
  upstreamBodyMs: -1,
  originalPath: "",
  peerMetadataId: "",
  peerMetadata: "",
  metadata: undefined,
  filterState: undefined,
  sharedState: undefined,
  span: undefined,
  logType: "DownstreamEnd",
};
