import type { ClusterApi, ClusterNetworkPlan, PodStreams } from "../contract/index.ts";
import { createNamespaceLifecycle } from "./admission/namespace-lifecycle.ts";
import { createPodAdmission } from "./admission/pod-admission.ts";
import { createServiceAccountAdmission } from "./admission/service-account.ts";
import { createWebhookClient } from "./admission/webhook-client.ts";
import { createWebhookAdmission } from "./admission/webhooks.ts";
import { createAccessCheck } from "./auth/access.ts";
import { createAuthenticator } from "./auth/authenticator.ts";
import { createOpenIdDocuments } from "./auth/openid.ts";
import { createRbacAuthorizer } from "./auth/rbac.ts";
import { createReviews } from "./auth/reviews.ts";
import { createServiceAccountTokens } from "./auth/service-account-tokens.ts";
import { createTokenRequests } from "./auth/token-requests.ts";
import { startRoleAggregation } from "./bootstrap/role-aggregation.ts";
import { seedAggregation, seedCluster, seedPriorityClasses, seedRoles } from "./bootstrap/seed.ts";
import { createClusterApi } from "./cluster-api.ts";
import { createCustomResources } from "./custom/custom-resources.ts";
import { createDiscovery } from "./discovery/discovery.ts";
import { createEventRecorder } from "./events/event-recorder.ts";
import { createFieldTracker } from "./fields/managed-fields.ts";
import { createAggregator } from "./http/aggregator.ts";
import { createFront } from "./http/front.ts";
import { createPathHandler } from "./http/path-handler.ts";
import { createResourceHandler } from "./http/resource-handler.ts";
import { createPosts, createRoutes } from "./http/routes.ts";
import { createHttpsServers, type ListenAddress } from "./http/server.ts";
import { createUpgrades } from "./http/upgrades.ts";
import { createServiceAllocator } from "./kinds/service-allocation.ts";
import { createOpenApi } from "./openapi/openapi.ts";
import { createPatcher } from "./patch/patcher.ts";
import type { ClusterPki } from "./pki/cluster-pki.ts";
import { createPodPosts } from "./pods/pod-posts.ts";
import { createPodStreaming } from "./pods/pod-streaming.ts";
import { createEncoding } from "./read/encoding.ts";
import { BUILTIN_RESOURCES } from "./resources/builtin.ts";
import { createRegistry } from "./resources/registry.ts";
import { createBuiltinTypes } from "./schema/builtin-types.ts";
import { createTyping, withDecoders } from "./schema/decoders.ts";
import { createProtobufDecoder } from "./schema/protobuf.ts";
import { createStore } from "./store/store.ts";
import { createStamps } from "./write/stamps.ts";
import { trustedRequest } from "./write/write-request.ts";
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
  const customs = createCustomResources({
    registry,
    store,
    types,
    now: () => stamps().now,
    onFailure: (error) => log.error("custom resources", { error: String(error) }),
  });
  const typing = createTyping(types, customs.typeOf);
  const encoding = createEncoding();
  const stamps = createStamps(deps.now, deps.randomBytes);
  const closing = new AbortController();
  let streams: PodStreams | undefined;

  const tracker = createFieldTracker({ fieldOf: typing.fieldOf, now: () => stamps().now });
  const tokens = createServiceAccountTokens({
    store,
    keys: deps.pki.tokenKeys,
    clusterDomain: deps.network.clusterDomain,
    now: deps.now,
    uuid: () => stamps().uuid(),
  });
  const authorizer = createRbacAuthorizer(store);
  const adminToken = Buffer.from(deps.randomBytes(24)).toString("base64url");
  const authenticator = createAuthenticator({ adminToken, tokens });

  const serviceAccounts = createServiceAccountAdmission(store, () => stamps().suffix());
  const podAdmission = createPodAdmission(store);
  const writer = createWriter({
    store,
    admission: [
      createNamespaceLifecycle(store),
      serviceAccounts,
      podAdmission,
      createWebhookAdmission({
        store,
        registry,
        client: createWebhookClient(store),
        uuid: () => stamps().uuid(),
        onIgnored: (webhook, reason) => log.warn("webhook failed and is ignored", { webhook, reason }),
      }),
      // Once more, for the containers that webhooks added.
      serviceAccounts,
      podAdmission,
    ],
    stamps,
    allocate: { "/services": createServiceAllocator(store, deps.network) },
    trackFields: tracker.track,
  });
  const podsDef = registry.need({ group: "", version: "v1", resource: "pods" });
  const post = createPosts({
    reviews: createReviews({ authorizer, tokens, authenticate: authenticator.adminOf }),
    podPosts: createPodPosts(store, writer, podsDef, () => stamps().now),
    requestToken: createTokenRequests(store, tokens),
  });
  const eventsDef = registry.need({ group: "", version: "v1", resource: "events" });
  const events = createEventRecorder({
    now: () => stamps().now,
    suffix: () => stamps().suffix(),
    nodeName: deps.network.nodeName,
    write: (event) => api.create(eventsDef, event),
    bump: (namespace, name, count, lastTimestamp) => api.patch(eventsDef, namespace, name, { count, lastTimestamp }),
    onFailure: (error) => log.warn("event not recorded", { error: String(error) }),
  });
  const api = createClusterApi({
    registry,
    store,
    writer,
    encoding,
    events,
    post: (def, subresource, namespace, name, body) => post(def, subresource, namespace, name, body, trustedRequest()),
    onWatchFailure: (error) => log.error("a watch callback failed", { error: String(error) }),
  });
  customs.start(api);
  await seedCluster(api, deps.network);
  await seedRoles(api);
  await seedPriorityClasses(api);
  await seedAggregation(api, deps.pki.frontProxy, deps.pki.caPem);
  const aggregation = startRoleAggregation(api, (error) => log.error("role aggregation", { error: String(error) }));

  const aggregator = createAggregator({ store, frontProxy: deps.pki.frontProxy, nowMs: deps.now });
  aggregator.start(api);

  const protobuf = createProtobufDecoder(types.schema);
  const openApi = createOpenApi({ registry, schema: types.schema, customSchema: customs.schemaOf });
  const openId = createOpenIdDocuments(tokens, deps.network);
  const streaming = createPodStreaming(store, podsDef, () => streams);
  const authorize = createAccessCheck(authorizer);
  const onRequest = createFront({
    authenticator,
    authorize,
    handle: createRoutes({
      registry,
      store,
      protobuf,
      post,
      streaming,
      handlePath: createPathHandler({
        discovery: createDiscovery(registry, aggregator),
        version: VERSION,
        documents: async (exchange) => (await openApi.document(exchange.path)) ?? openId(exchange.path),
      }),
      handleResource: createResourceHandler({
        store,
        writer,
        patcher: createPatcher({ writer, store, typing, tracker }),
        encoding,
        protobuf,
        now: deps.now,
      }),
      aggregated: aggregator.serve,
    }),
    closing: closing.signal,
    onFailure: (error, method, path) => log.error("request failed", { method, path, error: String(error) }),
  });
  const onUpgrade = createUpgrades({ authenticator, authorize, streaming });
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
      aggregation.close();
      aggregator.close();
      customs.close();
      await servers.close();
    },
  };
}
