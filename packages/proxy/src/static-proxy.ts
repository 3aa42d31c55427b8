import type { JsonObject } from "@bufbuild/protobuf";
import { toJson } from "@bufbuild/protobuf";
import { credentials } from "@grpc/grpc-js";
import type { Clock, Logger } from "@heddle/std";
import { loadTypeRegistry } from "@heddle/xds-api";
import { type AdminServer, startAdminServer } from "./admin/admin-server.ts";
import { readBootstrap } from "./bootstrap.ts";
import { BootstrapSchema } from "./config/proto.ts";
import { createProxy, type DataPlane } from "./proxy.ts";
import { exposeEnvoyStats } from "./telemetry/envoy-stats.ts";
import { createLogWriter } from "./telemetry/log-writer.ts";
import { createTelemetry } from "./telemetry/telemetry.ts";
import { encodePeerMetadata, workloadOfMetadata } from "./telemetry/workload.ts";
import type { Kernel } from "./transport/kernel.ts";
import type { ResolveHost } from "./upstream/dns-watch.ts";
import { createAdsClient } from "./xds/ads-client.ts";

export interface StaticProxyDeps {
  readonly path: string;
  /** Check the file and end. */
  readonly validateOnly: boolean;
  readonly serviceNode: string;
  readonly serviceCluster: string;
  readonly drainMs: number;
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly random: () => number;
  readonly uuid: () => string;
  readonly resolve: ResolveHost;
  readonly mark: number | undefined;
  readonly log: Logger;
  readonly version: string;
  print(line: string): void;
  /** Settles when the process is asked to end. */
  readonly stop: Promise<void>;
}

/** Role `heddle proxy -c FILE`: what an Envoy v3 bootstrap says. Gives the exit code. */
export async function runStaticProxy(deps: StaticProxyDeps): Promise<number> {
  const { clock, log } = deps;
  const registry = await loadTypeRegistry();
  const read = readBootstrap(deps.path, registry);
  if (!read.ok) {
    log.error(read.error);
    return 1;
  }
  const { value: bootstrap } = read;
  const metadata = bootstrap.message.node?.metadata ?? {};
  const node = {
    id: deps.serviceNode === "" ? bootstrap.nodeId : deps.serviceNode,
    cluster: deps.serviceCluster === "" ? bootstrap.nodeCluster : deps.serviceCluster,
    metadata,
  };
  const writer = createLogWriter(clock, (path, error) =>
    log.error("an access log can't be written", { path, error: String(error) }),
  );
  let proxy: DataPlane | undefined;
  const localUri = () => "";
  const telemetry = createTelemetry({ self: workloadOfMetadata(metadata), writer, log, localUri });
  proxy = createProxy({
    kernel: deps.kernel,
    clock,
    random: deps.random,
    uuid: deps.uuid,
    log,
    resolve: deps.resolve,
    mark: deps.mark,
    exchange: node.id === "" ? undefined : { id: node.id, metadata: encodePeerMetadata(metadata) },
    drainMs: deps.drainMs,
    localUri,
    observe: telemetry.observe,
  });
  proxy.start();
  const fixed = new Set<string>();
  for (const { typeUrl, resources } of bootstrap.resources) {
    for (const resource of resources) fixed.add(`${typeUrl}|${resource.name}`);
    const problem = proxy.resources.apply(typeUrl, resources, []);
    if (problem === undefined) continue;
    log.error("the bootstrap is refused", { file: deps.path, reason: problem });
    proxy.close();
    return 1;
  }
  if (deps.validateOnly) {
    deps.print(`configuration '${deps.path}' OK\n`);
    proxy.close();
    return 0;
  }
  const running = proxy;
  const ads = startAds(deps, bootstrap.adsCluster, running, node);
  let quit: () => void = () => undefined;
  const quitAsked = new Promise<void>((resolve) => {
    quit = resolve;
  });
  let admin: AdminServer | undefined;
  if (bootstrap.admin !== undefined) {
    admin = startAdminServer(
      {
        proxy: running,
        log,
        version: deps.version,
        startedMs: clock.now(),
        node,
        now: () => clock.now(),
        notReady: () => undefined,
        metrics: () => telemetry.registry.expose() + exposeEnvoyStats(running),
        certificates: () => ({ certificates: [] }),
        agentSecrets: () => [],
        bootstrap: () => toJson(BootstrapSchema, bootstrap.message, { registry, useProtoFieldName: true }),
        isStatic: (held) => fixed.has(`${held.typeUrl}|${held.name}`),
        onQuit: () => quit(),
        onDrain: () => running.listeners.drain(),
      },
      bootstrap.admin.ip,
      bootstrap.admin.port,
    );
  }
  log.info("proxy started", {
    listeners: [...running.listeners.all()].length,
    clusters: [...running.clusters.all()].length,
  });
  await Promise.race([deps.stop, quitAsked]);
  running.listeners.drain();
  ads?.close();
  await admin?.close();
  running.close();
  writer.close();
  return 0;
}

function startAds(
  deps: StaticProxyDeps,
  clusterName: string | undefined,
  proxy: DataPlane,
  node: { id: string; cluster: string; metadata: JsonObject },
) {
  if (clusterName === undefined) return undefined;
  const host = proxy.clusters.get(clusterName)?.config.discovery;
  const endpoint =
    host !== undefined && "assignment" in host ? host.assignment.localities[0]?.endpoints[0]?.address : undefined;
  if (endpoint?.kind !== "tcp") {
    deps.log.error("the ADS cluster of the bootstrap has no TCP endpoint; only static resources are served", {
      cluster: clusterName,
    });
    return undefined;
  }
  const ads = createAdsClient({
    address: `${endpoint.address.ip}:${endpoint.address.port}`,
    node,
    version: deps.version,
    resources: proxy.resources,
    clock: deps.clock,
    random: deps.random,
    log: deps.log.child("xds"),
    localSecrets: new Set(),
    credentials: () => credentials.createInsecure(),
  });
  ads.start();
  return ads;
}
