import {
  type Compressor,
  type Compressor_CommonDirectionConfig,
  Compressor_CommonDirectionConfigSchema,
  Compressor_RequestDirectionConfigSchema,
  Compressor_ResponseDirectionConfigSchema,
  CompressorOverridesSchema,
  type CompressorPerRoute,
  CompressorPerRouteSchema,
  CompressorSchema,
  ResponseDirectionOverridesSchema,
} from "@heddle/xds-api/envoy/extensions/filters/http/compressor/v3/compressor";
import type { RuntimeFlag } from "../../runtime/runtime.ts";
import { runtimeFlag } from "../fraction.ts";
import type { DecodeScope } from "../scope.ts";
import { checkShape, shape } from "../shape.ts";
import { decodeStringMatch, type StringMatch } from "../string-match.ts";
import { type CompressorOptions, decodeCompressorLibrary, type Library } from "./compression-library.ts";

/** Which bodies of one direction are compressed. */
export interface CompressedDirection {
  readonly enabled: RuntimeFlag;
  /** Shorter ones are not. Units: bytes. */
  readonly minBytes: number;
  /** In lower case. */
  readonly types: ReadonlySet<string>;
  /** When there are some, they are asked instead of `types`. */
  readonly typeMatchers: readonly StringMatch[];
}

/** Compresses bodies for clients that take it. */
export interface CompressorConfig {
  readonly kind: "compressor";
  readonly library: Library<CompressorOptions>;
  /** Preferred to others that the client likes as much. */
  readonly first: boolean;
  /** Undefined: requests are not compressed. */
  readonly request: CompressedDirection | undefined;
  readonly response: CompressedDirection;
  /** What stands before counts of responses: "response." where the configuration has the newer form. */
  readonly responseStat: "" | "response.";
  /** Answers with an ETag stay as they are. */
  readonly notWithEtag: boolean;
  /** Strong ETags become weak ones; else they are removed. */
  readonly weakenEtag: boolean;
  readonly removeAccept: boolean;
  /** Answers with these codes stay as they are. */
  readonly otherCodes: ReadonlySet<number>;
  /** Says in a header what was done. */
  readonly tellsStatus: boolean;
}

/** What a route changes of it. Undefined: nothing. */
export interface CompressorRouteConfig {
  readonly kind: "compressor-route";
  readonly enabled: boolean | undefined;
  readonly removeAccept: boolean | undefined;
  readonly library: Library<CompressorOptions> | undefined;
}

export const COMPRESSOR_SHAPE = shape(CompressorSchema, [
  "content_length",
  "content_type",
  "disable_on_etag_header",
  "remove_accept_encoding_header",
  "runtime_enabled",
  "compressor_library",
  "request_direction_config",
  "response_direction_config",
  "choose_first",
]);
export const COMPRESSED_DIRECTION_SHAPE = shape(Compressor_CommonDirectionConfigSchema, [
  "enabled",
  "min_content_length",
  "content_type",
  "content_type_matcher",
]);
export const COMPRESSED_REQUEST_SHAPE = shape(Compressor_RequestDirectionConfigSchema, ["common_config"]);
export const COMPRESSED_RESPONSE_SHAPE = shape(Compressor_ResponseDirectionConfigSchema, [
  "common_config",
  "disable_on_etag_header",
  "weaken_etag_on_compress",
  "remove_accept_encoding_header",
  "uncompressible_response_codes",
  "status_header_enabled",
]);
export const COMPRESSOR_ROUTE_SHAPE = shape(CompressorPerRouteSchema, ["disabled", "overrides"]);
export const COMPRESSOR_OVERRIDES_SHAPE = shape(CompressorOverridesSchema, [
  "response_direction_config",
  "compressor_library",
]);
export const COMPRESSED_RESPONSE_OVERRIDES_SHAPE = shape(ResponseDirectionOverridesSchema, [
  "remove_accept_encoding_header",
]);

/** Source: Envoy's compressor filter. */
const DEFAULT_TYPES = [
  "text/html",
  "text/plain",
  "text/css",
  "application/javascript",
  "application/x-javascript",
  "text/javascript",
  "text/x-javascript",
  "text/ecmascript",
  "text/js",
  "text/jscript",
  "text/x-js",
  "application/ecmascript",
  "application/x-json",
  "application/xml",
  "application/json",
  "image/svg+xml",
  "text/xml",
  "application/xhtml+xml",
  "application/grpc-web",
  "application/grpc-web+proto",
];
const DEFAULT_MIN_BYTES = 30;

