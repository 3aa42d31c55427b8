import { writeFileSync } from "node:fs";
import type { JsonObject, Registry } from "@bufbuild/protobuf";
import { toJson } from "@bufbuild/protobuf";
import { loadTypeRegistry, typeUrls } from "@heddle/xds-api";
import { adminLogLine } from "./admin/admin-log.ts";
import { type AdminServer, startAdminServer } from "./admin/admin-server.ts";
import { firstExpiryMs } from "./admin/certificates-page.ts";
import { knownTypes } from "./bootstrap/known-types.ts";
import { type BootstrapSettings, type NodeLocality, readBootstrap, staticRefusals } from "./bootstrap.ts";
import { BootstrapSchema } from "./config/proto.ts";
import { decodeResource } from "./config/resources.ts";
import { problemText } from "./config/scope.ts";
import type { StatsSettings } from "./config/stats-config.ts";
import { endListeners } from "./end-listeners.ts";
import { shareLimits } from "./overload/overload-config.ts";
import { createProxy } from "./proxy.ts";
import { ejectionLogTo, type FirstRoleDeps, roleTelemetry } from "./role.ts";
import { type FolderLayersDeps, readFolders, watchFolders } from "./runtime/folder-layer.ts";
import { createRuntime } from "./runtime/runtime.ts";
import { type StaticFlags, warnOfUnknownParts } from "./static-flags.ts";
import type { LoadReports } from "./telemetry/load-reports.ts";
import { createStatsView } from "./telemetry/stats/stats-view.ts";
import { startStatsFlush } from "./telemetry/stats-flush.ts";
import { encodePeerMetadata, workloadOfMetadata } from "./telemetry/workload.ts";
import { formatAddress } from "./transport/address.ts";
import { localityName } from "./upstream/cluster.ts";
import { fleetExposition, fleetLoads, fleetStats, type StatsSource } from "./workers/fleet-pages.ts";
import { createDiscovery } from "./xds/discovery.ts";
import { readResourceFile } from "./xds/file-source.ts";
import type { AdsNode } from "./xds/node-message.ts";

export interface StaticProxyDeps extends FirstRoleDeps, Omit<StaticFlags, "concurrency"> {
  print(line: string): void;
  /** The same to the error stream, as it is. */
  complain(text: string): void;
}

interface LoadReportsSurroundings extends Pick<StaticProxyDeps, "clock" | "log" | "version"> {
  readonly node: AdsNode;
  readonly source: StatsSource;
}

/** What runs when the process is asked to end has this long; Kubernetes kills after 30 s. A second signal ends at once. Units: ms. */
const STOP_MS = 25_000;

