import {
  type ApiConfigSource,
  ApiConfigSource_ApiType,
  ApiConfigSourceSchema,
  type ConfigSource,
  ConfigSourceSchema,
  PathConfigSourceSchema,
} from "@heddle/xds-api/envoy/config/core/v3/config_source";
import { GrpcService_EnvoyGrpcSchema, GrpcServiceSchema } from "@heddle/xds-api/envoy/config/core/v3/grpc_service";
import { decodeGrpcMetadata, type GrpcMetadata } from "./grpc-service.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape, VERSION_3 } from "./shape.ts";

/** State of the world, or incremental. */
export type DiscoveryDialect = "sotw" | "delta";

/** A discovery server: who it is, and how it is spoken to. */
export interface DiscoveryServer {
  /** Name of its cluster. */
  readonly cluster: string;
  readonly dialect: DiscoveryDialect;
  /** "": the cluster's name. */
  readonly authority: string;
  /** Headers of the stream. */
  readonly metadata: GrpcMetadata;
}

/** Where resources come from. Source: Envoy `ConfigSource`. */
export type ConfigOrigin =
  | { readonly kind: "ads" }
  | { readonly kind: "file"; readonly path: string }
  /** By a stream for their type alone. */
  | { readonly kind: "stream"; readonly server: DiscoveryServer };

export const CONFIG_SOURCE_SHAPE = shape(
  ConfigSourceSchema,
  ["path", "path_config_source", "api_config_source", "ads", "self"],
  {},
  { authorities: "xdstp resource locators are not implemented" },
  {
    only: { resource_api_version: VERSION_3 },
    differs: { initial_fetch_timeout: "the ports open as their listeners arrive; nothing waits for other resources" },
  },
);
export const PATH_SOURCE_SHAPE = shape(PathConfigSourceSchema, ["path", "watched_directory"]);
export const API_SOURCE_SHAPE = shape(
  ApiConfigSourceSchema,
  ["api_type", "grpc_services"],
  {},
  {
    "cluster_names refresh_delay request_timeout": "only for REST, which is not implemented; use GRPC or DELTA_GRPC",
    rate_limit_settings: "a stream asks only for what changed",
    config_validators: "there are no validator extensions",
  },
  {
    only: { transport_api_version: VERSION_3 },
    differs: { set_node_on_first_message_only: "the node goes with a stream's first message only, as with true" },
  },
);
export const GRPC_SERVICE_SHAPE = shape(
  GrpcServiceSchema,
  ["envoy_grpc", "initial_metadata"],
  {},
  {
    google_grpc: "name a cluster in envoy_grpc",
    timeout: "a discovery stream has no end",
    retry_policy: "a stream that ends is opened again with a back-off from 0.5 s to 15 s",
  },
);
export const ENVOY_GRPC_SHAPE = shape(
  GrpcService_EnvoyGrpcSchema,
  ["cluster_name", "authority"],
  { skip_envoy_headers: "the proxy adds no x-envoy-* headers to streams of its own" },
  {
    retry_policy: "a stream that ends is opened again with a back-off from 0.5 s to 15 s",
    max_receive_message_length: "messages may have 256 MiB",
  },
);

/** Undefined: the message names none. Errors: REST, Google's client, servers without a cluster. */
export function decodeConfigOrigin(message: ConfigSource | undefined, scope: DecodeScope): ConfigOrigin | undefined {
  if (message === undefined) return undefined;
  checkShape(CONFIG_SOURCE_SHAPE, message, scope);
  const specifier = message.configSourceSpecifier;
  switch (specifier.case) {
    case undefined:
      return undefined;
    case "ads":
    case "self":
      return { kind: "ads" };
    case "path":
      return { kind: "file", path: specifier.value };
    case "pathConfigSource":
      checkShape(PATH_SOURCE_SHAPE, specifier.value, scope.field("path_config_source"));
      return { kind: "file", path: specifier.value.path };
    case "apiConfigSource": {
      const at = scope.field("api_config_source");
      const { apiType } = specifier.value;
      if (
        apiType === ApiConfigSource_ApiType.AGGREGATED_GRPC ||
        apiType === ApiConfigSource_ApiType.AGGREGATED_DELTA_GRPC
      )
        at.field("api_type").problem("write ads: {} together with dynamic_resources.ads_config");
      const server = decodeDiscoveryServer(specifier.value, at);
      return server && { kind: "stream", server };
    }
  }
}

/** The server of an `api_config_source`, or of a bootstrap's `ads_config`. */
export function decodeDiscoveryServer(message: ApiConfigSource, scope: DecodeScope): DiscoveryServer | undefined {
  checkShape(API_SOURCE_SHAPE, message, scope);
  if (message.apiType < ApiConfigSource_ApiType.GRPC)
    scope.field("api_type").problem("REST is not implemented; use GRPC or DELTA_GRPC");
  const at = scope.field("grpc_services");
  const [service] = message.grpcServices;
  if (message.grpcServices.length > 1) at.item(1).problem("only one discovery server is implemented");
  if (service !== undefined) checkShape(GRPC_SERVICE_SHAPE, service, at.item(0));
  const target = service?.targetSpecifier;
  if (target?.case !== "envoyGrpc" || target.value.clusterName === "") {
    at.problem("the discovery server must be named by envoy_grpc.cluster_name, a cluster of static_resources");
    return undefined;
  }
  checkShape(ENVOY_GRPC_SHAPE, target.value, at.item(0).field("envoy_grpc"));
  const delta =
    message.apiType === ApiConfigSource_ApiType.DELTA_GRPC ||
    message.apiType === ApiConfigSource_ApiType.AGGREGATED_DELTA_GRPC;
  return {
    cluster: target.value.clusterName,
    dialect: delta ? "delta" : "sotw",
    authority: target.value.authority,
    metadata: decodeGrpcMetadata(service?.initialMetadata ?? [], at.item(0).field("initial_metadata")),
  };
}

/** Equal for equal origins. */
export function originKey(origin: ConfigOrigin): string {
  if (origin.kind === "ads") return "ads";
  return origin.kind === "file" ? `file|${origin.path}` : `stream|${JSON.stringify(origin.server)}`;
}