/** Errors: an unknown library, codes that are none. */
export function decodeCompressor(message: Compressor, scope: DecodeScope): CompressorConfig | undefined {
  checkShape(COMPRESSOR_SHAPE, message, scope);
  const library = decodeCompressorLibrary(message.compressorLibrary, scope.field("compressor_library"));
  const { requestDirectionConfig: request, responseDirectionConfig: response } = message;
  if (request !== undefined) checkShape(COMPRESSED_REQUEST_SHAPE, request, scope.field("request_direction_config"));
  const at = scope.field("response_direction_config");
  if (response !== undefined) checkShape(COMPRESSED_RESPONSE_SHAPE, response, at);
  response?.uncompressibleResponseCodes.forEach((code, i) => {
    if (code < 200 || code > 599)
      at.field("uncompressible_response_codes").item(i).problem(`${code} is not within 200 and 599`);
  });
  if (response?.disableOnEtagHeader === true && response.weakenEtagOnCompress)
    at.field("weaken_etag_on_compress").problem("has no meaning beside disable_on_etag_header: set one of them");
  // Source: Envoy leaves the older fields alone where the newer message is.
  const of = response ?? message;
  const common = response === undefined ? legacy(message) : direction(response.commonConfig, at.field("common_config"));
  if (library === undefined) return undefined;
  return {
    kind: "compressor",
    library,
    first: message.chooseFirst,
    request: request && direction(request.commonConfig, scope.field("request_direction_config").field("common_config")),
    response: common,
    responseStat: response === undefined ? "" : "response.",
    notWithEtag: of.disableOnEtagHeader,
    weakenEtag: response?.weakenEtagOnCompress ?? false,
    removeAccept: of.removeAcceptEncodingHeader,
    otherCodes: new Set(response?.uncompressibleResponseCodes),
    tellsStatus: response?.statusHeaderEnabled ?? false,
  };
}

function legacy(message: Compressor): CompressedDirection {
  return {
    enabled: runtimeFlag(message.runtimeEnabled, true),
    minBytes: minBytes(message.contentLength),
    types: typeSet(message.contentType),
    typeMatchers: [],
  };
}

function direction(message: Compressor_CommonDirectionConfig | undefined, scope: DecodeScope): CompressedDirection {
  if (message !== undefined) checkShape(COMPRESSED_DIRECTION_SHAPE, message, scope);
  const typeMatchers: StringMatch[] = [];
  message?.contentTypeMatcher.forEach((item, i) => {
    const match = decodeStringMatch(item, scope.field("content_type_matcher").item(i), "bytes");
    if (match !== undefined) typeMatchers.push(match);
  });
  return {
    enabled: runtimeFlag(message?.enabled, true),
    minBytes: minBytes(message?.minContentLength),
    types: typeSet(message?.contentType ?? []),
    typeMatchers,
  };
}

/** Source: Envoy takes 0 for the default, too. */
function minBytes(configured: number | undefined): number {
  return configured === undefined || configured === 0 ? DEFAULT_MIN_BYTES : configured;
}

function typeSet(configured: readonly string[]): ReadonlySet<string> {
  return new Set((configured.length === 0 ? DEFAULT_TYPES : configured).map((type) => type.toLowerCase()));
}

/** Errors: neither `disabled: true` nor `overrides`. */
export function decodeCompressorRoute(
  message: CompressorPerRoute,
  scope: DecodeScope,
): CompressorRouteConfig | undefined {
  checkShape(COMPRESSOR_ROUTE_SHAPE, message, scope);
  const { override } = message;
  if (override.case === "disabled" && override.value)
    return { kind: "compressor-route", enabled: false, removeAccept: undefined, library: undefined };
  if (override.case !== "overrides") {
    scope.problem("say disabled: true, or give overrides");
    return undefined;
  }
  const at = scope.field("overrides");
  checkShape(COMPRESSOR_OVERRIDES_SHAPE, override.value, at);
  const { responseDirectionConfig: response, compressorLibrary } = override.value;
  if (response !== undefined)
    checkShape(COMPRESSED_RESPONSE_OVERRIDES_SHAPE, response, at.field("response_direction_config"));
  return {
    kind: "compressor-route",
    enabled: response === undefined ? undefined : true,
    removeAccept: response?.removeAcceptEncodingHeader,
    library: compressorLibrary && decodeCompressorLibrary(compressorLibrary, at.field("compressor_library")),
  };
}
