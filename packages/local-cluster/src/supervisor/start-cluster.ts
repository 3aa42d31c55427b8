import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ClusterNetworkPlan } from "../contract/index.ts";
import { type NetworkChoice, networkPlan, networkProblem } from "../network/index.ts";
import { linkFiles, readLinkState } from "../wan/index.ts";
import { ClusterProblem, errorCode, fileProblem } from "./cluster-problem.ts";
import type { ClusterRecord, PhaseTime } from "./cluster-record.ts";
import { createHostResolver } from "./host-resolver.ts";
import { kubeconfigText } from "./kubeconfig.ts";
import { createNamespaceLauncher } from "./namespaces.ts";
import {
  type AdminAccess,
  NODE_CONFIG_VARIABLE,
  type NodeConfig,
  type NodeMessage,
  readMessages,
  sendMessage,
} from "./node-link.ts";
import { createNodePortListeners } from "./node-port-listeners.ts";
import { type ClusterRegistry, createRegistry } from "./registry.ts";
import { type ClusterFiles, stateDirectory } from "./state-directory.ts";
import { type HostListener, openHostListener } from "./tunnel.ts";

export interface StartOptions {
  /** Default: `heddle`. */
  readonly name?: string;
  readonly network?: NetworkChoice;
  /** Port of the API on 127.0.0.1. Default: 16443 + index, or any free one where that is taken. */
  readonly apiPort?: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
  /** Called as each phase ends. */
  readonly onPhase?: (phase: PhaseTime) => void;
  /** Something the user should know while the cluster runs (a NodePort that is taken, say). */
  readonly onWarning?: (sentence: string) => void;
}

/** A cluster that lives as long as this process, or until `close`. */
export interface RunningCluster {
  readonly name: string;
  readonly index: number;
  readonly plan: ClusterNetworkPlan;
  readonly apiUrl: string;
  readonly kubeconfig: string;
  readonly logDirectory: string;
  readonly phases: readonly PhaseTime[];
  /** Why other clusters can't be reached from here; undefined when they can. */
  lineProblem(): string | undefined;
  /** Leads 127.0.0.1:`hostPort` (0 chooses) to an address inside: a pod, a ClusterIP, the node. */
  forward(ip: string, port: number, hostPort?: number): Promise<HostListener>;
  /** Settles when the cluster is gone; with a sentence when nobody asked for that. */
  readonly ended: Promise<string | undefined>;
  /** Ends the cluster and removes everything. Idempotent. */
  close(): Promise<void>;
}

const DEFAULT_NAME = "heddle";
const FIRST_API_PORT = 16443;
const READY_MS = 60_000;
/** Pods get a moment to end by themselves; then the kernel ends all. */
const STOP_MS = 4000;

/**
 * Starts a cluster in its own namespaces and waits until its API serves and its node is ready.
 * Errors: rejects with `ClusterProblem` (a sentence with the next step) for everything the user can mend.
 */
export async function startCluster(options: StartOptions): Promise<RunningCluster> {
  const problem = networkProblem(options.network ?? {});
  if (problem !== undefined) throw new ClusterProblem(problem);
  const state = stateDirectory(options.env, options.uid);
  const registry = createRegistry(state);
  const launcher = createNamespaceLauncher(options.uid);
  const reserved = await registry.reserve(options.name ?? DEFAULT_NAME);
  const record = { ...reserved, ...(options.network === undefined ? {} : { network: options.network }) };
  const files = state.cluster(record.name);
  const host = new ClusterHost(options, registry, record, files);
  try {
    await host.start(launcher);
    return host;
  } catch (error) {
    await host.abandon();
    throw error;
  }
}

class ClusterHost implements RunningCluster {
  readonly name: string;
  readonly index: number;
  readonly plan: ClusterNetworkPlan;
  readonly kubeconfig: string;
  readonly logDirectory: string;
  readonly phases: PhaseTime[] = [];
  readonly ended: Promise<string | undefined>;
  apiUrl = "";
  readonly #options: StartOptions;
  readonly #registry: ClusterRegistry;
  readonly #record: ClusterRecord;
  readonly #files: ClusterFiles;
  readonly #listeners: { close(): Promise<void> }[] = [];
  #node: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;
  #settleEnded: (reason: string | undefined) => void = () => undefined;

  constructor(options: StartOptions, registry: ClusterRegistry, record: ClusterRecord, files: ClusterFiles) {
    this.#options = options;
    this.#registry = registry;
    this.#record = record;
    this.#files = files;
    this.name = record.name;
    this.index = record.index;
    this.plan = networkPlan(record.index, options.network);
    this.kubeconfig = files.kubeconfig;
    this.logDirectory = files.logs;
    this.ended = new Promise((resolve) => {
      this.#settleEnded = resolve;
    });
  }

  async start(launcher: ReturnType<typeof createNamespaceLauncher>): Promise<void> {
    const started = performance.now();
    const access = await this.#launchNode(launcher);
    const listener = await this.#openApi();
    this.apiUrl = `https://127.0.0.1:${listener.port}`;
    try {
      writeFileSync(this.kubeconfig, kubeconfigText(this.name, this.apiUrl, access), { mode: 0o600 });
    } catch (error) {
      throw fileProblem(this.kubeconfig, error);
    }
    this.#phase({ phase: "total", ms: performance.now() - started });
    this.#registry.update({ ...this.#record, status: "ready", apiUrl: this.apiUrl, phases: this.phases });
  }

