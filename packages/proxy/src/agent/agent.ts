import { readFile } from "node:fs/promises";
import { type Clock, createBackoff, type Logger } from "@heddle/std";
import type { AgentOptions } from "./agent-options.ts";
import { createAuthorityClient } from "./certificate-authority-client.ts";
import { type NodeIdentity, nodeIdentity, parseDownward } from "./node-identity.ts";
import { keepIssued, readProvisioned } from "./provisioned-certificate.ts";
import { createWorkloadCertificate, type WorkloadCertificate, type WorkloadSecret } from "./workload-certificate.ts";

/** The parts of the agent that every data plane needs: who the proxy is, and its certificate. */
export interface Agent {
  readonly node: NodeIdentity;
  /** Of the pod. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly certificate: WorkloadCertificate;
  close(): void;
}

export interface AgentDeps {
  readonly options: AgentOptions;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly version: string;
}

/** Reads the pod's labels, waits for the mounted root to exist, and starts asking for a certificate. */
export async function startAgent(deps: AgentDeps): Promise<Agent> {
  const { options, log } = deps;
  const { files } = options;
  const downward = async (file: string) => parseDownward(await readFile(file, "utf8").catch(() => ""));
  const annotations = await downward(files.podAnnotations);
  const node = nodeIdentity(
    options,
    { ...options.labels, ...(await downward(files.podLabels)) },
    annotations,
    deps.version,
  );
  const certificate: WorkloadCertificate = createWorkloadCertificate({
    authority: createAuthorityClient({
      address: options.caAddress,
      tokenFile: files.token,
      clusterId: options.meta["CLUSTER_ID"] ?? "Kubernetes",
      rootFile: files.rootCertificate,
      ...(options.renewByCertificate ? { held: () => certificate.current ?? readProvisioned(files.provisioned) } : {}),
    }),
    identity: options,
    ttlSeconds: options.certificateTtlSeconds,
    graceRatio: options.certificateGraceRatio,
    clock: deps.clock,
    random: deps.random,
    log: log.child("certificate"),
    readRoots: () => readFile(files.rootCertificate, "utf8"),
  });
  if (files.output !== "") certificate.onSecret((secret) => keep(files.output, secret, log));
  certificate.start();
  return { node, annotations, certificate, close: () => certificate.close() };
}

function keep(folder: string, secret: WorkloadSecret, log: Logger): void {
  try {
    keepIssued(folder, secret);
  } catch (error) {
    log.error("the issued certificate can't be kept (OUTPUT_CERTS); the next start needs one that is still valid", {
      folder,
      error: error instanceof Error ? error.message : String(error),
    });
  }
}

/** Runs `start` again and again when what it started ends, waiting longer each time; a run of a minute counts as healthy. */
export async function keepRunning(
  start: () => Promise<number>,
  deps: { readonly clock: Clock; readonly random: () => number; readonly log: Logger; readonly stopped: () => boolean },
): Promise<void> {
  const backoff = createBackoff({ baseMs: 200, maxMs: 30_000, minMs: 100 }, deps.random);
  while (!deps.stopped()) {
    const began = deps.clock.monotonic();
    const ended = await start().then(
      (code) => `ended with exit code ${code}`,
      (error: unknown) => `could not be started: ${error instanceof Error ? error.message : error}`,
    );
    if (deps.stopped()) return;
    if (deps.clock.monotonic() - began > 60_000) backoff.reset();
    const delay = backoff.next();
    deps.log.error(`the data plane ${ended}; trying again`, { inMs: Math.round(delay) });
    await new Promise<void>((resolve) => void deps.clock.after(delay, resolve));
  }
}
