import { mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { createLibc } from "@heddle/netlink";
import type { Clock } from "@heddle/std";
import type { ClusterApi, ClusterNetworkPlan, KubeObject, PodNetwork, PodStreams } from "../contract/index.ts";
import { type Catalogue, createHostPrograms, createImageStore } from "../images/index.ts";
import { createContainerBase } from "./host/base.ts";
import type { DnsSettings } from "./host/etc-files.ts";
import { boundingSet } from "./host/identity.ts";
import { createSyscalls } from "./host/syscalls.ts";
import type { KubeletLog, NodeContext } from "./node-context.ts";
import { createNodeStatus, type NodeStatus } from "./node-status.ts";
import { createPodWorker, type PodWorker } from "./pod-worker.ts";
import { fieldsOf, text } from "./spec/decode.ts";
import { createPodStreams } from "./streams/pod-streams.ts";
import type { IssueToken } from "./volumes/token-source.ts";

/** What the node agent is given. It runs as root of the cluster's own namespaces. */
export interface KubeletDeps {
  readonly api: ClusterApi;
  readonly network: PodNetwork;
  readonly plan: ClusterNetworkPlan;
  readonly catalogue: Catalogue;
  /** Shown to users as the place to add an image, and read again when it has changed. */
  readonly cataloguePath: string;
  /** The clone whose programs images run. */
  readonly repository: string;
  /** The Bun binary itself, not a script. */
  readonly bun: string;
  /** Working directory of this node; nothing in it outlives the cluster. */
  readonly stateDirectory: string;
  readonly logDirectory: string;
  readonly clock: Clock;
  readonly log: KubeletLog;
  /** Only uid 0 of a user namespace exists. */
  readonly rootless: boolean;
  readonly dns: DnsSettings;
  readonly issueToken: IssueToken;
  /** For finding programs of the machine. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly newId: () => string;
}

/** The node agent. */
export interface Kubelet {
  start(): Promise<void>;
  /** Ends all pods, each within its grace period but at most `graceSeconds`. Default: 5. */
  close(graceSeconds?: number): Promise<void>;
  readonly streams: PodStreams;
}

class NodeAgent implements Kubelet {
  readonly #deps: KubeletDeps;
  readonly #node: NodeContext;
  readonly #status: NodeStatus;
  readonly #workers = new Map<string, PodWorker>();
  readonly #watches: { close(): void }[] = [];
  readonly streams: PodStreams;
  #closed = false;

  constructor(deps: KubeletDeps) {
    this.#deps = deps;
    const syscalls = createSyscalls();
    const directory = path.join(deps.stateDirectory, "kubelet");
    const baseOptions = { directory: path.join(directory, "base"), repository: deps.repository, bun: deps.bun };
    this.#status = createNodeStatus(deps);
    this.#node = {
      api: deps.api,
      network: deps.network,
      plan: deps.plan,
      images: createImageStore(deps.catalogue, deps.cataloguePath),
      base: createContainerBase(baseOptions, syscalls, createHostPrograms(deps.env)),
      syscalls,
      clock: deps.clock,
      log: deps.log,
      rootless: deps.rootless,
      nodeCapabilities: boundingSet(readFileSync("/proc/self/status", "utf8")),
      dns: deps.dns,
      issueToken: deps.issueToken,
      directory,
      logDirectory: path.join(deps.logDirectory, "pods"),
      memoryDirectory: path.join(directory, "memory"),
      hostsFile: readFileSync("/etc/hosts", "utf8"),
      allocatable: this.#status.allocatable,
      libc: createLibc(),
      newId: deps.newId,
    };
    this.streams = createPodStreams(this.#node, (pod) => this.#find(pod.namespace, pod.name));
  }

  #find(namespace: string, name: string): PodWorker | undefined {
    for (const worker of this.#workers.values()) {
      if (worker.context.namespace === namespace && worker.context.name === name) return worker;
    }
    return undefined;
  }

  async start(): Promise<void> {
    const { memoryDirectory, base, syscalls, api } = this.#node;
    mkdirSync(memoryDirectory, { recursive: true });
    syscalls.mountFs("tmpfs", memoryDirectory, "mode=0711");
    base.prepare();
    await this.#status.start();
    const core = (resource: string) => ({ group: "", version: "v1", resource });
    this.#watches.push(
      api.watch(core("pods"), {}, ({ type, object }) => this.#podChanged(type, object)),
      api.watch(core("configmaps"), {}, ({ object }) => this.#sourceChanged("configMap", object)),
      api.watch(core("secrets"), {}, ({ object }) => this.#sourceChanged("secret", object)),
    );
  }

  #podChanged(type: string, pod: KubeObject): void {
    const uid = pod.metadata.uid ?? "";
    const worker = this.#workers.get(uid);
    if (type === "DELETED") {
      // Deleted by force: nobody waits for its programs.
      if (worker) this.#forget(worker, worker.terminate(0, false));
      return;
    }
    if (worker) {
      const begins =
        pod.metadata.deletionTimestamp !== undefined && worker.context.pod().metadata.deletionTimestamp === undefined;
      worker.update(pod);
      if (begins) this.#forget(worker, worker.terminate(pod.metadata.deletionGracePeriodSeconds ?? 30, true));
      return;
    }
    if (fieldsOf(pod["spec"])["nodeName"] !== this.#node.plan.nodeName) return;
    const phase = text(fieldsOf(pod["status"])["phase"]);
    if (this.#closed || phase === "Succeeded" || phase === "Failed") return;
    const fresh = createPodWorker(this.#node, pod);
    this.#workers.set(uid, fresh);
    fresh.start();
    if (pod.metadata.deletionTimestamp !== undefined) this.#forget(fresh, fresh.terminate(0, true));
  }

  #forget(worker: PodWorker, ended: Promise<void>): void {
    void ended.finally(() => {
      if (this.#workers.get(worker.uid) === worker) this.#workers.delete(worker.uid);
    });
  }

  #sourceChanged(kind: "configMap" | "secret", object: KubeObject): void {
    for (const worker of this.#workers.values()) {
      const { context } = worker;
      if (
        worker.sandbox &&
        context.namespace === object.metadata.namespace &&
        context.volumes.uses(kind, object.metadata.name)
      ) {
        void context.volumes.refresh();
      }
    }
  }

  async close(graceSeconds = 5): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const watch of this.#watches) watch.close();
    this.#status.close();
    const grace = (worker: PodWorker): number =>
      Math.min(graceSeconds, worker.context.spec.terminationGracePeriodSeconds);
    await Promise.allSettled([...this.#workers.values()].map((worker) => worker.terminate(grace(worker), false)));
    this.#node.base.close();
    this.#node.syscalls.unmount(this.#node.memoryDirectory);
    this.#deps.log.info("node agent ended", { pods: this.#workers.size });
  }
}

export function createKubelet(deps: KubeletDeps): Kubelet {
  return new NodeAgent(deps);
}
