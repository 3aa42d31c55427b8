import path from "node:path";
import type { ClockTimer } from "@heddle/std";
import type { CatalogueImage } from "../../images/index.ts";
import type { ImagePrograms } from "../host/base.ts";
import { type ContainerLog, createContainerLog, removeLog } from "../logs/log-file.ts";
import { lastWords } from "../logs/log-reader.ts";
import type { PodContext } from "../node-context.ts";
import { type ContainerProbes, startProbes } from "../probes/container-probes.ts";
import { type ActionTarget, runAction } from "../probes/run-action.ts";
import type { ContainerSpec } from "../spec/container-spec.ts";
import { type ContainerRecord, newRecord, type Terminated, wantsRestart } from "../status/container-record.ts";
import { createCrashBackoff, shortDuration } from "../status/crash-backoff.ts";
import { ConfigError, configureContainer } from "./container-config.ts";
import { execInContainer } from "./exec-in-container.ts";
import { type RunningContainer, runContainer } from "./running-container.ts";
import { StopSwitch } from "./stop-switch.ts";

/** Keeps one container of a pod in the state that its restart policy asks for. */
export interface ContainerRunner {
  readonly record: ContainerRecord;
  readonly running: RunningContainer | undefined;
  /** Logs of the present run and of the one before. */
  readonly logs: { readonly current: ContainerLog | undefined; readonly previous: ContainerLog | undefined };
  start(): void;
  /** Resolves when the container is started (startup probe passed, hooks run) or will never be. */
  readonly whenStarted: Promise<void>;
  /** Resolves when the container has ended and will not run again. */
  readonly whenDone: Promise<void>;
  /** Runs the preStop hook, waits for its turn, then SIGTERM and, at the end of the grace period, SIGKILL. */
  stop(options: StopOptions): Promise<void>;
}

export interface StopOptions {
  /** Units: ms. */
  readonly graceMs: number;
  /** Resolves when containers that must end earlier have done so. */
  readonly turn?: Promise<unknown>;
}

const LOG_ROTATION_BYTES = 10 * 1024 * 1024;
/** Source: kubelet `minimumGracePeriodInSeconds`. */
const MIN_GRACE_MS = 2000;
const CONFIG_RETRY_MS = 2000;

class Runner implements ContainerRunner {
  readonly #context: PodContext;
  readonly #spec: ContainerSpec;
  readonly #onChange: () => void;
  readonly #stop = new StopSwitch();
  /** How the container is to be stopped, once someone asked for it. */
  #stopOptions: StopOptions | undefined;
  readonly #crashBackoff = createCrashBackoff();
  readonly #started = Promise.withResolvers<void>();
  readonly #done = Promise.withResolvers<void>();
  #probes: ContainerProbes | undefined;
  #current: ContainerLog | undefined;
  #previous: ContainerLog | undefined;
  #killing: Promise<void> | undefined;
  #begun = false;
  record: ContainerRecord;
  running: RunningContainer | undefined;

  constructor(
    context: PodContext,
    spec: ContainerSpec,
    role: ContainerRecord["role"],
    waitsFor: string,
    onChange: () => void,
  ) {
    this.#context = context;
    this.#spec = spec;
    this.#onChange = onChange;
    this.record = newRecord(spec, role, waitsFor);
  }

  get logs() {
    return { current: this.#current, previous: this.#previous };
  }

  get whenStarted(): Promise<void> {
    return this.#started.promise;
  }

  get whenDone(): Promise<void> {
    return this.#done.promise;
  }

  start(): void {
    if (this.#begun) return;
    this.#begun = true;
    this.#loop()
      .catch((error: unknown) => {
        const message = error instanceof Error ? error.message : String(error);
        this.#context.node.log.warn("container could not be kept running", {
          pod: this.#context.name,
          container: this.#spec.name,
          message,
        });
        this.#update({ state: this.#terminated(128, "ContainerCannotRun", message, undefined) });
      })
      .finally(() => {
        this.#started.resolve();
        this.#done.resolve();
      });
  }

