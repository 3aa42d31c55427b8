import { isMetadataName, isMetadataValue } from "@heddle/std";
import type { HeaderValue } from "@heddle/xds-api/envoy/config/core/v3/base";
import {
  type GrpcService,
  GrpcService_EnvoyGrpcSchema,
  GrpcServiceSchema,
} from "@heddle/xds-api/envoy/config/core/v3/grpc_service";
import { decodeDuration } from "./duration-field.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";

/** Headers of a call. */
export type GrpcMetadata = readonly (readonly [name: string, value: string])[];

/** A service that the proxy itself calls for a filter, a log or a tracer. */
export interface GrpcServer {
  readonly cluster: string;
  /** As configured; the cluster's name where nothing is. */
  readonly authority: string;
  readonly metadata: GrpcMetadata;
  /** Units: ms. Undefined: nothing is said. */
  readonly timeoutMs: number | undefined;
}

const NOT_REPEATED = "a call that fails is not repeated";

export const CALLED_SERVICE_SHAPE = shape(
  GrpcServiceSchema,
  ["envoy_grpc", "timeout", "initial_metadata"],
  {},
  { google_grpc: "name a cluster in envoy_grpc", retry_policy: NOT_REPEATED },
);
export const CALLED_CLUSTER_SHAPE = shape(
  GrpcService_EnvoyGrpcSchema,
  ["cluster_name", "authority"],
  { skip_envoy_headers: "the proxy adds no x-envoy-* headers to calls of its own" },
  { retry_policy: NOT_REPEATED, max_receive_message_length: "answers have a limit of their own" },
);

/** Errors: services without a cluster, Google's client, calls that would be repeated. */
export function decodeGrpcService(message: GrpcService | undefined, scope: DecodeScope): GrpcServer | undefined {
  if (message !== undefined) checkShape(CALLED_SERVICE_SHAPE, message, scope);
  const target = message?.targetSpecifier;
  if (message === undefined || target?.case !== "envoyGrpc" || target.value.clusterName === "") {
    scope.problem("the service must be named by envoy_grpc.cluster_name");
    return undefined;
  }
  const { clusterName: cluster, authority } = target.value;
  checkShape(CALLED_CLUSTER_SHAPE, target.value, scope.field("envoy_grpc"));
  return {
    cluster,
    authority: authority === "" ? cluster : authority,
    metadata: decodeGrpcMetadata(message.initialMetadata, scope.field("initial_metadata")),
    timeoutMs: decodeDuration(message.timeout, scope.field("timeout")),
  };
}

/** The same for a filter, whose calls Envoy lets say something of the request. Errors: also such values. */
export function decodeAskedService(message: GrpcService | undefined, scope: DecodeScope): GrpcServer | undefined {
  message?.initialMetadata.forEach(({ value }, i) => {
    if (value.includes("%"))
      scope
        .field("initial_metadata")
        .item(i)
        .field("value")
        .problem("refused: calls carry no values of requests; write a constant without percent signs");
  });
  return decodeGrpcService(message, scope);
}

/** Errors: what gRPC can't send. Source: gRPC over HTTP/2, "Custom-Metadata". */
export function decodeGrpcMetadata(messages: readonly HeaderValue[], scope: DecodeScope): GrpcMetadata {
  return messages.map(({ key, value }, i): [string, string] => {
    const name = key.toLowerCase();
    if (!isMetadataName(name))
      scope.item(i).field("key").problem("must be a header name of letters, digits, _ . - that does not end in -bin");
    if (!isMetadataValue(value)) scope.item(i).field("value").problem("must be printable ASCII");
    return [name, value];
  });
}
