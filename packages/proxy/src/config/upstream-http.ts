import type { Any } from "@bufbuild/protobuf/wkt";
import { readMessage } from "@heddle/xds-api";
import {
  type UpstreamHttpProtocolOptions,
  UpstreamHttpProtocolOptionsSchema,
} from "@heddle/xds-api/envoy/config/core/v3/protocol";
import { type AnyTable, decodeAny, heldType, messageEntry } from "./any-field.ts";
import { decodeDuration } from "./duration-field.ts";
import { decodeHttp1, decodeHttp2, type Http2Limits } from "./http-protocol.ts";
import { unknownExtension } from "./left-out.ts";
import {
  type Cluster,
  CommonHttpProtocolOptionsSchema,
  type HttpProtocolOptions,
  HttpProtocolOptionsSchema,
} from "./proto.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";

/** Which HTTP version a cluster's connections speak. */
export type UpstreamProtocol = "http1" | "http2" | "downstream" | "auto";

export interface UpstreamHttpConfig {
  readonly protocol: UpstreamProtocol;
  readonly http2: Http2Limits;
  /** Unused connection. Default: 1 h. 0: none. Units: ms. */
  readonly idleTimeoutMs: number;
  readonly maxRequestsPerConnection: number;
  /** 0: none. Units: ms. */
  readonly maxConnectionDurationMs: number;
  /** Life of one stream. 0: none. Units: ms. */
  readonly maxStreamMs: number;
  /** The request header that names the server towards TLS, `:authority` mostly; "": the TLS context does. */
  readonly autoSniHeader: string;
  /** The server must have a certificate of that name. */
  readonly autoSan: boolean;
}

export const UPSTREAM_HTTP_SHAPE = shape(
  HttpProtocolOptionsSchema,
  [
    "common_http_protocol_options",
    "upstream_http_protocol_options",
    "explicit_http_config",
    "use_downstream_protocol_config",
    "auto_config",
  ],
  {},
  {
    http_filters: "filters run once for a request, in the connection manager",
    header_validation_config: "there is one set of rules, Envoy's secure defaults",
  },
);
export const UPSTREAM_SERVER_NAME_SHAPE = shape(UpstreamHttpProtocolOptionsSchema, [
  "auto_sni",
  "auto_san_validation",
  "override_auto_sni_header",
]);

export const UPSTREAM_COMMON_SHAPE = shape(
  CommonHttpProtocolOptionsSchema,
  ["idle_timeout", "max_requests_per_connection", "max_connection_duration", "max_stream_duration"],
  { headers_with_underscores_action: "Envoy does not apply it to answers" },
  { max_headers_count: "answers have the codec's own limits" },
);

const KEY = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
/** Default of Envoy's upstream idle timeout. Units: ms. */
const IDLE_MS = 3_600_000;

export function decodeUpstreamHttp(cluster: Cluster, scope: DecodeScope): UpstreamHttpConfig {
  const options = cluster.typedExtensionProtocolOptions;
  for (const [name, held] of Object.entries(options)) {
    if (name === KEY) continue;
    const type = heldType(held);
    const at = scope.field("typed_extension_protocol_options").item(name);
    // Envoy, too, finds the options by their name.
    at.problem(type === KEY ? `must be called ${KEY}` : unknownExtension(type));
  }
  const any = options[KEY];
  const own = cluster.maxRequestsPerConnection ?? 0;
  if (any !== undefined) {
    const typed = decodeTyped(any, scope.field("typed_extension_protocol_options").item(KEY));
    // As in Envoy, the cluster's own deprecated limit holds where the options name none.
    return { ...typed, maxRequestsPerConnection: typed.maxRequestsPerConnection || own };
  }
  // The deprecated fields of the cluster itself.
  const common = cluster.commonHttpProtocolOptions;
  if (common !== undefined) checkShape(UPSTREAM_COMMON_SHAPE, common, scope.field("common_http_protocol_options"));
  decodeHttp1(cluster.httpProtocolOptions, scope.field("http_protocol_options"));
  return {
    protocol:
      cluster.http2ProtocolOptions !== undefined ? "http2" : cluster.protocolSelection === 1 ? "downstream" : "http1",
    http2: decodeHttp2(cluster.http2ProtocolOptions, scope.field("http2_protocol_options")),
    idleTimeoutMs:
      decodeDuration(common?.idleTimeout, scope.field("common_http_protocol_options.idle_timeout")) ?? IDLE_MS,
    maxRequestsPerConnection: common?.maxRequestsPerConnection ?? own,
    maxConnectionDurationMs:
      decodeDuration(
        common?.maxConnectionDuration,
        scope.field("common_http_protocol_options.max_connection_duration"),
      ) ?? 0,
    maxStreamMs:
      decodeDuration(common?.maxStreamDuration, scope.field("common_http_protocol_options.max_stream_duration")) ?? 0,
    ...decodeServerName(undefined, scope),
  };
}

