import { type DescMessage, fromBinary, fromJson, type JsonValue, type Registry, toBinary } from "@bufbuild/protobuf";
import { Server, ServerCredentials, type ServerDuplexStream } from "@grpc/grpc-js";
import { type CacheClient, type CacheStream, createCacheServer, createSnapshotCache } from "@heddle/xds";
import { loadTypeRegistry, typeUrls } from "@heddle/xds-api";
import { ClusterSchema } from "@heddle/xds-api/envoy/config/cluster/v3/cluster";
import { ClusterLoadAssignmentSchema } from "@heddle/xds-api/envoy/config/endpoint/v3/endpoint";
import { ListenerSchema } from "@heddle/xds-api/envoy/config/listener/v3/listener";
import { RouteConfigurationSchema } from "@heddle/xds-api/envoy/config/route/v3/route";
import { ScopedRouteConfigurationSchema } from "@heddle/xds-api/envoy/config/route/v3/scoped_route";
import { SecretSchema } from "@heddle/xds-api/envoy/extensions/transport_sockets/tls/v3/secret";
import {
  DeltaDiscoveryRequestSchema,
  DiscoveryRequestSchema,
} from "@heddle/xds-api/envoy/service/discovery/v3/discovery";
import { RuntimeSchema } from "@heddle/xds-api/envoy/service/runtime/v3/rtds";
import type { Json } from "./bootstrap.ts";

/** Types with the services that serve one of them each. */
export const SERVED = {
  Listener: [typeUrls.listener, ListenerSchema],
  Cluster: [typeUrls.cluster, ClusterSchema],
  Route: [typeUrls.route, RouteConfigurationSchema],
  ScopedRoutes: [typeUrls.scopedRoute, ScopedRouteConfigurationSchema],
  Endpoint: [typeUrls.endpoint, ClusterLoadAssignmentSchema],
  Secret: [typeUrls.secret, SecretSchema],
  Runtime: [typeUrls.runtime, RuntimeSchema],
} as const;
export type ServedType = keyof typeof SERVED;

/** A discovery server of the stand-alone cache of `packages/xds`: a service for each type, and an aggregated one, in both dialects. */
export interface DiscoveryRig {
  /** `json` undefined: takes it away. */
  set(group: string, type: ServedType, name: string, json: Json | undefined): void;
  clients(): readonly CacheClient[];
  /** Paths of the methods that were called. */
  readonly called: ReadonlySet<string>;
  kill(): void;
}

export async function startDiscoveryServer(port: number): Promise<DiscoveryRig> {
  const registry: Registry = await loadTypeRegistry();
  const cache = createSnapshotCache();
  const server = createCacheServer({ cache });
  const grpc = new Server();
  const called = new Set<string>();
  let version = 0;
  const method = (path: string, schema: DescMessage) => ({
    path,
    requestStream: true,
    responseStream: true,
    requestSerialize: () => Buffer.alloc(0),
    requestDeserialize: (bytes: Buffer) => fromBinary(schema, bytes),
    responseSerialize: (bytes: Buffer) => bytes,
    responseDeserialize: (bytes: Buffer) => bytes,
  });
  const serve =
    <Request>(path: string, open: (send: (bytes: Uint8Array) => void) => CacheStream<Request>) =>
    (call: ServerDuplexStream<Request, Buffer>) => {
      called.add(path);
      const stream = open((bytes) => void call.write(Buffer.from(bytes)));
      call.on("data", (request: Request) => stream.receive(request));
      call.on("end", () => call.end());
      for (const event of ["close", "cancelled", "error"]) call.on(event, () => stream.close());
    };
  for (const type of Object.keys(SERVED)) {
    const folder = type === "ScopedRoutes" ? "route" : type.toLowerCase();
    const base = `/envoy.service.${folder}.v3.${type}DiscoveryService`;
    const several = type === "Runtime" || type === "ScopedRoutes" ? type : `${type}s`;
    offer(`${base}/Stream${several}`, `${base}/Delta${several}`);
  }
  const aggregated = "/envoy.service.discovery.v3.AggregatedDiscoveryService";
  offer(`${aggregated}/StreamAggregatedResources`, `${aggregated}/DeltaAggregatedResources`);
  function offer(sotw: string, delta: string): void {
    grpc.addService(
      { sotw: method(sotw, DiscoveryRequestSchema), delta: method(delta, DeltaDiscoveryRequestSchema) },
      { sotw: serve(sotw, server.sotw.bind(server)), delta: serve(delta, server.delta.bind(server)) },
    );
  }
  await new Promise<void>((resolve, reject) => {
    grpc.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error) =>
      error === null ? resolve() : reject(error),
    );
  });
  return {
    set: (group, type, name, json) => {
      const [typeUrl, schema] = SERVED[type];
      if (json === undefined) {
        cache.remove(group, typeUrl, name);
        return;
      }
      const body = toBinary<DescMessage>(schema, fromJson<DescMessage>(schema, json as JsonValue, { registry }));
      cache.set(group, typeUrl, { name, version: String(++version), body });
    },
    clients: () => server.clients,
    called,
    kill: () => grpc.forceShutdown(),
  };
}
