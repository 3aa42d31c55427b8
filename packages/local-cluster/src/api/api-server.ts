import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { ClusterApi, ClusterNetworkPlan, PodStreams } from "../contract/index.ts";
import { createAuthenticator } from "./auth/authenticator.ts";
import { seedCluster } from "./bootstrap/seed.ts";
import { createClusterApi } from "./cluster-api.ts";
import { createDiscovery } from "./discovery/discovery.ts";
import { noSuchPath, unauthorized } from "./errors/api-errors.ts";
import { createEventRecorder } from "./events/event-recorder.ts";
import { createFieldTracker } from "./fields/managed-fields.ts";
import { createFront } from "./http/front.ts";
import { createPathHandler } from "./http/path-handler.ts";
import { createResourceHandler } from "./http/resource-handler.ts";
import { createHttpsServers, type ListenAddress } from "./http/server.ts";
import { createServiceAllocator } from "./kinds/service-allocation.ts";
import { createOpenApi } from "./openapi/openapi.ts";
import { createPatcher } from "./patch/patcher.ts";
import type { ClusterPki } from "./pki/cluster-pki.ts";
import { createEncoding } from "./read/encoding.ts";
import { BUILTIN_RESOURCES } from "./resources/builtin.ts";
import { createRegistry } from "./resources/registry.ts";
import { createBuiltinTypes } from "./schema/builtin-types.ts";
import { createTyping, withDecoders } from "./schema/decoders.ts";
import { createProtobufDecoder } from "./schema/protobuf.ts";
import { createStore } from "./store/store.ts";
import { createStamps } from "./write/stamps.ts";
import { createWriter } from "./write/writer.ts";

export interface ApiLog {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

export interface ApiServerDeps {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly randomBytes: (count: number) => Uint8Array;
  readonly network: ClusterNetworkPlan;
  readonly pki: ClusterPki;
  readonly log: ApiLog;
}

export interface ApiServer {
  /** Usable before `start`: the cluster's first objects are there. */
  readonly api: ClusterApi;
  /** Bearer token of a member of `system:masters`. */
  readonly adminToken: string;
  readonly caPem: string;
  /** Where logs, exec, attach and port-forward of pods go; until then they answer 503. */
  setPodStreams(streams: PodStreams): void;
  /** Ports that were bound, in order; 0 for unix sockets. */
  start(addresses: readonly ListenAddress[]): Promise<readonly number[]>;
  close(): Promise<void>;
}

const VERSION = {
  major: "1",
  minor: "34",
  gitVersion: "v1.34.4+heddle",
  gitCommit: "",
  gitTreeState: "clean",
  buildDate: "1970-01-01T00:00:00Z",
  goVersion: "none",
  compiler: "none",
  platform: "linux/amd64",
};

/** The API server of an embedded cluster, with an empty cluster inside. */
export async function createApiServer(deps: ApiServerDeps): Promise<ApiServer> {
  const { log } = deps;
  const store = createStore();
  const types = createBuiltinTypes();
  const registry = createRegistry(withDecoders(BUILTIN_RESOURCES, types));
  const typing = createTyping(types, () => undefined);
  const encoding = createEncoding();
  const stamps = createStamps(deps.now, deps.randomBytes);
  const closing = new AbortController();
  let streams: PodStreams | undefined;

  const tracker = createFieldTracker({ fieldOf: typing.fieldOf, now: () => stamps().now });
  const writer = createWriter({
    store,
    admission: [],
    stamps,
    allocate: { "/services": createServiceAllocator(store, deps.network) },
    trackFields: tracker.track,
  });
  const patcher = createPatcher({ writer, store, typing, tracker });
  const eventsDef = registry.need({ group: "", version: "v1", resource: "events" });
  const events = createEventRecorder({
    now: () => stamps().now,
    suffix: () => stamps().suffix(),
    nodeName: deps.network.nodeName,
    write: (event) => api.create({ group: "", version: "v1", resource: "events" }, event),
    bump: (namespace, name, count, lastTimestamp) => api.patch(eventsDef, namespace, name, { count, lastTimestamp }),
    onFailure: (error) => log.warn("event not recorded", { error: String(error) }),
  });
  const api = createClusterApi({
    registry,
    store,
    writer,
    encoding,
    events,
    post: () => Promise.reject(noSuchPath()),
    onWatchFailure: (error) => log.error("a watch callback failed", { error: String(error) }),
  });
  await seedCluster(api, deps.network);

  const adminToken = Buffer.from(deps.randomBytes(24)).toString("base64url");
  const discovery = createDiscovery(registry);
  const openApi = createOpenApi({ registry, schema: types.schema, customSchema: () => undefined });
  const authenticator = createAuthenticator({ adminToken, serviceAccount: () => Promise.resolve(undefined) });
  const handlePath = createPathHandler({
    discovery,
    version: VERSION,
    documents: (exchange) => openApi.document(exchange.path),
  });
  const handleResource = createResourceHandler({
    store,
    writer,
    patcher,
    encoding,
    protobuf: createProtobufDecoder(types.schema),
    now: deps.now,
  });

  const onRequest = createFront({
    authenticator,
    authorize(actor) {
      if (!actor.groups.includes("system:masters")) throw unauthorized();
      return actor;
    },
    async handle(exchange) {
      const { info } = exchange;
      if (info.kind === "path") return handlePath(exchange);
      const def = registry.need(info);
      await handleResource(exchange, { def, ...info });
    },
    closing: closing.signal,
    onFailure: (error, method, path) => log.error("request failed", { method, path, error: String(error) }),
  });

  function onUpgrade(_request: IncomingMessage, socket: Duplex): void {
    socket.end(`HTTP/1.1 ${streams ? 501 : 503} Unavailable\r\nConnection: close\r\n\r\n`);
  }

  const servers = createHttpsServers({ pki: deps.pki, onRequest, onUpgrade });
  return {
    api,
    adminToken,
    caPem: deps.pki.caPem,
    setPodStreams(given) {
      streams = given;
    },
    start: (addresses) => servers.start(addresses),
    async close() {
      closing.abort();
      await servers.close();
    },
  };
}