  #update(change: Partial<ContainerRecord>): void {
    this.record = { ...this.record, ...change };
    this.#onChange();
  }

  #waiting(reason: string, message: string | undefined): void {
    const { state } = this.record;
    const lastState = state.kind === "terminated" ? state : this.record.lastState;
    this.#update({ state: { kind: "waiting", reason, message }, lastState, ready: false, started: false });
  }

  #terminated(
    exitCode: number,
    reason: string,
    message: string | undefined,
    startedMs: number | undefined,
  ): Terminated {
    const finishedMs = this.#context.node.clock.now();
    return {
      kind: "terminated",
      exitCode,
      reason,
      message,
      startedMs,
      finishedMs,
      containerId: this.record.containerId,
    };
  }

  async #loop(): Promise<void> {
    const { node, event, namespace, name, uid } = this.#context;
    for (let run = 0; !this.#stop.pulled; run++) {
      const ended = await this.#tryOnce(run);
      if (!ended || this.#stop.pulled) break;
      if (!wantsRestart(this.record.role, this.#context.spec.restartPolicy, ended.exitCode)) break;
      const waitMs = this.#crashBackoff.afterExit(ended.startedMs ?? ended.finishedMs, ended.finishedMs);
      if (waitMs > 0) {
        event(
          "Warning",
          "BackOff",
          `Back-off restarting failed container ${this.#spec.name} in pod ${name}_${namespace}(${uid})`,
        );
        const message = `back-off ${shortDuration(waitMs)} restarting failed container=${this.#spec.name} pod=${name}_${namespace}(${uid})`;
        this.#waiting("CrashLoopBackOff", message);
        await this.#stop.sleep(node.clock, waitMs);
      }
    }
    if (
      this.record.state.kind !== "terminated" &&
      this.record.lastState === undefined &&
      this.record.restartCount === 0
    )
      return;
    if (this.record.state.kind === "waiting" && this.record.lastState)
      this.#update({ state: this.record.lastState, lastState: undefined });
  }

  /** A run, or why there was none: what the node could not do counts as an exit, so that it is tried again like a crash. */
  async #tryOnce(run: number): Promise<Terminated | undefined> {
    try {
      const image = await this.#obtainImage();
      return image && (await this.#runOnce(image.image, image.programs, run));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#context.event("Warning", "Failed", `Error: ${message}`);
      const ended = this.#terminated(128, "ContainerCannotRun", message, undefined);
      this.#update({ state: ended, ready: false, started: false });
      return ended;
    }
  }

  /** Undefined when stopped before the image was there. */
  async #obtainImage(): Promise<{ readonly image: CatalogueImage; readonly programs: ImagePrograms } | undefined> {
    const { node, event } = this.#context;
    for (let waitMs = 10_000; !this.#stop.pulled; waitMs = Math.min(waitMs * 2, 300_000)) {
      const found = node.images.find(this.#spec.image);
      const installed = found.kind === "found" ? node.base.install(found.image) : undefined;
      if (found.kind === "found" && installed?.kind === "installed") {
        event("Normal", "Pulled", `Container image "${this.#spec.image}" already present on machine`);
        return { image: found.image, programs: installed };
      }
      const message =
        found.kind === "missing" ? found.message : installed?.kind === "unavailable" ? installed.message : "";
      event("Normal", "Pulling", `Pulling image "${this.#spec.image}"`);
      event("Warning", "Failed", `Failed to pull image "${this.#spec.image}": ${message}`);
      event("Warning", "Failed", "Error: ErrImagePull");
      this.#waiting("ErrImagePull", message);
      await this.#stop.sleep(node.clock, 2000);
      if (this.#stop.pulled) return undefined;
      event("Normal", "BackOff", `Back-off pulling image "${this.#spec.image}"`);
      event("Warning", "Failed", "Error: ImagePullBackOff");
      this.#waiting("ImagePullBackOff", `Back-off pulling image "${this.#spec.image}": ${message}`);
      await this.#stop.sleep(node.clock, waitMs);
    }
    return undefined;
  }

  /** Runs the container until it ends. Undefined when stopped before it was started. */
  async #runOnce(image: CatalogueImage, programs: ImagePrograms, run: number): Promise<Terminated | undefined> {
    const { event, node } = this.#context;
    const config = await this.#configure(image, programs);
    if (!config || this.#stop.pulled) return undefined;
    const startedMs = node.clock.now();
    const previousEnd = this.record.state.kind === "terminated" ? this.record.state : this.record.lastState;
    const log = this.#openLog(run);
    let running: RunningContainer;
    try {
      event("Normal", "Created", `Created container: ${this.#spec.name}`);
      running = await runContainer(this.#context, this.#spec, config, log);
    } catch (error) {
      log.close();
      const message = error instanceof Error ? error.message : String(error);
      event("Warning", "Failed", `Error: ${message}`);
      const state = this.#terminated(128, "StartError", message, startedMs);
      this.#update({ state, lastState: previousEnd, restartCount: run, ready: false, started: false });
      this.#waiting("RunContainerError", message);
      return state;
    }
    this.running = running;
    event("Normal", "Started", `Started container ${this.#spec.name}`);
    this.#update({
      state: { kind: "running", startedMs },
      lastState: previousEnd,
      restartCount: run,
      containerId: `heddle://${running.id}`,
      imageId: `${this.#spec.image.split(":")[0]}@heddle:catalogue`,
    });
    // Asked to stop while it was being started: nobody had anything to end yet.
    if (this.#stopOptions !== undefined) this.#killing ??= this.#end(running, this.#stopOptions);
    else void this.#afterStart(running);
    const exitCode = await running.exited;
    this.#probes?.close();
    this.#probes = undefined;
    this.running = undefined;
    log.close();
    const fromLog = exitCode !== 0 && this.#spec.terminationMessageFromLogs;
    const message = running.terminationMessage() ?? (fromLog ? lastWords(log) : undefined);
    const state = this.#terminated(exitCode, exitCode === 0 ? "Completed" : "Error", message, startedMs);
    this.#update({ state, ready: false, started: false });
    await this.#killing;
    this.#killing = undefined;
    return state;
  }

  async #configure(image: CatalogueImage, programs: ImagePrograms) {
    const { node, event } = this.#context;
    while (!this.#stop.pulled) {
      try {
        return await configureContainer(this.#context, this.#spec, image, programs);
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        event("Warning", "Failed", `Error: ${error.message}`);
        this.#waiting("CreateContainerConfigError", error.message);
      }
      await this.#stop.sleep(node.clock, CONFIG_RETRY_MS);
    }
    return undefined;
  }

  #openLog(run: number): ContainerLog {
    const directory = path.join(this.#context.logDirectory, this.#spec.name);
    if (this.#previous) removeLog(this.#previous.file);
    this.#previous = this.#current;
    this.#current = createContainerLog({
      file: path.join(directory, `${run}.log`),
      rotateAtBytes: LOG_ROTATION_BYTES,
      clock: this.#context.node.clock,
      onLoss: (error) =>
        this.#context.event(
          "Warning",
          "LogLost",
          `output of container ${this.#spec.name} is no longer kept: ${error.message}; free disk space, then restart the pod`,
        ),
    });
    return this.#current;
  }

  #target(running: RunningContainer): ActionTarget {
    return {
      container: this.#spec,
      podIp: this.#context.podIp(),
      exec: (command, timeoutMs) => execInContainer(running, command, timeoutMs),
    };
  }

  async #afterStart(running: RunningContainer): Promise<void> {
    const { event, node, spec } = this.#context;
    const target = this.#target(running);
    if (this.#spec.postStart) {
      const result = await runAction(this.#spec.postStart, target, spec.terminationGracePeriodSeconds * 1000);
      if (!result.ok && this.running === running) {
        event("Warning", "FailedPostStartHook", `PostStartHook failed: ${result.message}`);
        this.#killForRestart(running, "FailedPostStartHook");
        return;
      }
    }
    if (this.running !== running) return;
    this.#probes = startProbes(
      this.#spec,
      node.clock,
      (probe) => runAction(probe.action, target, probe.timeoutSeconds * 1000),
      {
        started: () => {
          this.#update({ started: true });
          this.#started.resolve();
        },
        ready: (ready) => {
          if (ready !== this.record.ready) this.#update({ ready });
        },
        failed: (kind, probe) => {
          event("Normal", "Killing", `Container ${this.#spec.name} failed ${kind} probe, will be restarted`);
          this.#killForRestart(running, undefined, probe.terminationGracePeriodSeconds);
        },
        unhealthy: (kind, message) =>
          event("Warning", "Unhealthy", `${kind[0]?.toUpperCase()}${kind.slice(1)} probe failed: ${message}`),
      },
    );
  }

  #killForRestart(running: RunningContainer, reason: string | undefined, graceSeconds?: number): void {
    if (reason) this.#context.event("Normal", "Killing", `Stopping container ${this.#spec.name}: ${reason}`);
    const graceMs = (graceSeconds ?? this.#context.spec.terminationGracePeriodSeconds) * 1000;
    this.#killing ??= this.#end(running, { graceMs });
  }

  async #end(running: RunningContainer, options: StopOptions): Promise<void> {
    const { clock } = this.#context.node;
    const deadlineMs = clock.monotonic() + options.graceMs;
    const left = (): number => Math.max(0, deadlineMs - clock.monotonic());
    const ended = running.exited.then(() => true);
    const within = async (what: Promise<unknown>): Promise<void> => {
      let timer: ClockTimer | undefined;
      const limit = new Promise<void>((resolve) => {
        timer = clock.after(left(), resolve);
      });
      await Promise.race([what, limit, ended]);
      timer?.cancel();
    };
    if (this.#spec.preStop && options.graceMs > 0) {
      const hook = runAction(this.#spec.preStop, this.#target(running), Math.max(1, options.graceMs)).then((result) => {
        if (!result.ok) this.#context.event("Warning", "FailedPreStopHook", `PreStopHook failed: ${result.message}`);
      });
      await within(hook);
    }
    if (options.turn && options.graceMs > 0) await within(options.turn);
    if (options.graceMs > 0) {
      running.signal("SIGTERM");
      let timer: ClockTimer | undefined;
      const limit = new Promise<void>((resolve) => {
        timer = clock.after(Math.max(MIN_GRACE_MS, left()), resolve);
      });
      await Promise.race([ended, limit]);
      timer?.cancel();
    }
    running.signal("SIGKILL");
    await ended;
  }

  async stop(options: StopOptions): Promise<void> {
    const first = !this.#stop.pulled;
    this.#stop.pull();
    this.#stopOptions = options;
    if (!this.#begun) {
      this.#begun = true;
      this.#started.resolve();
      this.#done.resolve();
      return;
    }
    const { running } = this;
    if (running) {
      if (first) this.#context.event("Normal", "Killing", `Stopping container ${this.#spec.name}`);
      await this.#end(running, options);
    }
    await this.#done.promise;
  }
}

/** `waitsFor` is the reason that is shown before the container's turn has come: `PodInitializing` or `ContainerCreating`. */
export function createContainerRunner(
  context: PodContext,
  spec: ContainerSpec,
  role: ContainerRecord["role"],
  waitsFor: string,
  onChange: () => void,
): ContainerRunner {
  return new Runner(context, spec, role, waitsFor, onChange);
}
