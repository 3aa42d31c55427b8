import { join } from "node:path";
import { workloadId } from "@heddle/identity";
import { type Clock, createMetricsRegistry, type Logger } from "@heddle/std";
import { tapForbidden } from "../admin/tap-page.ts";
import { IDLE_VARIABLE, idleTime } from "../telemetry/idle-series.ts";
import { createTapFeed } from "../telemetry/tap-feed.ts";
import { workloadOfMetadata } from "../telemetry/workload.ts";
import { accessLogService } from "./access-log-service.ts";
import { keepRunning, startAgent } from "./agent.ts";
import { registerAgentMetrics } from "./agent-metrics.ts";
import type { AgentOptions } from "./agent-options.ts";
import { parseAppProbers } from "./app-probe.ts";
import { capturesDns, startCapturedDns } from "./dns-capture.ts";
import { envoyBootstrap } from "./envoy-bootstrap.ts";
import { createEnvoyMetrics } from "./envoy-metrics.ts";
import { type EnvoyProcess, runEnvoy } from "./envoy-process.ts";
import { serveOnSocket } from "./envoy-socket.ts";
import { serveEnvoyTap } from "./envoy-tap.ts";
import { parseAppMetrics } from "./merged-metrics.ts";
import { createNameClient } from "./name-client.ts";
import { jsonObject } from "./node-identity.ts";
import { secretService } from "./secret-discovery.ts";
import { statsdAddress } from "./statsd-address.ts";
import { startStatusServer } from "./status-server.ts";
import { allListenersStopped, LISTENER_COUNTS } from "./stopped-listeners.ts";

const READINESS_PORT = 15021;
/** Envoy goes through all of its statistics for it. */
const LISTENERS_LOOK_MS = 5000;

export interface EnvoySidecarDeps {
  readonly options: AgentOptions;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly version: string;
  readonly logLevel: string;
  /** `http:debug,pool:trace`; "" leaves all loggers at `logLevel`. */
  readonly componentLogLevel: string;
  /** Socket mark for rootless nodes. */
  readonly mark: number | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly concurrency: number;
  /** Settles when the process is asked to end. */
  readonly stop: Promise<void>;
}

/** Role of the sidecar where the data plane is real Envoy: certificates by SDS, bootstrap, supervision, status. Gives the exit code. */
export async function runEnvoySidecar(deps: EnvoySidecarDeps): Promise<number> {
  const { options, log, clock, random } = deps;
  const agent = await startAgent(deps);
  const socketPath = join(options.files.configFolder, "SDS");
  const registry = createMetricsRegistry();
  const id = workloadId(options);
  const metrics = createEnvoyMetrics({
    registry,
    idle: idleTime(deps.env[IDLE_VARIABLE], 1, clock, log),
    self: workloadOfMetadata(agent.node.metadata),
    node: { id: agent.node.id, cluster: agent.node.cluster, metadata: agent.node.metadata },
    localUri: () => (id.ok ? id.value : ""),
  });
  const feed = createTapFeed();
  const socket = await serveOnSocket(socketPath, [
    secretService(agent.certificate, log.child("sds")),
    accessLogService(metrics, feed),
  ]);
  const tap = serveEnvoyTap(feed, tapForbidden(jsonObject(agent.node.metadata)), () => clock.now());
  const agentMetrics = registerAgentMetrics({
    registry,
    clock,
    certificate: agent.certificate,
    addresses: { authority: options.caAddress, discovery: options.discoveryAddress },
    discovery: () => undefined,
    variable: (name) => deps.env[name],
  });
  const dns = capturesDns(options) ? await startCapturedDns({ ...deps, registry, log: log.child("dns") }) : undefined;
  const names =
    dns === undefined
      ? undefined
      : createNameClient({ ...deps, address: options.discoveryAddress, agent, onTable: dns.setNames });
  const { probers, problem } = parseAppProbers(options.appProbers);
  if (problem) log.error(problem);
  let envoy: EnvoyProcess | undefined;
  let envoyReady = false;
  let portsClosed = false;
  let ending = false;
  const poll = clock.every(500, () => {
    void envoy?.admin("/ready").then((answer) => {
      envoyReady = answer?.status === 200;
    });
  });
  // Who drains Envoy by its admin port takes the pod out of its Services, as where Envoy's own listener answers the probe.
  const drainPoll = clock.every(LISTENERS_LOOK_MS, () => {
    void envoy?.admin(LISTENER_COUNTS).then((answer) => {
      portsClosed = allListenersStopped(answer?.text ?? "");
    });
  });
  let quit: () => void = () => undefined;
  const quitAsked = new Promise<void>((resolve) => {
    quit = resolve;
  });
  const status = startStatusServer({
    statusPort: options.statusPort,
    readinessPort: READINESS_PORT,
    podIp: options.podIp,
    probers,
    appMetrics: parseAppMetrics(options.appMetrics),
    log,
    notReady: agentMetrics.watchReady(() => {
      if (!agent.certificate.current) return "the workload has no certificate yet";
      if (ending) return "the sidecar is draining";
      if (portsClosed) return "Envoy's listeners are closed";
      return envoyReady ? undefined : "Envoy has no configuration yet";
    }),
    metrics: async () => `${(await envoy?.admin("/stats/prometheus"))?.text ?? ""}${registry.expose()}`,
    onQuit: () => quit(),
    onDrain: () => void envoy?.admin("/drain_listeners?graceful", "POST"),
  });
  const statsd = statsdAddress(options.proxyConfig, log);
  const running = keepRunning(
    async () => {
      envoyReady = false;
      envoy = await runEnvoy({
        program: deps.env["HEDDLE_ENVOY"] ?? "envoy",
        bootstrap: envoyBootstrap(options, agent.node, socketPath, deps.mark, agent.annotations, statsd),
        folder: options.files.configFolder,
        concurrency: deps.concurrency,
        logLevel: deps.logLevel,
        componentLogLevel: deps.componentLogLevel,
        log,
      });
      return envoy.exited;
    },
    { clock, random, log, stopped: () => ending },
  );
  await Promise.race([deps.stop, quitAsked, running]);
  ending = true;
  await envoy?.admin("/drain_listeners?graceful", "POST");
  await new Promise<void>((resolve) => void clock.after(options.terminationDrainMs, resolve));
  envoy?.stop();
  await running;
  poll.cancel();
  drainPoll.cancel();
  await status.close();
  await tap.close();
  socket.close();
  names?.close();
  await dns?.close();
  agent.close();
  return 0;
}
