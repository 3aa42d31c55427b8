import { chmodSync, mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import type { ClockTimer } from "@heddle/std";
import { ApiError, type KubeObject } from "../contract/index.ts";
import { podFacts } from "./container/container-config.ts";
import { type ContainerRunner, createContainerRunner } from "./container/container-runner.ts";
import { StopSwitch } from "./container/stop-switch.ts";
import { createSandbox, type Sandbox } from "./host/sandbox.ts";
import { type HostPorts, openHostPorts } from "./host-ports.ts";
import type { NodeContext, PodContext } from "./node-context.ts";
import { fieldsOf, listOf } from "./spec/decode.ts";
import { decodePod, isSidecar, type PodSpec, podHostname } from "./spec/pod-spec.ts";
import { type PodSnapshot, podStatus } from "./status/pod-status.ts";
import { createStatusWriter, type StatusWriter } from "./status/status-writer.ts";
import { createPodVolumes, VolumeError } from "./volumes/pod-volumes.ts";
import { createTokenSource } from "./volumes/token-source.ts";

/** Runs one pod from its assignment to the node until it is gone. */
export interface PodWorker {
  readonly uid: string;
  readonly context: PodContext;
  readonly runners: readonly ContainerRunner[];
  /** Undefined before the network is there and after the end. */
  readonly sandbox: Sandbox | undefined;
  start(): void;
  /** A newer version of the pod. */
  update(pod: KubeObject): void;
  /** Ends the pod; `confirm` tells the API that it is gone. Idempotent; a shorter grace period wins. */
  terminate(graceSeconds: number, confirm: boolean): Promise<void>;
  /** Ends the pod as failed, without deleting it. */
  fail(reason: string, message: string): void;
}

const PODS = { group: "", version: "v1", resource: "pods" } as const;
const RETRY_MS = 1000;

class Worker implements PodWorker {
  readonly #node: NodeContext;
  readonly #spec: PodSpec;
  readonly #stop = new StopSwitch();
  readonly #init: readonly ContainerRunner[];
  readonly #main: readonly ContainerRunner[];
  readonly #status: StatusWriter;
  readonly #startTimeMs: number;
  readonly context: PodContext;
  readonly uid: string;
  #pod: KubeObject;
  #podIp: string | undefined;
  #verdict: PodSnapshot["verdict"];
  #deadline: ClockTimer | undefined;
  #life: Promise<void> = Promise.resolve();
  #ending: Promise<void> | undefined;
  #cleaned = false;
  #hostPorts: HostPorts | undefined;
  sandbox: Sandbox | undefined;

  constructor(node: NodeContext, pod: KubeObject) {
    this.#node = node;
    this.#pod = pod;
    this.#spec = decodePod(pod);
    this.#startTimeMs = node.clock.now();
    this.uid = pod.metadata.uid ?? "";
    this.context = this.#makeContext(pod);
    this.#status = createStatusWriter(
      node,
      () => this.#pod,
      () => podStatus(this.#snapshot(), node.clock.now()),
    );
    const changed = (): void => this.#status.request();
    const waitsFor = this.#spec.initContainers.length > 0 ? "PodInitializing" : "ContainerCreating";
    this.#init = this.#spec.initContainers.map((container) =>
      createContainerRunner(
        this.context,
        container,
        isSidecar(container) ? "sidecar" : "init",
        "PodInitializing",
        changed,
      ),
    );
    this.#main = this.#spec.containers.map((container) =>
      createContainerRunner(this.context, container, "main", waitsFor, changed),
    );
  }

  get runners(): readonly ContainerRunner[] {
    return [...this.#main, ...this.#init];
  }

  #makeContext(pod: KubeObject): PodContext {
    const node = this.#node;
    const { name, namespace = "default" } = pod.metadata;
    const directory = path.join(node.directory, "pods", this.uid);
    const event = (type: "Normal" | "Warning", reason: string, message: string): void =>
      node.api.event(this.#pod, type, reason, message, "kubelet");
    const volumes = createPodVolumes({
      api: node.api,
      syscalls: node.syscalls,
      clock: node.clock,
      tokens: createTokenSource(node.issueToken, node.clock, {
        namespace,
        serviceAccount: this.#spec.serviceAccountName,
        pod: { name, uid: this.uid },
      }),
      namespace,
      // A rootless node has one group: files belong to it already, and no other can be given.
      spec: node.rootless ? { ...this.#spec, fsGroup: undefined } : this.#spec,
      facts: () => podFacts(this.context),
      directory: path.join(directory, "volumes"),
      memoryDirectory: path.join(node.memoryDirectory, this.uid),
      onError: (error) => event("Warning", "FailedMount", mountMessage(error)),
    });
    return {
      node,
      uid: this.uid,
      namespace,
      name,
      pod: () => this.#pod,
      spec: this.#spec,
      directory,
      logDirectory: path.join(node.logDirectory, `${namespace}_${name}_${this.uid}`),
      sandbox: () => {
        if (!this.sandbox) throw new Error(`pod ${name} has no sandbox`);
        return this.sandbox;
      },
      podIp: () => this.#podIp ?? "",
      volumes,
      event,
    };
  }

  #snapshot(): PodSnapshot {
    return {
      pod: this.#pod,
      spec: this.#spec,
      init: this.#init.map((runner) => runner.record),
      main: this.#main.map((runner) => runner.record),
      sandboxReady: this.sandbox !== undefined,
      podIp: this.#podIp,
      hostIp: this.#node.plan.nodeIp,
      startTimeMs: this.#startTimeMs,
      verdict: this.#verdict,
    };
  }

  start(): void {
    this.#life = this.#live().catch((error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      this.#node.log.warn("pod could not be run", {
        pod: this.context.name,
        namespace: this.context.namespace,
        message,
      });
      this.context.event("Warning", "FailedSync", message);
    });
  }

  update(pod: KubeObject): void {
    const before = this.#pod.metadata;
    const debuggers = ephemeralContainers(pod).length > ephemeralContainers(this.#pod).length;
    this.#pod = pod;
    if (debuggers) {
      const message =
        "the embedded cluster does not run ephemeral containers; use kubectl exec, as every container has this machine's programs";
      this.context.event("Warning", "EphemeralContainerNotRun", message);
    }
    const { metadata } = pod;
    const fieldsChanged =
      JSON.stringify([before.labels, before.annotations]) !== JSON.stringify([metadata.labels, metadata.annotations]);
    if (fieldsChanged && this.context.volumes.showsPod) void this.context.volumes.refresh();
    // Conditions of others, such as readiness gates, take part in ours.
    if (this.#spec.readinessGates.length > 0) this.#status.request();
  }

  async #live(): Promise<void> {
    const { activeDeadlineSeconds } = this.#spec;
    if (activeDeadlineSeconds !== undefined) {
      const message = "Pod was active on the node longer than the specified deadline";
      this.#deadline = this.#node.clock.after(activeDeadlineSeconds * 1000, () =>
        this.fail("DeadlineExceeded", message),
      );
    }
    await this.#status.write();
    mkdirSync(path.join(this.context.directory, "shm"), { recursive: true });
    chmodSync(path.join(this.context.directory, "shm"), 0o1777);
    await this.#repeat("FailedMount", () => this.context.volumes.setUp());
    await this.#repeat("FailedCreatePodSandBox", () => this.#connect());
    if (this.#stop.pulled) return;
    this.#hostPorts = openHostPorts(this.context);
    // Environment and downward API may show the address.
    if (this.context.volumes.showsPod) await this.context.volumes.refresh();
    this.#status.request();
    for (const runner of this.#init) {
      if (this.#stop.pulled) return;
      runner.start();
      await (runner.record.role === "sidecar" ? runner.whenStarted : runner.whenDone);
      const { state } = runner.record;
      if (runner.record.role === "init" && !(state.kind === "terminated" && state.exitCode === 0)) {
        await this.#stopSidecars(this.#spec.terminationGracePeriodSeconds);
        return;
      }
    }
    if (this.#stop.pulled) return;
    for (const runner of this.#main) runner.start();
    await Promise.all(this.#main.map((runner) => runner.whenDone));
    if (this.#stop.pulled) return;
    await this.#stopSidecars(this.#spec.terminationGracePeriodSeconds);
    await this.#status.write();
  }

  /** Tries until it works or the pod ends. */
  async #repeat(reason: string, action: () => Promise<void>): Promise<void> {
    for (let waitMs = RETRY_MS; !this.#stop.pulled; waitMs = Math.min(waitMs * 2, 15_000)) {
      try {
        await action();
        return;
      } catch (error) {
        const message =
          error instanceof VolumeError ? mountMessage(error) : error instanceof Error ? error.message : String(error);
        this.context.event("Warning", reason, message);
      }
      await this.#stop.sleep(this.#node.clock, waitMs);
    }
  }

  async #connect(): Promise<void> {
    const { hostNetwork, sysctls } = this.#spec;
    this.sandbox ??= await createSandbox(
      { hostname: podHostname(this.#pod, this.#spec), hostNetwork, sysctls },
      this.#node.syscalls,
    );
    this.#podIp = hostNetwork
      ? this.#node.plan.nodeIp
      : (await this.#node.network.attach(this.uid, this.sandbox.pid)).ip;
  }

  async #stopSidecars(graceSeconds: number): Promise<void> {
    await stopInReverse(
      this.#init.filter((runner) => runner.record.role === "sidecar"),
      graceSeconds,
      Promise.resolve(),
    );
  }

  fail(reason: string, message: string): void {
    if (this.#ending) return;
    this.#verdict = { reason, message };
    this.context.event("Warning", reason, message);
    this.#ending = this.#end(this.#spec.terminationGracePeriodSeconds).then(() => this.#status.write());
    void this.#ending.finally(() => {
      this.#ending = undefined;
    });
  }

  async terminate(graceSeconds: number, confirm: boolean): Promise<void> {
    await this.#end(graceSeconds);
    await this.#life;
    if (this.#cleaned) return;
    this.#cleaned = true;
    if (confirm) await this.#status.write();
    this.#status.close();
    await this.#cleanUp();
    if (confirm) await this.#confirm();
  }

  async #end(graceSeconds: number): Promise<void> {
    this.#stop.pull();
    this.#deadline?.cancel();
    const plain = this.#init.filter((runner) => runner.record.role === "init");
    const sidecars = this.#init.filter((runner) => runner.record.role === "sidecar");
    const graceMs = graceSeconds * 1000;
    const first = Promise.all([...plain, ...this.#main].map((runner) => runner.stop({ graceMs })));
    await Promise.all([first, stopInReverse(sidecars, graceSeconds, first)]);
  }

  async #cleanUp(): Promise<void> {
    const { node } = this.context;
    this.#hostPorts?.close();
    await node.network
      .detach(this.uid)
      .catch((error: unknown) =>
        node.log.warn("network of a pod could not be freed", { pod: this.context.name, error: String(error) }),
      );
    await this.sandbox?.close();
    this.sandbox = undefined;
    this.context.volumes.tearDown();
    for (const directory of [this.context.directory, this.context.logDirectory])
      rmSync(directory, { recursive: true, force: true });
  }

  async #confirm(): Promise<void> {
    try {
      await this.#node.api.delete(PODS, this.context.namespace, this.context.name, {
        gracePeriodSeconds: 0,
        uid: this.uid,
      });
    } catch (error) {
      // Someone else has deleted it already, or another pod has taken its name.
      if (error instanceof ApiError && (error.code === 404 || error.code === 409)) return;
      this.#node.log.warn("the end of a pod could not be confirmed", { pod: this.context.name, error: String(error) });
    }
  }
}

const ephemeralContainers = (pod: KubeObject): readonly unknown[] =>
  listOf(fieldsOf(pod["spec"])["ephemeralContainers"]);

/** Each waits for those behind it; hooks run at once. Source: kubelet `terminationOrdering`. */
async function stopInReverse(
  sidecars: readonly ContainerRunner[],
  graceSeconds: number,
  first: Promise<unknown>,
): Promise<void> {
  let turn = first;
  const all: Promise<void>[] = [];
  for (const sidecar of [...sidecars].reverse()) {
    const stopped = sidecar.stop({ graceMs: graceSeconds * 1000, turn });
    turn = Promise.all([turn, stopped]);
    all.push(stopped);
  }
  await Promise.all(all);
}

const mountMessage = (error: VolumeError): string =>
  `MountVolume.SetUp failed for volume "${error.volume}" : ${error.message}`;

export function createPodWorker(node: NodeContext, pod: KubeObject): PodWorker {
  return new Worker(node, pod);
}
