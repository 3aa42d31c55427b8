import type { Clock } from "@heddle/std";
import { createRequestHead, HTTP_1_1, type WireFailure } from "@heddle/wire";
import type { ConnectionInfo } from "../listener/connection-info.ts";
import { countAnswer, type HttpManager } from "./connection-manager.ts";
import type { ExchangeRecord } from "./exchange-record.ts";

/** Of a refusal that the codec wrote. Source: Envoy `ResponseCodeDetails`, `Http1ResponseCodeDetails`. */
const DETAILS: Readonly<Record<number, string>> = {
  431: "http1.headers_too_large",
  501: "http1.invalid_transfer_encoding",
};

/** Why there was no request: its answer, and what logs say of it. */
export type UnreadCause = Pick<ExchangeRecord, "status" | "flags" | "details">;

/** A head did not become complete within a limit of its own, or within the time that a stream may be silent. */
export const LATE_HEAD: UnreadCause = { status: 408, flags: "-", details: "request_header_timeout" };
export const SILENT_HEAD: UnreadCause = { status: 408, flags: "SI", details: "stream_idle_timeout" };
/** The client was gone before its head was complete. */
const GONE: UnreadCause = { status: 0, flags: "DC", details: "downstream_remote_disconnect" };

/** Of bytes that the codec could not read. */
export function unreadCause({ code, status }: WireFailure): UnreadCause {
  if (code === "connection-closed") return GONE;
  return { status, flags: "DPE", details: DETAILS[status] ?? "http1.codec_error" };
}

/** Counts and logs what was no HTTP/1 request. Source: Envoy has a stream, and a line, from the first byte of a head. */
export function tellUnread(manager: HttpManager, connection: ConnectionInfo, cause: UnreadCause): void {
  const { counters, clock } = manager;
  counters.requestsTotal++;
  counters.requestsHttp1++;
  counters.receivedResets++;
  if (cause.status > 0) {
    counters.earlyAnswers++;
    countAnswer(manager, cause.status);
  }
  if (manager.observers.length === 0) return;
  const record = unreadRequest(connection, cause, clock);
  for (const observer of manager.observers) observer.onExchangeDone(record);
}

/** The answer to a head that is late, as bytes. */
export function lateAnswer({ config, httpDate }: HttpManager, cause: UnreadCause): Uint8Array {
  const text = cause === LATE_HEAD ? "request header timeout" : "stream timeout";
  const lines = [
    "HTTP/1.1 408 Request Timeout",
    `content-length: ${text.length}`,
    "content-type: text/plain",
    `date: ${httpDate()}`,
    `server: ${config.serverName}`,
    "connection: close",
  ];
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n${text}`, "latin1");
}

function unreadRequest(connection: ConnectionInfo, cause: UnreadCause, clock: Clock): ExchangeRecord {
  const nowMs = clock.monotonic();
  const request = createRequestHead();
  request.method = "";
  request.scheme = "";
  request.path = "";
  request.version = HTTP_1_1;
  return { connection, request, ...cause, startMs: nowMs, endMs: nowMs, startTime: clock.now(), ...NOTHING };
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
