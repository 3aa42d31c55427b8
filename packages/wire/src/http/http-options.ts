/** Limits and settings that HTTP/1 and HTTP/2 connections share. */
export interface HttpOptions {
  /** `http` or `https`: what request heads say that arrive over HTTP/1. Default: `http`. */
  readonly scheme?: "http" | "https";
  /** Largest header block. Default: 61440 (60 KiB). Source: Envoy `max_request_headers_kb`. Units: bytes. */
  readonly maxHeaderBytes?: number;
  /** Most header fields in one block. Default: 100. Source: Envoy `max_headers_count`. */
  readonly maxHeaderCount?: number;
  /** `sendData` asks to stop above this much waiting output. Default: 65536. Units: bytes. */
  readonly highWaterBytes?: number;
  /** HTTP/1 server: accept HTTP/1.0 (and answer it with `connection: close` unless keep-alive was asked for). Default: true. */
  readonly acceptHttp10?: boolean;
}

/** HTTP/2 only. */
export interface Http2Options extends HttpOptions {
  /** Server: what we allow the peer; default 100. Source: RFC 9113 6.5.2 recommendation. Client: what we ask of the peer at most; default: what it allows. */
  readonly maxConcurrentStreams?: number;
  /** Window per stream that we grant. Default: 262144. Units: bytes. */
  readonly initialStreamWindow?: number;
  /** Window of the connection that we grant. Default: 1048576. Units: bytes. */
  readonly connectionWindow?: number;
  /** Largest frame that we accept. Default: 16384. Units: bytes. */
  readonly maxFrameBytes?: number;
  /** Server: offer extended CONNECT. Default: true. Source: RFC 8441. */
  readonly connectProtocol?: boolean;
  /** Coarse clock for the flood budget. Default: the budget never refills. Units: ms. */
  readonly nowMs?: () => number;
}

export const DEFAULT_MAX_HEADER_BYTES = 60 * 1024;
export const DEFAULT_MAX_HEADER_COUNT = 100;
export const DEFAULT_HIGH_WATER_BYTES = 64 * 1024;
