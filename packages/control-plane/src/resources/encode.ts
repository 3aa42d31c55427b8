import { createHash } from "node:crypto";
import { type DescMessage, type MessageShape, toBinary } from "@bufbuild/protobuf";
import type { ProxyResources } from "@heddle/translate";
import type { EncodedResource } from "@heddle/xds";
import { ClusterSchema } from "@heddle/xds-api/envoy/config/cluster/v3/cluster";
import { ListenerSchema } from "@heddle/xds-api/envoy/config/listener/v3/listener";
import { RouteConfigurationSchema } from "@heddle/xds-api/envoy/config/route/v3/route";

/** Resources as bytes; shared by all proxies that get them. */
export interface EncodedResources {
  readonly clusters: readonly EncodedResource[];
  readonly listeners: readonly EncodedResource[];
  readonly routes: readonly EncodedResource[];
}

/** Encodes one resource; its version is a hash of the bytes, so an unchanged resource keeps its version. */
export function encodeResource<D extends DescMessage>(
  schema: D,
  name: string,
  message: MessageShape<D>,
): EncodedResource {
  const body = toBinary(schema, message);
  return { name, version: contentVersion(body), body };
}

/** Equal bytes, equal version. */
export function contentVersion(bytes: Uint8Array): string {
  return createHash("sha1").update(bytes).digest("base64url").slice(0, 16);
}

export function encodeResources(resources: ProxyResources): EncodedResources {
  return {
    clusters: resources.clusters.map((cluster) => encodeResource(ClusterSchema, cluster.name, cluster)),
    listeners: resources.listeners.map((listener) => encodeResource(ListenerSchema, listener.name, listener)),
    routes: resources.routes.map((route) => encodeResource(RouteConfigurationSchema, route.name, route)),
  };
}
