import type { JsonObject } from "@bufbuild/protobuf";
import { credentials } from "@grpc/grpc-js";
import { workloadId } from "@heddle/identity";
import { typeUrls } from "@heddle/xds-api";
import { startAdminServer, startProbeServer } from "./admin/admin-server.ts";
import { startAgent } from "./agent/agent.ts";
import { registerAgentMetrics } from "./agent/agent-metrics.ts";
import type { AgentOptions } from "./agent/agent-options.ts";
import { watchAppHealth } from "./agent/app-health.ts";
import { parseAppProbers } from "./agent/app-probe.ts";
import { capturesDns, startCapturedDns } from "./agent/dns-capture.ts";
import { sidecarStats } from "./agent/istio-stats.ts";
import { parseAppMetrics } from "./agent/merged-metrics.ts";
import { withNameTable } from "./agent/name-table.ts";
import { jsonObject } from "./agent/node-identity.ts";
import { statsdAddress } from "./agent/statsd-address.ts";
import { startStatusServer } from "./agent/status-server.ts";
import type { WorkloadSecret } from "./agent/workload-certificate.ts";
import { udpStatsd } from "./config/stats-sinks.ts";
import type { KeyPair, ValidationConfig } from "./config/tls-context.ts";
import { endListeners } from "./end-listeners.ts";
import type { DrainOptions } from "./listener/listener-set.ts";
import { runtimeLimit, shareLimits, sidecarLimits, sidecarRuntime } from "./overload/overload-config.ts";
import { createProxy } from "./proxy.ts";
import { type FirstRoleDeps, roleTelemetry } from "./role.ts";
import { createRuntime } from "./runtime/runtime.ts";
import { createStatsView } from "./telemetry/stats/stats-view.ts";
import { encodePeerMetadata, workloadOfMetadata } from "./telemetry/workload.ts";
import { fleetExposition, fleetMetrics, fleetStats, type StatsSource } from "./workers/fleet-pages.ts";
import type { LocalSecret } from "./workers/messages.ts";
import { type AdsClient, createAdsClient } from "./xds/ads-client.ts";

export interface SidecarDeps extends FirstRoleDeps {
  readonly options: AgentOptions;
  /** Limit of the container; undefined: none. Units: bytes. */
  readonly memoryLimitBytes: number | undefined;
}

const ADMIN_PORT = 15000;
const METRICS_PORT = 15090;
const READINESS_PORT = 15021;
/** SDS names that the agent serves itself. */
const CERTIFICATE = "default";
const ROOTS = "ROOTCA";
/** How the control plane is told of the application's health. Source: istio pkg/model/xds.go. */
const HEALTH_TYPE = "type.googleapis.com/istio.v1.HealthInformation";
/** Source: Envoy `stats_flush_interval`. Units: ms. */
const STATS_FLUSH_MS = 5000;
/** Source: Istio `drainDuration`. Units: ms. */
const LISTENER_DRAIN_MS = 45_000;

