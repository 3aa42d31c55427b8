import type { Http1ProtocolOptions } from "@heddle/xds-api/envoy/config/core/v3/protocol";
import { PreserveCaseFormatterConfigSchema } from "@heddle/xds-api/envoy/extensions/http/header_formatters/preserve_case/v3/preserve_case";
import { type AnyTable, decodeAny, messageEntry } from "./any-field.ts";
import { decodeKeepAlive, type KeepAlivePings } from "./keep-alive-pings.ts";
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
  /** Undefined: peers are not asked. */
  readonly keepAlive: KeepAlivePings | undefined;
}

export const HTTP1_SHAPE = shape(
  Http1ProtocolOptionsSchema,
  ["accept_http_10", "default_host_for_http_10", "header_key_format"],
  { use_balsa_parser: "chooses between Envoy's two parsers" },
  {
    allow_chunked_length: "a message with both lengths may be two messages to somebody else",
    send_fully_qualified_url: "servers get the path; forward proxies are reached by CONNECT",
  },
  {
    only: {
      allow_absolute_url: { values: ["true"], reason: "absolute URLs are always accepted, as RFC 9112 asks" },
      override_stream_error_on_invalid_http_message: {
        values: ["false"],
        reason: "an invalid message always ends the connection, so that no byte after it is read as a request",
      },
    },
    differs: {
      enable_trailers: "trailers always pass; Envoy drops them unless this is set",
      allow_custom_methods: "every method token passes; Envoy refuses unknown ones unless this is set",
    },
  },
);

const FLOODS = "the codec has flood limits of its own";

export const HTTP2_SHAPE = shape(
  Http2ProtocolOptionsSchema,
  [
    "max_concurrent_streams",
    "initial_stream_window_size",
    "initial_connection_window_size",
    "allow_connect",
    "connection_keepalive",
  ],
  {
    use_oghttp2_codec: "chooses between Envoy's two codecs",
  },
  {
    allow_metadata: "METADATA frames belong to no standard",
    custom_settings_parameters: "only the settings that the other fields name are sent",
  },
  {
    only: {
      hpack_table_size: { values: ["4096"], reason: "the codec's tables have the standard's size" },
      max_outbound_frames: { values: ["10000"], reason: FLOODS },
      max_outbound_control_frames: { values: ["1000"], reason: FLOODS },
      max_consecutive_inbound_frames_with_empty_payload: { values: ["1"], reason: FLOODS },
      max_inbound_priority_frames_per_stream: { values: ["100"], reason: FLOODS },
      max_inbound_window_update_frames_per_data_frame_sent: { values: ["10"], reason: FLOODS },
    },
    differs: {
      "stream_error_on_invalid_http_messaging override_stream_error_on_invalid_http_message":
        "an invalid message ends its stream and leaves the connection to the others, as Envoy does where this is set",
    },
  },
);

export function decodeHttp1(message: Http1ProtocolOptions | undefined, scope: DecodeScope): Http1Limits {
  if (message !== undefined) {
    checkShape(HTTP1_SHAPE, message, scope);
    checkKeyFormat(message.headerKeyFormat, scope.field("header_key_format"));
  }
  return { acceptHttp10: message?.acceptHttp10 ?? false, defaultHost: message?.defaultHostForHttp10 ?? "" };
}

const FORMATTERS: AnyTable<true> = {
  [PreserveCaseFormatterConfigSchema.typeName]: messageEntry(PreserveCaseFormatterConfigSchema, () => true as const),
};

/** Names of headers keep their case, which is `preserve_case`. Errors: any other form. */
function checkKeyFormat(format: Http1ProtocolOptions["headerKeyFormat"], scope: DecodeScope): void {
  const form = format?.headerFormat;
  if (form?.case === "statefulFormatter")
    decodeAny(form.value.typedConfig, FORMATTERS, scope.field("stateful_formatter.typed_config"));
  else if (form?.case === "properCaseWords")
    scope
      .field("proper_case_words")
      .problem("refused: names keep the case that they arrive with; use stateful_formatter with preserve_case");
}

export function decodeHttp2(message: Http2ProtocolOptions | undefined, scope: DecodeScope): Http2Limits {
  if (message !== undefined) checkShape(HTTP2_SHAPE, message, scope);
  return {
    maxConcurrentStreams: message?.maxConcurrentStreams,
    streamWindow: message?.initialStreamWindowSize,
    connectionWindow: message?.initialConnectionWindowSize,
    allowConnect: message?.allowConnect ?? false,
    keepAlive: decodeKeepAlive(message?.connectionKeepalive, scope.field("connection_keepalive")),
  };
}