/** Role `heddle proxy -c FILE`: what an Envoy v3 bootstrap says. Gives the exit code. */
export async function runStaticProxy(deps: StaticProxyDeps): Promise<number> {
  const { clock, log } = deps;
  let registry: Registry = knownTypes();
  let read = readBootstrap(deps.path, deps.configYaml, registry);
  // What is wrong with a type that only all of them have is said better when it is known; and files may bring any type later.
  if (
    !read.ok ||
    read.value.unknownTypes.length > 0 ||
    read.value.clustersFrom !== undefined ||
    read.value.listenersFrom !== undefined
  ) {
    registry = await loadTypeRegistry();
    read = readBootstrap(deps.path, deps.configYaml, registry);
  }
  if (!read.ok) {
    for (const problem of read.error) log.error(problem);
    return 1;
  }
  const { value: bootstrap } = read;
  if (bootstrap.deprecated !== undefined) warnOfOldForm(deps, bootstrap.deprecated);
  const { metadata } = bootstrap;
  const stats = withFixedTags(bootstrap.stats, deps.statsTags);
  const { zone } = bootstrap.locality;
  const node = {
    id: deps.serviceNode === "" ? bootstrap.nodeId : deps.serviceNode,
    cluster: deps.serviceCluster === "" ? bootstrap.nodeCluster : deps.serviceCluster,
    metadata,
    locality: { ...bootstrap.locality, zone: deps.serviceZone === "" ? zone : deps.serviceZone },
  };
  if (deps.validateOnly) return validate(deps, bootstrap, registry);
  const localUri = () => "";
  const telemetry = roleTelemetry(
    deps,
    { self: workloadOfMetadata(metadata), metadata, localUri, traceProvider: bootstrap.traceProvider },
    deps.concurrency,
  );
  const exchange = node.id === "" ? undefined : { id: node.id, metadata: encodePeerMetadata(metadata) };
  const limits = shareLimits(bootstrap.overload, deps.concurrency);
  const folders: FolderLayersDeps = {
    layers: bootstrap.runtime.folders ?? [],
    serviceCluster: node.cluster,
    log: log.child("runtime"),
  };
  const runtime = createRuntime(bootstrap.runtime, readFolders(folders));
  const watching = watchFolders({ ...folders, clock, runtime });
  const { localCluster } = bootstrap;
  const place = localCluster === "" ? undefined : { cluster: localCluster, locality: localityName(node.locality) };
  const proxy = createProxy({
    memory: deps.memory,
    kernel: deps.kernel,
    clock,
    random: deps.random,
    uuid: deps.uuid,
    log,
    resolve: deps.resolve,
    mark: deps.mark,
    exchange,
    serviceCluster: node.cluster,
    ports: deps.concurrency > 1 ? "first" : "alone",
    limits,
    runtime,
    zone: place,
    ejections: ejectionLogTo(bootstrap.ejectionLog, telemetry, clock),
    drainMs: deps.drainMs,
    localUri,
    observe: telemetry.observe,
    observeListener: telemetry.observeListener,
  });
  proxy.start();
  const fleet = await deps.startFleet(deps.concurrency, {
    settings: {
      self: workloadOfMetadata(metadata),
      metadata,
      exchange,
      serviceCluster: node.cluster,
      drainMs: deps.drainMs,
      mark: deps.mark,
      limits,
      zone: place,
      ejectionLog: bootstrap.ejectionLog,
      runtime: bootstrap.runtime,
      traceProvider: bootstrap.traceProvider,
    },
    identity: () => ({ secrets: [], uri: "" }),
  });
  const resources = fleet.share(proxy.resources);
  const fixed = new Set<string>();
  for (const { typeUrl, resources: list } of bootstrap.resources) {
    for (const resource of list) fixed.add(`${typeUrl}|${resource.name}`);
    const problem = resources.apply(typeUrl, list, []);
    if (problem === undefined) continue;
    const all = staticRefusals(bootstrap.resources).map((one) => problemText([one]));
    refuse(deps, all.length === 0 ? [problem] : all);
    proxy.close();
    return 1;
  }
  const discovery = await createDiscovery({ ...deps, bootstrap, node, registry, clusters: proxy.clusters, resources });
  const problem = discovery.load();
  if (problem !== undefined) {
    refuse(deps, [problem]);
    proxy.close();
    return 1;
  }
  fleet.start();
  const running = proxy;
  discovery.start();
  let quit: () => void = () => undefined;
  const quitAsked = new Promise<void>((resolve) => {
    quit = resolve;
  });
  const startedMs = clock.monotonic();
  const statsSource: StatsSource = {
    proxy: running,
    fleet,
    view: createStatsView(stats),
    showsAll: false,
    facts: () => ({
      uptimeMs: clock.monotonic() - startedMs,
      notReady: undefined,
      draining: false,
      firstExpiryMs: firstExpiryMs(running, clock.now()),
      discovery: discovery.facts(),
    }),
  };
  const flushing = await startStatsFlush({
    sinks: bootstrap.statsSinks,
    settings: stats,
    intervalMs: bootstrap.statsFlushMs,
    clock,
    log: log.child("stats"),
    stats: () => fleetStats(statsSource),
    includes: (name) => statsSource.view.includes(name),
    bounds: (name) => statsSource.view.bounds(name),
    node,
    version: deps.version,
    env: deps.variable,
    clusterOf: (name) => proxy.clusters.get(name),
  });
  const reports = await startLoadReports(bootstrap, { ...deps, node, source: statsSource });
  const reopenLogs = () => {
    telemetry.reopenLogs();
    fleet.reopenLogs();
  };
  deps.onReopenLogs(reopenLogs);
  let admin: AdminServer | undefined;
  if (bootstrap.admin !== undefined) {
    admin = startAdminServer(
      {
        proxy: running,
        fleet,
        log,
        tap: fleet.tap(telemetry.tap),
        version: deps.version,
        startedMs: clock.now(),
        node: { ...node, locality: shownLocality(node.locality) },
        commandLine: {
          config_path: deps.path,
          config_yaml: deps.configYaml === "" ? "" : "[redacted]",
          service_zone: deps.serviceZone,
          admin_address_path: deps.adminAddressPath,
          drain_time: `${deps.drainMs / 1000}s`,
          mode: "Serve",
        },
        now: () => clock.now(),
        notReady: () => undefined,
        stats: statsSource,
        beforeStats: bootstrap.statsFlushMs === undefined ? () => flushing.flush() : undefined,
        exposition: () => fleetExposition(telemetry.registry, fleet),
        agentSecrets: () => [],
        bootstrap: () =>
          toJson(BootstrapSchema, bootstrap.message, { registry: bootstrap.types, useProtoFieldName: true }),
        isStatic: (held) => fixed.has(`${held.typeUrl}|${held.name}`),
        drainMs: deps.drainMs,
        after: (ms, act) => void clock.after(ms, act),
        onQuit: () => quit(),
        onAnswer: (request) => {
          for (const path of bootstrap.adminLogs) telemetry.writeLog(path, adminLogLine(request));
        },
        onDrain: (how) => {
          running.listeners.drain(how);
          fleet.drain(how);
        },
        onReopenLogs: reopenLogs,
      },
      bootstrap.admin.ip,
      bootstrap.admin.port,
    );
    if (deps.adminAddressPath !== "") tellAddress(deps, formatAddress({ ...bootstrap.admin, port: admin.port }));
  }
  log.info("proxy started", {
    listeners: [...running.listeners.all()].length,
    clusters: [...running.clusters.all()].length,
  });
  warnOfUnknownParts(log, deps.componentLevels);
  await Promise.race([deps.stop, quitAsked]);
  log.info("draining", { connections: running.listeners.connections, atMostMs: Math.min(deps.drainMs, STOP_MS) });
  const limitMs = Math.min(deps.drainMs, STOP_MS);
  const how = { closePorts: true };
  const others = fleet.end(how, 0, limitMs);
  const idle = await endListeners(running.listeners, how, clock, { notBeforeMs: 0, limitMs });
  await others;
  if (!idle)
    log.warn("connections are cut at the end of the drain time", { connections: running.listeners.connections });
  discovery.close();
  flushing.close();
  reports?.close();
  watching.close();
  await admin?.close();
  running.close();
  telemetry.closeLogs();
  return 0;
}

