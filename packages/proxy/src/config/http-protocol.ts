import type { Http1ProtocolOptions } from "@heddle/xds-api/envoy/config/core/v3/protocol";
import { Http1ProtocolOptionsSchema, type Http2ProtocolOptions, Http2ProtocolOptionsSchema } from "./proto.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";

/** Settings of HTTP/1 connections. */
export interface Http1Limits {
  readonly acceptHttp10: boolean;
  /** For HTTP/1.0 requests without one; "": none. */
  readonly defaultHost: string;
}

/** Settings of HTTP/2 connections; undefined: the codec's default. */
export interface Http2Limits {
  readonly maxConcurrentStreams: number | undefined;
  readonly streamWindow: number | undefined;
  readonly connectionWindow: number | undefined;
  readonly allowConnect: boolean;
}

export const HTTP1_SHAPE = shape(
  Http1ProtocolOptionsSchema,
  ["accept_http_10", "default_host_for_http_10"],
  {
    allow_absolute_url: "absolute URLs are always accepted",
    header_key_format: "the case of names is kept as it arrives",
    enable_trailers: "trailers always pass",
    "use_balsa_parser allow_custom_methods": "there is one parser, which takes every method token",
    override_stream_error_on_invalid_http_message: "an invalid message always ends the connection, the safe reading",
  },
  {
    allow_chunked_length: "a message with both lengths may be two messages to somebody else",
    send_fully_qualified_url: "servers get the path; forward proxies are reached by CONNECT",
  },
);

export const HTTP2_SHAPE = shape(
  Http2ProtocolOptionsSchema,
  ["max_concurrent_streams", "initial_stream_window_size", "initial_connection_window_size", "allow_connect"],
  {
    "max_outbound_frames max_outbound_control_frames max_consecutive_inbound_frames_with_empty_payload max_inbound_priority_frames_per_stream max_inbound_window_update_frames_per_data_frame_sent":
      "the codec has its own, stricter flood limits",
    "stream_error_on_invalid_http_messaging override_stream_error_on_invalid_http_message":
      "an invalid message always ends its stream",
    use_oghttp2_codec: "there is one codec",
    hpack_table_size: "tuning; the codec's own size is used",
    connection_keepalive: "TCP keep-alive finds dead peers",
  },
  {
    allow_metadata: "METADATA frames belong to no standard",
    custom_settings_parameters: "only the settings that the other fields name are sent",
  },
);

export function decodeHttp1(message: Http1ProtocolOptions | undefined, scope: DecodeScope): Http1Limits {
  if (message !== undefined) checkShape(HTTP1_SHAPE, message, scope);
  return { acceptHttp10: message?.acceptHttp10 ?? false, defaultHost: message?.defaultHostForHttp10 ?? "" };
}

export function decodeHttp2(message: Http2ProtocolOptions | undefined, scope: DecodeScope): Http2Limits {
  if (message !== undefined) checkShape(HTTP2_SHAPE, message, scope);
  return {
    maxConcurrentStreams: message?.maxConcurrentStreams,
    streamWindow: message?.initialStreamWindowSize,
    connectionWindow: message?.initialConnectionWindowSize,
    allowConnect: message?.allowConnect ?? false,
  };
}
