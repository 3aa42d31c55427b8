import { chmod, mkdir, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { credentials } from "@grpc/grpc-js";
import { type Clock, createMetricsRegistry, type Logger } from "@heddle/std";
import { startAgent } from "./agent.ts";
import type { AgentOptions } from "./agent-options.ts";
import { parseAppProbers } from "./app-probe.ts";
import { createDiscoveryRelay } from "./discovery-relay.ts";
import { serveOnSocket } from "./envoy-socket.ts";
import { grpcBootstrap, grpcFiles } from "./grpc-bootstrap.ts";
import { parseAppMetrics } from "./merged-metrics.ts";
import { startStatusServer } from "./status-server.ts";
import type { WorkloadSecret } from "./workload-certificate.ts";

const READINESS_PORT = 15021;
const CERTIFICATE_FOLDER = "/var/lib/istio/data";

export interface GrpcAgentDeps {
  readonly options: AgentOptions;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly version: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Settles when the process is asked to end. */
  readonly stop: Promise<void>;
  /** Default: 15021. */
  readonly readinessPort?: number;
}

/**
 * Role of the sidecar beside a gRPC application without proxy (template `grpc-agent`): certificate files that stay fresh, the bootstrap
 * file, and the way to the control plane on a unix socket. No traffic passes here. Gives the exit code.
 */
export async function runGrpcAgent(deps: GrpcAgentDeps): Promise<number> {
  const { options, log, clock, env } = deps;
  const agent = await startAgent(deps);
  const files = grpcFiles(
    options.files.configFolder,
    env["OUTPUT_CERTS"] || CERTIFICATE_FOLDER,
    env["GRPC_XDS_BOOTSTRAP"] || undefined,
  );
  const relay = createDiscoveryRelay({
    address: options.discoveryAddress,
    credentials: () => {
      const secret = agent.certificate.current;
      if (secret === undefined) throw new Error("the workload has no certificate yet");
      return credentials.createSsl(Buffer.from(secret.roots), Buffer.from(secret.key), Buffer.from(secret.chain));
    },
    log: log.child("xds"),
  });
  let socket: { close(): void } | undefined;
  let problem: string | undefined = "the workload has no certificate yet";
  let writing = Promise.resolve();
  agent.certificate.onSecret((secret) => {
    // One after the other: an older certificate must not overwrite a newer one.
    writing = writing
      .then(async () => {
        await writeCertificates(files, secret);
        if (socket !== undefined) return;
        socket = await serveOnSocket(files.socket, [relay.service]);
        // The application runs as another user; nobody outside of the pod sees the folder.
        await chmod(files.socket, 0o666);
        // Last, because applications wait for this file.
        await replaceFile(
          files.bootstrap,
          `${JSON.stringify(grpcBootstrap(agent.node, files), undefined, 2)}\n`,
          0o644,
        );
        problem = undefined;
        log.info("gRPC applications of this pod can start", { bootstrap: files.bootstrap });
      })
      .catch((error: unknown) => {
        problem = `files for gRPC can't be written: ${error instanceof Error ? error.message : String(error)}`;
        log.error(problem);
      });
  });
  const registry = createMetricsRegistry();
  const streams = registry
    .gauge({ name: "istio_agent_num_xds_streams", help: "Discovery streams of the pod's applications.", labels: [] })
    .with();
  registry.onCollect(() => {
    streams.value = relay.streams;
  });
  const { probers, problem: wrongProbers } = parseAppProbers(options.appProbers);
  if (wrongProbers !== undefined) log.error(wrongProbers);
  let quit: () => void = () => undefined;
  const quitAsked = new Promise<void>((resolve) => {
    quit = resolve;
  });
  const status = startStatusServer({
    statusPort: options.statusPort,
    readinessPort: deps.readinessPort ?? READINESS_PORT,
    podIp: options.podIp,
    probers,
    appMetrics: parseAppMetrics(options.appMetrics),
    log,
    notReady: () => problem,
    metrics: () => Promise.resolve(registry.expose()),
    onQuit: () => quit(),
    onDrain: () => undefined,
  });
  await Promise.race([deps.stop, quitAsked]);
  await new Promise<void>((resolve) => void clock.after(options.terminationDrainMs, resolve));
  await status.close();
  relay.close();
  socket?.close();
  agent.close();
  return 0;
}

async function writeCertificates(files: ReturnType<typeof grpcFiles>, secret: WorkloadSecret): Promise<void> {
  await replaceFile(files.roots, secret.roots, 0o644);
  // Key and chain change together; libraries that read between the two see a mismatch and read again.
  await replaceFile(files.privateKey, secret.key, 0o640);
  await replaceFile(files.certificateChain, secret.chain, 0o644);
}

/** Readers see the old content or the new, never a part. */
async function replaceFile(path: string, text: string, mode: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const next = `${path}.next`;
  await writeFile(next, text, { mode });
  await rename(next, path);
}
