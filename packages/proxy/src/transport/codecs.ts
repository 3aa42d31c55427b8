import {
  type ClientConnection,
  type ClientHost,
  type ConnectionHost,
  createHttp1Client,
  createHttp1Server,
  createHttp2Client,
  createHttp2Server,
  type HttpConnection,
  type ServerHandler,
} from "@heddle/wire";
import type { HttpManagerConfig } from "../config/http-manager.ts";
import type { Http2Limits } from "../config/http-protocol.ts";

/**
 * Windows of connections that many HTTP/1.1 requests share: large enough that one of them is as fast as on a connection of its own.
 * What all of them together may leave unread stays bounded by the connection's. Units: bytes.
 */
const SHARED_STREAM_WINDOW = 2_097_152;
const SHARED_CONNECTION_WINDOW = 8_388_608;

/** The limits for such a connection: those configured, with larger windows where none are. */
export function sharedLimits(limits: Http2Limits): Http2Limits {
  return {
    ...limits,
    streamWindow: limits.streamWindow ?? SHARED_STREAM_WINDOW,
    connectionWindow: limits.connectionWindow ?? SHARED_CONNECTION_WINDOW,
  };
}

/** The client side of a connection of the wanted version. `nowMs` refills the budget of frames that a server may waste. */
export function createClientCodec(
  http2: boolean,
  limits: Http2Limits,
  nowMs: () => number,
  host: ClientHost,
): ClientConnection {
  return http2 ? createHttp2Client({ ...http2Options(limits), nowMs }, host) : createHttp1Client({}, host);
}

/** The server side. */
export function createServerCodec(
  http2: boolean,
  config: HttpManagerConfig,
  scheme: "http" | "https",
  nowMs: () => number,
  host: ConnectionHost,
  handler: ServerHandler,
): HttpConnection {
  const common = {
    scheme,
    maxHeaderBytes: config.maxRequestHeadersBytes,
    maxHeaderCount: config.maxRequestHeadersCount,
  };
  if (!http2) return createHttp1Server({ ...common, acceptHttp10: config.http1.acceptHttp10 }, host, handler);
  return createHttp2Server({ ...common, ...http2Options(config.http2), nowMs }, host, handler);
}

function http2Options(limits: Http2Limits) {
  return {
    ...(limits.maxConcurrentStreams === undefined ? {} : { maxConcurrentStreams: limits.maxConcurrentStreams }),
    ...(limits.streamWindow === undefined ? {} : { initialStreamWindow: limits.streamWindow }),
    ...(limits.connectionWindow === undefined ? {} : { connectionWindow: limits.connectionWindow }),
  };
}