/** Role of the sidecar with the built-in data plane: certificate → discovery stream → listeners. Gives the exit code. */
export async function runSidecar(deps: SidecarDeps): Promise<number> {
  const { options, clock, log } = deps;
  const startedMs = clock.now();
  const agent = await startAgent(deps);
  const metadata = jsonObject(agent.node.metadata);
  const id = workloadId(options);
  const localUri = () => (agent.certificate.current !== undefined && id.ok ? id.value : "");
  const telemetry = roleTelemetry(deps, { self: workloadOfMetadata(metadata), metadata, localUri }, deps.concurrency);
  const exchange = { id: agent.node.id, metadata: encodePeerMetadata(metadata) };
  const { value: maxConnections, problem: wrongLimit } = runtimeLimit(options.proxyConfig);
  if (wrongLimit !== undefined) log.error(wrongLimit);
  const limits = shareLimits(sidecarLimits(deps.memoryLimitBytes, maxConnections), deps.concurrency);
  const runtime = sidecarRuntime(options.proxyConfig);
  const proxy = createProxy({
    ...deps,
    runtime: createRuntime(runtime),
    exchange,
    serviceCluster: agent.node.cluster,
    ports: deps.concurrency > 1 ? "first" : "alone",
    limits,
    drainMs: LISTENER_DRAIN_MS,
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
      serviceCluster: agent.node.cluster,
      drainMs: LISTENER_DRAIN_MS,
      mark: deps.mark,
      limits,
      runtime,
    },
    identity: () => ({ secrets: localSecrets(agent.certificate.current), uri: localUri() }),
  });
  const resources = fleet.share(proxy.resources);
  fleet.start();
  const dns = capturesDns(options)
    ? await startCapturedDns({ ...deps, registry: telemetry.registry, log: log.child("dns") })
    : undefined;
  let ads: AdsClient | undefined;
  let problemReported: { readonly problem: string | undefined } | undefined;
  agent.certificate.onSecret((secret) => {
    proxy.secrets.setCertificate(CERTIFICATE, certificateOf(secret));
    proxy.secrets.setValidation(ROOTS, validationOf(secret));
    fleet.identityChanged();
    if (ads !== undefined) return;
    ads = createAdsClient({
      address: options.discoveryAddress,
      node: { id: agent.node.id, cluster: agent.node.cluster, metadata },
      version: deps.version,
      resources: dns === undefined ? resources : withNameTable(dns.setNames, resources),
      types: [typeUrls.cluster, typeUrls.listener, ...(dns === undefined ? [] : [typeUrls.nameTable])],
      clock,
      random: deps.random,
      log: log.child("xds"),
      localSecrets: new Set([CERTIFICATE, ROOTS]),
      credentials: () => streamCredentials(agent.certificate.current ?? secret),
    });
    ads.start();
    if (problemReported !== undefined) ads.report(HEALTH_TYPE, problemReported.problem);
  });
  const health = watchAppHealth({
    probe: options.proxyConfig["readinessProbe"],
    ip: options.podIp,
    clock,
    log: log.child("health"),
    onChange: (problem) => {
      problemReported = { problem };
      ads?.report(HEALTH_TYPE, problem);
    },
  });

  let ending = false;
  const agentMetrics = registerAgentMetrics({
    registry: telemetry.registry,
    clock,
    certificate: agent.certificate,
    addresses: { authority: options.caAddress, discovery: options.discoveryAddress },
    discovery: () => ads?.traffic,
    variable: deps.variable,
  });
  const notReady = agentMetrics.watchReady(() => {
    if (ending) return "the sidecar is draining";
    if (agent.certificate.current === undefined) return "the workload has no certificate yet";
    const { received } = proxy.resources;
    if (!received.has(typeUrls.cluster)) return "no clusters have arrived yet";
    return received.has(typeUrls.listener) ? undefined : "no listeners have arrived yet";
  });
  // As where Envoy's own listener answers the probe, and goes with the others: the pod then is no endpoint any more.
  let portsClosed = false;
  const probeNotReady = () => (portsClosed ? "the sidecar's listeners are closed" : notReady());
  let quit: () => void = () => undefined;
  const quitAsked = new Promise<void>((resolve) => {
    quit = resolve;
  });
  const build = { name: "istio_build", help: "Istio component build info", labels: ["component", "tag"] };
  telemetry.registry.gauge(build).with("proxy", deps.version).value = 1;
  // Istio's dashboards count by it the proxies that a control plane reaches.
  proxy.ownConnections.set("xds-grpc", () => (ads?.connected === true ? 1 : 0));
  const statsSettings = sidecarStats(options, agent.annotations, log);
  const statsSource: StatsSource = {
    proxy,
    fleet,
    view: createStatsView(statsSettings),
    // Who debugs a pod wants to see everything, and it costs nothing until then.
    showsAll: true,
    facts: () => ({
      uptimeMs: clock.now() - startedMs,
      notReady: notReady(),
      draining: ending,
      firstExpiryMs: (agent.certificate.current?.notAfterMs ?? clock.now()) - clock.now(),
      discovery: ads?.facts(),
    }),
  };
  const metrics = () => fleetMetrics(telemetry.registry, statsSource);
  const statsd = statsdAddress(options.proxyConfig, log);
  const flushing =
    statsd === undefined
      ? undefined
      : await (await import("./telemetry/stats-flush.ts")).startStatsFlush({
          sinks: [udpStatsd(statsd)],
          settings: statsSettings,
          intervalMs: STATS_FLUSH_MS,
          clock,
          log: log.child("stats"),
          stats: () => fleetStats(statsSource),
          includes: (name) => statsSource.view.includes(name),
          bounds: (name) => statsSource.view.bounds(name),
          node: { id: agent.node.id, cluster: agent.node.cluster, metadata },
          version: deps.version,
          env: deps.variable,
          clusterOf: (name) => proxy.clusters.get(name),
        });
  const { probers, problem } = parseAppProbers(options.appProbers);
  if (problem !== undefined) log.error(problem);
  const drain = (how: DrainOptions = {}) => {
    portsClosed ||= how.closePorts === true && how.inboundOnly !== true;
    proxy.listeners.drain(how);
    fleet.drain(how);
  };
  const reopenLogs = () => {
    telemetry.reopenLogs();
    fleet.reopenLogs();
  };
  deps.onReopenLogs(reopenLogs);
  const status = startStatusServer({
    statusPort: options.statusPort,
    readinessPort: READINESS_PORT,
    podIp: options.podIp,
    probers,
    appMetrics: parseAppMetrics(options.appMetrics),
    log,
    notReady: probeNotReady,
    metrics,
    onQuit: () => quit(),
    onDrain: () => drain(),
  });
  const admin = startAdminServer(
    {
      proxy,
      fleet,
      log,
      tap: fleet.tap(telemetry.tap),
      version: deps.version,
      startedMs,
      node: { id: agent.node.id, cluster: agent.node.cluster, metadata },
      now: () => clock.now(),
      notReady,
      stats: statsSource,
      exposition: () => fleetExposition(telemetry.registry, fleet),
      agentSecrets: () => agentSecrets(agent.certificate.current),
      bootstrap: () => ({ node: { id: agent.node.id, cluster: agent.node.cluster, metadata } }),
      isStatic: () => false,
      drainMs: LISTENER_DRAIN_MS,
      after: (ms, act) => void clock.after(ms, act),
      onQuit: () => quit(),
      onDrain: drain,
      onReopenLogs: reopenLogs,
    },
    "127.0.0.1",
    ADMIN_PORT,
  );
  const scrape = startProbeServer({ metrics, notReady: probeNotReady }, "0.0.0.0", METRICS_PORT);

  await Promise.race([deps.stop, quitAsked]);
  ending = true;
  log.info("draining", { connections: proxy.listeners.connections, atMostMs: options.terminationDrainMs });
  // Services still send here until their endpoints are updated, so a moment without connections proves little at first.
  const notBeforeMs = 1000;
  const others = fleet.end({}, notBeforeMs, options.terminationDrainMs);
  await endListeners(proxy.listeners, {}, clock, { notBeforeMs, limitMs: options.terminationDrainMs });
  await others;
  health?.close();
  flushing?.close();
  ads?.close();
  await dns?.close();
  agent.close();
  proxy.close();
  await Promise.all([status.close(), admin.close(), scrape.close()]);
  telemetry.closeLogs();
  return 0;
}

