import { resolve4 } from "node:dns/promises";
import { readFileSync } from "node:fs";
import { formatProblem, type MeshConfig, parseMeshConfig } from "@heddle/config";
import { createKubeClient, type KubeClient } from "@heddle/kube-client";
import { createFileSource, createKubernetesSource, createMockSource, type Source } from "@heddle/sources";
import { type Clock, createBackoff, createMetricsRegistry, EXPOSITION_CONTENT_TYPE, type Logger } from "@heddle/std";
import { createPatcher } from "@heddle/translate";
import { createDebugHandler } from "./admin/debug.ts";
import { type AdminServer, createAdminServer, type HttpHandler, text } from "./admin/http-server.ts";
import { registerMeshFigures } from "./admin/mesh-figures.ts";
import { registerProcessFigures } from "./admin/process-figures.ts";
import { createAuthenticator } from "./auth/caller.ts";
import { createClusterReviewer } from "./auth/cluster-reviewer.ts";
import { createKubernetesReviewer, noReviewer } from "./auth/token-review.ts";
import { openFileAuthority } from "./ca/authority-files.ts";
import { AuthorityError, type AuthorityStore, openKubernetesAuthority } from "./ca/authority-store.ts";
import { createCertificateIssuer } from "./ca/certificate-service.ts";
import { createRootConfigMaps } from "./ca/root-config-maps.ts";
import { createServingCertificate } from "./ca/serving-certificate.ts";
import { createGatewayNames } from "./clusters/gateway-names.ts";
import { createManagedClusters, type ManagedClusters } from "./clusters/managed-clusters.ts";
import { createRemoteClusters } from "./clusters/remote-clusters.ts";
import { createGrpcPort } from "./grpc/grpc-servers.ts";
import { createRotatingCredentials } from "./grpc/rotating-credentials.ts";
import { completeHeaders } from "./mesh/header-variables.ts";
import { createMergedMesh } from "./mesh/merged-mesh.ts";
import { createMeshFeed, type MeshFeed, type MeshUpdate } from "./mesh/mesh-feed.ts";
import type { DiscoveryOptions, ListenAddress } from "./options.ts";
import { createProxySnapshots } from "./resources/proxy-snapshots.ts";
import { createClusterSecrets } from "./secrets/cluster-secrets.ts";
import { createTrustBundles } from "./secrets/trust-bundles.ts";
import { createClusterStatus } from "./status/cluster-status.ts";
import { createEntryStatuses } from "./status/entry-statuses.ts";
import { createIngressStatuses } from "./status/ingress-statuses.ts";
import { createTelemetry } from "./telemetry.ts";
import { injectionHandler, validationHandler } from "./webhook/admission.ts";
import { createCaBundlePatcher } from "./webhook/ca-bundle.ts";
import { createWebhookServer } from "./webhook/https-server.ts";
import { createWorkloadRegistrar } from "./workloads/workload-registrar.ts";
import { createDiscoveryServer } from "./xds/discovery-server.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** What the composition root hands in. */
export interface DiscoveryDeps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly env: Env;
  readonly version: string;
}

/** Ports that were bound; undefined where a server is switched off. */
export interface DiscoveryPorts {
  readonly grpc: number | undefined;
  readonly secureGrpc: number | undefined;
  readonly http: number | undefined;
  readonly https: number | undefined;
  readonly monitoring: number | undefined;
}

/** A running control plane. */
export interface Discovery {
  readonly ports: DiscoveryPorts;
  /** PEM that clients verify the TLS ports with. */
  readonly roots: string;
  /** Stops taking work, lets streams move to another replica, ends. Idempotent. */
  close(): Promise<void>;
}

/** A listener that could not be opened, with the flag to change. */
class ListenError extends Error {}