/** Errors: a header without `auto_sni`. */
function decodeServerName(
  message: UpstreamHttpProtocolOptions | undefined,
  scope: DecodeScope,
): Pick<UpstreamHttpConfig, "autoSniHeader" | "autoSan"> {
  if (message === undefined) return { autoSniHeader: "", autoSan: false };
  checkShape(UPSTREAM_SERVER_NAME_SHAPE, message, scope);
  const header = message.overrideAutoSniHeader.toLowerCase();
  if (!message.autoSni && header !== "") scope.field("override_auto_sni_header").problem("the header needs auto_sni");
  return { autoSniHeader: message.autoSni ? header || ":authority" : "", autoSan: message.autoSanValidation };
}

const HTTP_OPTIONS: AnyTable<HttpProtocolOptions> = {
  [HttpProtocolOptionsSchema.typeName]: messageEntry(HttpProtocolOptionsSchema, (message) => message),
};

function emptyOptions(): HttpProtocolOptions {
  return readMessage(HttpProtocolOptionsSchema, new Uint8Array(0));
}

function decodeTyped(any: Any, scope: DecodeScope): UpstreamHttpConfig {
  const read = decodeAny(any, HTTP_OPTIONS, scope);
  const message = read ?? emptyOptions();
  checkShape(UPSTREAM_HTTP_SHAPE, message, scope);
  const common = message.commonHttpProtocolOptions;
  if (common !== undefined) checkShape(UPSTREAM_COMMON_SHAPE, common, scope.field("common_http_protocol_options"));
  const ms = (name: string, value: Parameters<typeof decodeDuration>[0], fallback: number) =>
    decodeDuration(value, scope.field("common_http_protocol_options").field(name)) ?? fallback;
  let protocol: UpstreamProtocol = "http1";
  let http2 = decodeHttp2(undefined, scope);
  const specifier = message.upstreamProtocolOptions;
  switch (specifier.case) {
    case "explicitHttpConfig":
      if (specifier.value.protocolConfig.case === "http2ProtocolOptions") {
        protocol = "http2";
        http2 = decodeHttp2(
          specifier.value.protocolConfig.value,
          scope.field("explicit_http_config.http2_protocol_options"),
        );
      } else if (specifier.value.protocolConfig.case === "httpProtocolOptions") {
        const at = scope.field("explicit_http_config.http_protocol_options");
        decodeHttp1(specifier.value.protocolConfig.value, at);
      } else if (specifier.value.protocolConfig.case === "http3ProtocolOptions") {
        scope.field("explicit_http_config.http3_protocol_options").problem("HTTP/3 is not implemented");
      }
      break;
    case "useDownstreamProtocolConfig":
      protocol = "downstream";
      decodeHttp1(
        specifier.value.httpProtocolOptions,
        scope.field("use_downstream_protocol_config.http_protocol_options"),
      );
      http2 = decodeHttp2(
        specifier.value.http2ProtocolOptions,
        scope.field("use_downstream_protocol_config.http2_protocol_options"),
      );
      break;
    case "autoConfig":
      if (specifier.value.http3ProtocolOptions !== undefined)
        scope.field("auto_config.http3_protocol_options").problem("HTTP/3 is not implemented");
      protocol = "auto";
      decodeHttp1(specifier.value.httpProtocolOptions, scope.field("auto_config.http_protocol_options"));
      if (specifier.value.alternateProtocolsCacheOptions !== undefined)
        scope.field("auto_config.alternate_protocols_cache_options").problem("HTTP/3 is not implemented");
      http2 = decodeHttp2(specifier.value.http2ProtocolOptions, scope.field("auto_config.http2_protocol_options"));
      break;
    case undefined:
      if (read !== undefined) scope.problem("one of explicit_http_config, use_downstream_protocol_config is needed");
  }
  return {
    protocol,
    http2,
    idleTimeoutMs: ms("idle_timeout", common?.idleTimeout, IDLE_MS),
    maxRequestsPerConnection: common?.maxRequestsPerConnection ?? 0,
    maxConnectionDurationMs: ms("max_connection_duration", common?.maxConnectionDuration, 0),
    maxStreamMs: ms("max_stream_duration", common?.maxStreamDuration, 0),
    ...decodeServerName(message.upstreamHttpProtocolOptions, scope.field("upstream_http_protocol_options")),
  };
}
