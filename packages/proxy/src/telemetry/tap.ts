import { redactText } from "@heddle/std";
import type { TapEvent } from "@heddle/std/tap-event";
import { headerEntries } from "@heddle/wire";
import type { ExchangeObserver } from "../http/connection-manager.ts";
import type { ExchangeRecord } from "../http/exchange-record.ts";
import { createTapFeed, cut, isFailure, shownHeaders, type TapFeed } from "./tap-feed.ts";

/** Shows exchanges to whoever watches now, and keeps the last failures. While nobody watches a good exchange costs one comparison. */
export interface Tap extends TapFeed {
  readonly observer: ExchangeObserver;
}

export function createTap(): Tap {
  const { failures, watch, wanted, show } = createTapFeed();
  const onExchangeDone = (record: ExchangeRecord): void => {
    const failed = isFailure(record);
    if (wanted(failed)) show(describe(record), failed);
  };
  return { observer: { onExchangeDone }, failures, watch };
}

function describe(record: ExchangeRecord): TapEvent {
  const { connection, request, response } = record;
  const inbound = connection.direction === "inbound";
  return {
    time: record.startTime,
    direction: inbound ? "in" : "out",
    src: connection.remoteText,
    // Where the caller wanted to go is a Service's address; the host is who really answered.
    dst: inbound ? connection.localText : (record.host?.text ?? connection.localText),
    tls: inbound ? connection.tls !== undefined : record.upstreamSecure,
    srcId: inbound ? connection.principal : "",
    dstId: inbound ? connection.localUri : record.upstreamPrincipal,
    method: cut(request.method),
    scheme: request.scheme,
    authority: cut(request.authority),
    path: cut(record.originalPath),
    status: record.status,
    grpcStatus: record.grpc ? record.grpcStatus : -1,
    grpcMessage: cut(redactText(response?.headers.get("grpc-message") ?? "")),
    flags: record.flags,
    details: cut(record.details === "" ? record.transportFailure : record.details),
    cluster: record.clusterName,
    route: record.route?.route.name ?? "",
    latencyMs: record.firstByteMs < 0 ? -1 : record.firstByteMs - record.startMs,
    durationMs: record.endMs - record.startMs,
    bytesIn: record.bytesReceived,
    bytesOut: record.bytesSent,
    requestHeaders: shownHeaders(headerEntries(request.headers)),
    responseHeaders: response === undefined ? [] : shownHeaders(headerEntries(response.headers)),
  };
}