function streamCredentials(secret: WorkloadSecret) {
  return credentials.createSsl(Buffer.from(secret.roots), Buffer.from(secret.key), Buffer.from(secret.chain));
}

function certificateOf(secret: WorkloadSecret): KeyPair {
  return { certificateChain: secret.chain, privateKey: secret.key };
}

function validationOf(secret: WorkloadSecret): ValidationConfig {
  return { trustedCa: secret.roots, sans: [], acceptUntrusted: false };
}

/** The agent's secrets as workers get them. */
function localSecrets(secret: WorkloadSecret | undefined): LocalSecret[] {
  if (secret === undefined) return [];
  return [
    { kind: "certificate", name: CERTIFICATE, pair: certificateOf(secret) },
    { kind: "validation", name: ROOTS, validation: validationOf(secret) },
  ];
}

/** The agent's secrets as Envoy's config dump shows them. */
function agentSecrets(secret: WorkloadSecret | undefined): JsonObject[] {
  if (secret === undefined) return [];
  const type = typeUrls.secret;
  const bytes = (text: string) => Buffer.from(text, "utf8").toString("base64");
  const updated = { version_info: "agent", last_updated: new Date(0).toISOString() };
  return [
    {
      name: CERTIFICATE,
      ...updated,
      secret: {
        "@type": type,
        name: CERTIFICATE,
        tls_certificate: {
          certificate_chain: { inline_bytes: bytes(secret.chain) },
          private_key: { inline_bytes: bytes("[redacted]") },
        },
      },
    },
    {
      name: ROOTS,
      ...updated,
      secret: { "@type": type, name: ROOTS, validation_context: { trusted_ca: { inline_bytes: bytes(secret.roots) } } },
    },
  ];
}
