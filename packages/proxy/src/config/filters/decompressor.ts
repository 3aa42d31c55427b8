import {
  type Decompressor,
  type Decompressor_CommonDirectionConfig,
  Decompressor_CommonDirectionConfigSchema,
  Decompressor_RequestDirectionConfigSchema,
  Decompressor_ResponseDirectionConfigSchema,
  DecompressorSchema,
} from "@heddle/xds-api/envoy/extensions/filters/http/decompressor/v3/decompressor";
import type { RuntimeFlag } from "../../runtime/runtime.ts";
import { runtimeFlag } from "../fraction.ts";
import type { DecodeScope } from "../scope.ts";
import { checkShape, shape } from "../shape.ts";
import { type DecompressorOptions, decodeDecompressorLibrary, type Library } from "./compression-library.ts";

/** Which bodies of one direction are decompressed. */
export interface DecompressedDirection {
  readonly enabled: RuntimeFlag;
  /** Also those that ask not to be changed. */
  readonly ignoresNoTransform: boolean;
}

/** Undoes the compression of bodies. */
export interface DecompressorConfig {
  readonly kind: "decompressor";
  readonly library: Library<DecompressorOptions>;
  readonly request: DecompressedDirection;
  readonly response: DecompressedDirection;
  /** Servers are told that answers may be compressed. */
  readonly advertises: boolean;
}

export const DECOMPRESSOR_SHAPE = shape(DecompressorSchema, [
  "decompressor_library",
  "request_direction_config",
  "response_direction_config",
]);
export const DECOMPRESSED_DIRECTION_SHAPE = shape(Decompressor_CommonDirectionConfigSchema, [
  "enabled",
  "ignore_no_transform_header",
]);
export const DECOMPRESSED_REQUEST_SHAPE = shape(Decompressor_RequestDirectionConfigSchema, [
  "common_config",
  "advertise_accept_encoding",
]);
export const DECOMPRESSED_RESPONSE_SHAPE = shape(Decompressor_ResponseDirectionConfigSchema, ["common_config"]);

/** Errors: an unknown library. */
export function decodeDecompressor(message: Decompressor, scope: DecodeScope): DecompressorConfig | undefined {
  checkShape(DECOMPRESSOR_SHAPE, message, scope);
  const { requestDirectionConfig: request, responseDirectionConfig: response } = message;
  if (request !== undefined) checkShape(DECOMPRESSED_REQUEST_SHAPE, request, scope.field("request_direction_config"));
  if (response !== undefined)
    checkShape(DECOMPRESSED_RESPONSE_SHAPE, response, scope.field("response_direction_config"));
  const library = decodeDecompressorLibrary(message.decompressorLibrary, scope.field("decompressor_library"));
  if (library === undefined) return undefined;
  const common = "common_config";
  return {
    kind: "decompressor",
    library,
    request: direction(request?.commonConfig, scope.field("request_direction_config").field(common)),
    response: direction(response?.commonConfig, scope.field("response_direction_config").field(common)),
    advertises: request?.advertiseAcceptEncoding ?? true,
  };
}

function direction(message: Decompressor_CommonDirectionConfig | undefined, scope: DecodeScope): DecompressedDirection {
  if (message !== undefined) checkShape(DECOMPRESSED_DIRECTION_SHAPE, message, scope);
  return {
    enabled: runtimeFlag(message?.enabled, true),
    ignoresNoTransform: message?.ignoreNoTransformHeader ?? false,
  };
}
