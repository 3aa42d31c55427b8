export {
  type CacheClient,
  type CacheServer,
  type CacheServerOptions,
  type CacheStream,
  createCacheServer,
} from "./cache-server.ts";
export { createDeltaClient, type DeltaClientOptions } from "./client/delta-client.ts";
export type {
  ClientStatus,
  DiscoveryClient,
  DiscoveryClientOptions,
  ReceivedResource,
  ResourceUpdate,
} from "./client/discovery-client.ts";
export { createSotwClient, type SotwClientOptions } from "./client/sotw-client.ts";
export {
  createPiecedResource,
  createResourceSet,
  createSnapshot,
  type EncodedResource,
  emptySet,
  type ResourceSet,
  type Snapshot,
} from "./resource.ts";
export { resourceName } from "./resource-name.ts";
export { createNamePool, type NamePool } from "./server/name-pool.ts";
export { readDeltaRequest, readSotwRequest, type SubscriptionRequest } from "./server/request.ts";
export {
  createResponseEncoder,
  encodeDeltaResponse,
  encodeSotwResponse,
  type OutgoingResponse,
  type ResponseEncoder,
} from "./server/response.ts";
export {
  type Answer,
  createServerStream,
  type ServerStream,
  type ServerStreamOptions,
  type SyncStatus,
} from "./server/server-stream.ts";
export { createSnapshotCache, type SnapshotCache } from "./snapshot-cache.ts";