  #launchNode(launcher: ReturnType<typeof createNamespaceLauncher>): Promise<AdminAccess> {
    const config: NodeConfig = {
      name: this.name,
      index: this.index,
      network: this.#options.network ?? {},
      directory: this.#files.directory,
      rootless: launcher.rootless,
      logDirectory: this.#files.logs,
      nodeDirectory: this.#files.node,
      tunnelSocket: this.#files.tunnel,
    };
    const program = fileURLToPath(new URL("../node-main.ts", import.meta.url));
    const [file = "", ...args] = launcher.command([process.execPath, program]);
    const log = openSync(join(this.#files.logs, "node.log"), "a", 0o600);
    const node = spawn(file, args, {
      cwd: "/",
      env: { ...this.#options.env, [NODE_CONFIG_VARIABLE]: JSON.stringify(config) },
      stdio: ["pipe", "pipe", log],
      // Its own session: Ctrl-C reaches this process only, which then ends the cluster in order.
      detached: true,
    });
    closeSync(log);
    this.#node = node;
    node.stdin?.on("error", () => undefined);
    return this.#awaitReady(node);
  }

  #awaitReady(node: ChildProcess): Promise<AdminAccess> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(this.#failure(`did not become ready in ${READY_MS / 1000} s`)), READY_MS);
      this.#exited = new Promise((exited) => {
        const onEnd = (how: string) => {
          clearTimeout(timer);
          reject(this.#failure(`ended before it was ready (${how})`));
          this.#settleEnded(
            this.#closing === undefined ? this.#failure(`ended by itself (${how})`).message : undefined,
          );
          exited();
        };
        node.once("error", (error) => onEnd(error.message));
        node.once("exit", (code, signal) => onEnd(signal === null ? `exit code ${code}` : `signal ${signal}`));
      });
      if (node.stdout === null) return;
      const handle = this.#messageHandler(
        node,
        (access) => {
          clearTimeout(timer);
          resolve(access);
        },
        (message) => {
          clearTimeout(timer);
          reject(new ClusterProblem(message));
        },
      );
      readMessages<NodeMessage>(node.stdout, handle, () => undefined);
    });
  }

  #messageHandler(node: ChildProcess, onReady: (access: AdminAccess) => void, onFailed: (message: string) => void) {
    const resolver = createHostResolver();
    const reply = (message: Parameters<typeof sendMessage>[1]) => {
      if (node.stdin !== null) sendMessage(node.stdin, message);
    };
    const nodePorts = createNodePortListeners(this.#files.tunnel, this.plan, (port, reason) => {
      if (reason === undefined) return reply({ kind: "node-port-opened", ...port });
      this.#options.onWarning?.(`Service ${port.service}: ${reason}`);
      reply({ kind: "node-port-failed", ...port, reason });
    });
    this.#listeners.push(nodePorts);
    return (message: NodeMessage): void => {
      switch (message.kind) {
        case "phase":
          this.#phase({ phase: message.phase, ms: message.ms });
          break;
        case "ready":
          onReady(message);
          break;
        case "failed":
          onFailed(message.message);
          break;
        case "node-ports":
          nodePorts.replace(message.ports);
          break;
        case "resolve":
          void resolver.resolve(Buffer.from(message.packet, "base64")).then((answer) => {
            const packet = answer === undefined ? {} : { packet: Buffer.from(answer).toString("base64") };
            reply({ kind: "resolved", id: message.id, ...packet });
          });
      }
    };
  }

  #phase(phase: PhaseTime): void {
    this.phases.push(phase);
    this.#options.onPhase?.(phase);
  }

  async #openApi(): Promise<HostListener> {
    const target = `${this.plan.nodeIp}:${this.plan.apiPort}`;
    const chosen = this.#options.apiPort;
    const open = (port: number) => openHostListener(this.#files.tunnel, port, target);
    try {
      const listener = await open(chosen ?? FIRST_API_PORT + this.index);
      this.#listeners.push(listener);
      return listener;
    } catch (error) {
      if (errorCode(error) !== "EADDRINUSE") throw error;
      if (chosen !== undefined)
        throw new ClusterProblem(`port ${chosen} of 127.0.0.1 is in use: choose another --port, or leave it out`);
      const listener = await open(0);
      this.#listeners.push(listener);
      return listener;
    }
  }

  lineProblem(): string | undefined {
    return readLinkState(linkFiles(this.#files.directory).state)?.problem;
  }

  async forward(ip: string, port: number, hostPort = 0): Promise<HostListener> {
    const listener = await openHostListener(this.#files.tunnel, hostPort, `${ip}:${port}`);
    this.#listeners.push(listener);
    return listener;
  }

  close(): Promise<void> {
    this.#closing ??= this.#shutDown().then(() => this.#registry.remove(this.name));
    return this.#closing;
  }

  /** After a failed start: everything ends, the logs stay for reading. */
  async abandon(): Promise<void> {
    this.#closing ??= this.#shutDown();
    await this.#closing;
    rmSync(this.#files.record, { force: true });
  }

  async #shutDown(): Promise<void> {
    const node = this.#node;
    if (node?.stdin) sendMessage(node.stdin, { kind: "stop" });
    const timer = setTimeout(() => node?.kill("SIGKILL"), STOP_MS);
    await this.#exited;
    clearTimeout(timer);
    await Promise.all(this.#listeners.map((listener) => listener.close()));
    this.#settleEnded(undefined);
  }

  #failure(what: string): ClusterProblem {
    const path = join(this.#files.logs, "node.log");
    let lastWords = "";
    try {
      lastWords = readFileSync(path, "utf8").trimEnd().split("\n").slice(-5).join("\n  ");
    } catch {
      // No log, no last words.
    }
    return new ClusterProblem(`the node of cluster "${this.name}" ${what}; ${path} ends with:\n  ${lastWords}`);
  }
}