/** Starts everything; resolves when the control plane is ready. Errors: sentences for the operator. */
export async function startDiscovery(options: DiscoveryOptions, deps: DiscoveryDeps): Promise<Discovery> {
  const { clock, log } = deps;
  const closers: (() => void | Promise<void>)[] = [];
  let waitingFor = "the sources to be in sync";
  const startedAt = clock.monotonic();

  const metrics = createMetricsRegistry();
  const telemetry = createTelemetry(metrics);
  telemetry.info.with(deps.version).value = 1;
  telemetry.build.with("pilot", deps.version).value = 1;
  registerProcessFigures(metrics, clock.now());
  const patcher = await createPatcher();
  const snapshots = createProxySnapshots({
    patcher,
    onProblem: (problem) => log.warn(formatProblem(problem), { source: problem.source }),
  });
  metrics.onCollect(() => {
    telemetry.uptime.with().value = Math.round((clock.monotonic() - startedAt) / 1000);
    const states = clusters?.statuses ?? [];
    const accepted = states.filter(({ status }) => status !== "refused");
    telemetry.managedClusters.with("local").value = 1;
    telemetry.managedClusters.with("remote").value = accepted.length;
    telemetry.clusterSync.clear();
    telemetry.clusterLastSync.clear();
    for (const { id, status } of states) telemetry.clusterSync.with(id, status).value = 1;
    for (const { id, lastSyncMs } of accepted) telemetry.clusterLastSync.with(id).value = Math.round(lastSyncMs / 1000);
    telemetry.cacheKept.with().value = snapshots.stats.kept;
    telemetry.cacheEvictions.with("clear").value = snapshots.stats.evicted;
    telemetry.cacheReads.with("hit").value = snapshots.stats.hits;
    telemetry.cacheReads.with("miss").value = snapshots.stats.misses;
  });

  const kube = options.registries.includes("Kubernetes") ? await connect(options, deps) : undefined;
  const authenticator = createAuthenticator({
    reviewer: createClusterReviewer({
      own: kube === undefined ? noReviewer : createKubernetesReviewer(kube),
      ownId: options.clusterId,
      remote: (id) => {
        const remote = clusters?.find(id)?.kube;
        return remote === undefined ? undefined : createKubernetesReviewer(remote);
      },
    }),
    trustDomains: () => {
      const { mesh } = feed.state.settings;
      return [mesh.trustDomain, ...(mesh.trustDomainAliases ?? [])];
    },
  });
  const secrets =
    kube === undefined
      ? undefined
      : createClusterSecrets({
          kube,
          kubeOf: (id) => (id === clusterId ? undefined : clusters?.served.find((one) => one.id === id)?.cluster.kube),
          clock,
          log: log.child("secrets"),
          onChange: (namespace) => discovery.secretsChanged(namespace),
          onUnavailable: () => telemetry.secretErrors.with().value++,
        });
  const statuses = kube === undefined ? undefined : createEntryStatuses({ kube, clock, log: log.child("status") });
  const ingresses = kube === undefined ? undefined : createIngressStatuses({ kube, clock, log: log.child("status") });
  const workloads =
    kube === undefined
      ? undefined
      : createWorkloadRegistrar({
          kube,
          clock,
          log: log.child("workloads"),
          telemetry,
          state: () => feed.state,
          instance: options.podName,
          graceMs: options.workloadGraceMs,
        });
  const clusterStatus =
    kube === undefined
      ? undefined
      : createClusterStatus({
          kube,
          clock,
          log: log.child("status"),
          analyse: options.analyse,
          state: () => feed.state,
          injector: () => feed.injectorValues,
          otherClusters: () =>
            (clusters?.registries ?? []).map(({ clusterId, state }) => ({
              name: clusterId,
              services: [...state.objects.services.values()],
            })),
        });
  const discovery = createDiscoveryServer({
    ...(workloads === undefined ? {} : { workloads }),
    ...(secrets === undefined ? {} : { secrets }),
    trustBundles: createTrustBundles(
      () => feed.state.settings.mesh,
      () => ownRoots(),
    ),
    clock,
    log: log.child("ads"),
    telemetry,
    snapshots,
    awaits: (id) =>
      id !== clusterId && clusters?.find(id) !== undefined && !clusters.served.some((one) => one.id === id),
    authenticator,
    authenticatePlaintext: options.authenticatePlaintext,
    version: deps.version,
  });

  let ownRoots = (): string => "";
  registerMeshFigures(metrics, () => feed.state);

  const sources = sourcesOf(options, deps, kube);
  const first = Promise.withResolvers<void>();
  const { namespace, clusterId, domain, debounceAfterMs, debounceMaxMs } = options;
  const clusters =
    kube === undefined
      ? undefined
      : createRemoteClusters({
          kube,
          clock,
          random: deps.random,
          log: log.child("clusters"),
          userAgent: `heddle-discovery/${deps.version}`,
          namespace,
          clusterId,
          domain,
          debounceAfterMs,
          debounceMaxMs,
          timeoutMs: options.remoteClusterTimeoutMs,
          onUpdate: (update) => {
            merged.remote(update);
            managed?.reconcile();
          },
          onTimeout: () => telemetry.remoteTimeouts.with().value++,
          onSyncError: (id) => telemetry.syncErrors.with(id).value++,
          onSecret: (event) => telemetry.clusterSecrets.with(event).value++,
        });
  let managed: ManagedClusters | undefined;
  const gatewayNames = createGatewayNames({
    clock,
    resolve: (name) => resolve4(name),
    log: log.child("clusters"),
    onChange: () => merged.remote({ change: { views: true, endpoints: [] }, sinceMs: clock.monotonic(), waitedMs: 0 }),
  });
  closers.push(() => gatewayNames.close());
  const merged = createMergedMesh({
    log: log.child("clusters"),
    empty: () => feed.state,
    gatewayNames,
    registries: () => clusters?.registries ?? [],
    onUpdate: (update) => {
      discovery.update(update);
      first.resolve();
    },
  });
  // Proxies that come back after a restart must not lose endpoints that the other clusters are about to name.
  let early: MeshUpdate | undefined;
  let heard = clusters === undefined;
  const feed: MeshFeed = createMeshFeed({
    clock,
    log: log.child("mesh"),
    domain: options.domain,
    clusterId: options.clusterId,
    rootNamespace: options.namespace,
    debounceAfterMs: options.debounceAfterMs,
    debounceMaxMs: options.debounceMaxMs,
    sources: sources.length,
    ...meshFileOf(options, deps.env, log),
    complete: (mesh) => completeHeaders(mesh, deps.env, log),
    onEvent: (kind, action) => {
      telemetry.inboundUpdates.with(
        kind === "EndpointSlice" || kind === "Pod" ? "eds" : kind === "Service" ? "svc" : "config",
      ).value++;
      const family = builtInKinds.has(kind) ? telemetry.registryEvents : telemetry.configEvents;
      family.with(kind, action === "delete" ? "delete" : "update").value++;
    },
    onSyncError: () => telemetry.syncErrors.with(clusterId).value++,
    onRefused: (kind, name) => telemetry.rejectedConfigs.with(kind.toLowerCase(), name).value++,
    onBuilt: (tookMs) => telemetry.stateTime.with().observe(tookMs / 1000),
    onUpdate: (update: MeshUpdate) => {
      clusters?.useSettings(feed.settings.mesh, feed.settings.networks);
      clusters?.useOwnUid(update.state.objects.namespaces.get("kube-system")?.meta.uid);
      if (heard) merged.local(update);
      else early = update;
      statuses?.update(update.state);
      ingresses?.update(update.state);
      clusterStatus?.update(update);
    },
  });

  const debug = createDebugHandler({
    connections: () => discovery.connections,
    state: () => merged.state,
    values: () => feed.injectorValues,
    snapshots,
    clusters: () => [
      { id: clusterId, secret: "", status: "synced", reason: "", lastSyncMs: clock.now() },
      ...(clusters?.statuses ?? []).map((status) => ({
        ...status,
        reason: status.reason || (merged.collisions.get(status.id) ?? ""),
      })),
    ],
    version: deps.version,
    ...(clusterStatus === undefined ? {} : { analysis: () => clusterStatus.analysis() }),
  });
  const admin: HttpHandler = (url) => {
    if (url.pathname === "/ready")
      return waitingFor === "" ? text("ready\n") : text(`waiting for ${waitingFor}\n`, 503);
    if (url.pathname === "/metrics") return { status: 200, type: EXPOSITION_CONTENT_TYPE, body: metrics.expose() };
    return debug(url);
  };
  const listen = async (
    flag: string,
    address: ListenAddress | undefined,
    bind: (address: ListenAddress) => Promise<number>,
  ) => {
    if (address === undefined) return undefined;
    try {
      return await bind(address);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new ListenError(
        `cannot listen on ${address.host}:${address.port}: ${reason}; is another control plane running? Change it with --${flag}`,
      );
    }
  };
  const adminPort = async (flag: string, address: ListenAddress | undefined) => {
    const server: AdminServer = createAdminServer(admin, log.child("admin"));
    const port = await listen(flag, address, (where) => server.listen(where));
    closers.push(() => server.close());
    return port;
  };
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= (async () => {
      waitingFor = "nothing any more: the control plane is ending";
      secrets?.close();
      clusters?.close();
      statuses?.close();
      ingresses?.close();
      workloads?.close();
      clusterStatus?.close();
      discovery.close();
      for (const one of closers.reverse()) await one();
    })();
    return closing;
  };

  try {
    const http = await adminPort("httpAddr", options.http);
    const monitoring = await adminPort("monitoringAddr", options.monitoring);
    for (const source of sources) source.start(feed.sink(source.name));
    clusters?.start();
    void clusters?.settled(remoteStartMs).then(() => {
      heard = true;
      if (early !== undefined) merged.local(early);
    });
    closers.push(() => {
      feed.close();
      for (const source of sources) source.close();
    });
    await first.promise;

    waitingFor = "the CA";
    const store = await openAuthority(options, deps, kube, feed.state.settings.trustDomain);
    closers.push(() => store.close());
    ownRoots = () => store.authority.rootPem;
    log.info("CA is in force", {
      origin: store.origin,
      expires: new Date(store.authority.chainNotAfterMs).toISOString(),
    });
    const serving = await createServingCertificate({
      authority: () => store.authority,
      namespace: options.namespace,
      domain: options.domain,
      ttlMs: options.defaultTtlMs,
      clock,
      random: deps.random,
      log: log.child("serving"),
    });
    closers.push(() => serving.close());
    metrics.onCollect(() => {
      telemetry.rootExpiry.with().value = Math.round(store.authority.root.notAfterMs / 1000);
      telemetry.chainExpiry.with().value = Math.round(store.authority.chainNotAfterMs / 1000);
      const now = clock.now();
      telemetry.rootExpirySeconds.with().value = Math.round((store.authority.root.notAfterMs - now) / 1000);
      telemetry.chainExpirySeconds.with().value = Math.round((store.authority.chainNotAfterMs - now) / 1000);
    });
    const issuer = createCertificateIssuer({
      authenticator,
      authority: () => store.authority,
      now: () => clock.now(),
      log: log.child("ca"),
      telemetry,
      defaultTtlMs: options.defaultTtlMs,
      maxTtlMs: options.maxTtlMs,
    });

    waitingFor = "the servers";
    const rotating = createRotatingCredentials(serving.material);
    const largest = telemetry.largestRequest.with();
    const onRequest = (bytes: number): void => {
      largest.value = Math.max(largest.value, bytes);
    };
    const plain = createGrpcPort({ ...options, credentials: undefined, discovery, issuer, onRequest });
    const secure = createGrpcPort({ ...options, credentials: rotating.credentials, discovery, issuer, onRequest });
    const grpc = await listen("grpcAddr", options.grpc, (where) => plain.listen(where));
    const secureGrpc = await listen("secureGRPCAddr", options.secureGrpc, (where) => secure.listen(where));
    closers.push(async () => void (await Promise.all([plain.close(options.drainMs), secure.close(options.drainMs)])));
    const webhooks = createWebhookServer({
      material: serving.material,
      log: log.child("webhook"),
      onError: (path, code) => {
        if (path === "/validate") telemetry.validationHttpErrors.with(String(code)).value++;
      },
      handlers: {
        "/inject": injectionHandler({
          state: () => feed.state,
          clusterId,
          namespacesOf: (id) => {
            if (id === clusterId) return (name) => feed.namespaceOf(name);
            const remote = clusters?.served.find((one) => one.id === id)?.cluster;
            return remote === undefined ? undefined : (name) => remote.namespaceOf(name);
          },
          values: () => feed.injectorValues,
          clock,
          log: log.child("inject"),
          telemetry,
        }),
        "/validate": validationHandler({ log: log.child("validate"), telemetry, patcher }),
      },
    });
    const https = await listen("httpsAddr", options.https, (where) => webhooks.listen(where));
    closers.push(() => void webhooks.close());
    serving.onChange((material) => {
      rotating.replace(material);
      webhooks.replace(material);
    });

    const roots = (): string => store.authority.rootPem;
    const inCluster =
      kube === undefined
        ? []
        : [
            createRootConfigMaps({ kube, roots, clock, log: log.child("roots") }),
            createCaBundlePatcher({
              kube,
              namespace: options.namespace,
              roots,
              clock,
              log: log.child("webhook"),
              telemetry,
            }),
          ];
    managed =
      clusters === undefined
        ? undefined
        : createManagedClusters({ clusters, clusterId, namespace, roots, clock, log: log.child("managed"), telemetry });
    managed?.reconcile();
    for (const part of inCluster) part.start();
    workloads?.start();
    closers.push(() => {
      for (const part of inCluster) part.close();
      managed?.close();
    });
    store.onChange(() => {
      serving.renew().catch((error) => log.error("renewing the serving certificate failed", { error }));
      for (const part of inCluster) part.refresh();
      managed?.refresh();
      discovery.rootsChanged();
    });
    waitingFor = "";
    log.info("control plane is ready", {
      tookMs: Math.round(clock.monotonic() - startedAt),
      services: feed.state.services.size,
      secureGrpc,
      https,
    });
    return {
      ports: { grpc, secureGrpc, http, https, monitoring },
      close,
      get roots() {
        return roots();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** How long the first configuration waits for other clusters. Units: ms. */
const remoteStartMs = 3000;

const builtInKinds = new Set(["Service", "Pod", "EndpointSlice", "Namespace", "Node", "ConfigMap"]);

async function connect(options: DiscoveryOptions, deps: DiscoveryDeps): Promise<KubeClient> {
  const { env, clock, random } = deps;
  return createKubeClient({
    env,
    clock,
    random,
    userAgent: `heddle-discovery/${deps.version}`,
    ...(options.kubeconfig !== undefined && { kubeconfig: options.kubeconfig }),
  });
}

function sourcesOf(options: DiscoveryOptions, deps: DiscoveryDeps, kube: KubeClient | undefined): readonly Source[] {
  const { clock } = deps;
  return [
    ...(kube === undefined ? [] : [createKubernetesSource({ kube, clock, rootNamespace: options.namespace })]),
    ...(options.configDir === undefined ? [] : [createFileSource({ path: options.configDir, clock })]),
    // Without any source the mesh would never be complete.
    ...(options.registries.includes("Mock") || (kube === undefined && options.configDir === undefined)
      ? [createMockSource()]
      : []),
  ];
}

function meshFileOf(options: DiscoveryOptions, env: Env, log: Logger): { readonly mesh?: MeshConfig } {
  return options.meshConfigFile === undefined ? {} : { mesh: meshFrom(options.meshConfigFile, env, log) };
}

function meshFrom(path: string, env: Env, log: Logger): MeshConfig {
  const parsed = parseMeshConfig(readFileSync(path, "utf8"), path);
  if (!parsed.ok)
    throw new Error(parsed.problems.map(({ path: field, reason }) => `${path}: ${field} ${reason}`).join("; "));
  for (const { path: field, reason } of parsed.warnings) log.warn(`${path}: ${field} ${reason}`);
  return completeHeaders(parsed.value, env, log);
}

/** The API server may be away for a while at the start; a CA that is unusable is final. */
async function openAuthority(
  options: DiscoveryOptions,
  deps: DiscoveryDeps,
  kube: KubeClient | undefined,
  trustDomain: string,
): Promise<AuthorityStore> {
  const { clock, log, random } = deps;
  if (kube === undefined) return openFileAuthority(options.caDir, trustDomain, clock.now());
  const backoff = createBackoff({ baseMs: 200, maxMs: 10_000 }, random);
  for (;;) {
    try {
      return await openKubernetesAuthority({
        kube,
        namespace: options.namespace,
        trustDomain,
        clock,
        log: log.child("ca"),
      });
    } catch (error) {
      if (error instanceof AuthorityError) throw error;
      const waitMs = backoff.next();
      log.warn("opening the CA failed; trying again", { error, waitMs: Math.round(waitMs) });
      await new Promise<void>((resolve) => setTimeout(resolve, waitMs));
    }
  }
}