/** Undefined where nobody wants to know; the messages are loaded for those who do. */
async function startLoadReports(
  { loadServer }: Pick<BootstrapSettings, "loadServer">,
  { source, clock, log, node, version }: LoadReportsSurroundings,
): Promise<LoadReports | undefined> {
  if (loadServer === undefined) return undefined;
  const { proxy, fleet } = source;
  const { cluster, authority, metadata } = loadServer;
  const { createLoadReports } = await import("./telemetry/load-reports.ts");
  const reports = createLoadReports({
    server: { cluster, authority: authority === "" ? cluster : authority, metadata },
    clock,
    log: log.child("load-reports", { cluster }),
    node,
    version,
    clusterOf: (name) => proxy.clusters.get(name),
    loads: () => fleetLoads(proxy, fleet),
    count: (name) => void proxy.counts.set(name, (proxy.counts.get(name) ?? 0) + 1),
  });
  reports.start();
  return reports;
}

/** Source: `envoy.config.core.v3.Locality`, in which what is empty is left out. */
function shownLocality({ region, zone, subZone }: NodeLocality): JsonObject {
  const parts = { region, zone, sub_zone: subZone };
  return Object.fromEntries(Object.entries(parts).filter(([, text]) => text !== ""));
}

/** Source: Envoy `--admin-address-path`: a file that can't be written is told and no reason to end. */
function tellAddress({ adminAddressPath: path, log }: StaticProxyDeps, address: string): void {
  try {
    writeFileSync(path, address);
  } catch (error) {
    log.error("the admin port's address can't be written to the file of --admin-address-path", {
      path,
      error: error instanceof Error ? error.message : String(error),
    });
  }
}

function withFixedTags(settings: StatsSettings, tags: StaticFlags["statsTags"]): StatsSettings {
  const fixed = tags.map(({ name, value }) => ({ kind: "fixed", name, value }) as const);
  return fixed.length === 0 ? settings : { ...settings, tags: [...fixed, ...settings.tags] };
}

/** Decodes everything without opening a port. */
function validate(deps: StaticProxyDeps, bootstrap: BootstrapSettings, registry: Registry): number {
  const problems = staticRefusals(bootstrap.resources).map((one) => problemText([one]));
  for (const [typeUrl, from] of [
    [typeUrls.cluster, bootstrap.clustersFrom],
    [typeUrls.listener, bootstrap.listenersFrom],
  ] as const) {
    if (from?.kind !== "file") continue;
    try {
      for (const { name, bytes } of readResourceFile(from.path, typeUrl, registry)) {
        const decoded = decodeResource(typeUrl, bytes);
        if (!decoded.ok) problems.push(...decoded.error.map((one) => `${from.path}: ${name}: ${problemText([one])}`));
      }
    } catch (error) {
      problems.push(`${from.path}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (problems.length === 0) {
    deps.print(`configuration '${deps.path || "--config-yaml"}' OK\n`);
    return 0;
  }
  refuse(deps, problems);
  return 1;
}

function refuse(deps: StaticProxyDeps, problems: readonly string[]): void {
  for (const reason of problems) deps.log.error("the bootstrap is refused", { file: deps.path, reason });
}

/** An old file works; what it should look like goes to the log, so that it can be copied from there. */
function warnOfOldForm(deps: StaticProxyDeps, old: NonNullable<BootstrapSettings["deprecated"]>): void {
  deps.log.warn("the bootstrap is in Envoy's v2 form, which is deprecated; its v3 form follows", {
    file: deps.path,
    changes: old.changes.join("; "),
  });
  deps.complain(old.v3);
}
