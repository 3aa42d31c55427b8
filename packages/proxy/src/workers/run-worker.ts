import type { TapEvent } from "@heddle/std/tap-event";
import { loggingPage } from "../admin/logging-page.ts";
import { endListeners } from "../end-listeners.ts";
import { createProxy, type DataPlane } from "../proxy.ts";
import { ejectionLogTo, type RoleDeps, type RoleTelemetry, roleTelemetry } from "../role.ts";
import { type FolderLayersDeps, readFolders, watchFolders } from "../runtime/folder-layer.ts";
import { createRuntime } from "../runtime/runtime.ts";
import { type ComponentLevels, setComponentLevels } from "../static-flags.ts";
import { envoyStats, resetEnvoyStats } from "../telemetry/envoy-stats.ts";
import { createIntake, type Intake } from "../xds/intake.ts";
import type {
  HostReport,
  LocalIdentity,
  WorkerCommand,
  WorkerMessage,
  WorkerReport,
  WorkerSettings,
} from "./messages.ts";

/** The channel to the process that started us. */
export interface WorkerChannel {
  send(message: WorkerMessage): void;
  onCommand(take: (command: WorkerCommand) => void): void;
  /** That process is gone. */
  onLost(run: () => void): void;
}

export interface WorkerDeps extends RoleDeps {
  readonly channel: WorkerChannel;
  readonly componentLevels: ComponentLevels;
}

/** Role `heddle proxy worker`: a data plane that another process configures. Gives the exit code once it was told to end, or lost its parent. */
export function runWorker(deps: WorkerDeps): Promise<number> {
  return new Promise((resolve) => {
    let worker: Worker | undefined;
    deps.channel.onLost(() => resolve(0));
    deps.channel.onCommand((command) => {
      if (command.kind === "start") worker = new Worker(deps, command.settings, () => resolve(0));
      else worker?.take(command);
    });
    deps.channel.send({ kind: "ready" });
  });
}

type ApplyCommand = Extract<WorkerCommand, { readonly kind: "apply" }>;

class Worker {
  readonly #deps: WorkerDeps;
  readonly #telemetry: RoleTelemetry;
  readonly #proxy: DataPlane;
  /** Configuration in the order in which it came. */
  readonly #intake: Intake<ApplyCommand>;
  readonly #over: () => void;
  readonly #index: number;
  #uri = "";
  #unwatch: (() => void) | undefined;

  constructor(deps: WorkerDeps, settings: WorkerSettings, over: () => void) {
    this.#deps = deps;
    this.#over = over;
    this.#index = settings.index;
    const scope = `worker-${settings.index}`;
    const log = deps.log.child(scope);
    setComponentLevels(log, deps.componentLevels, scope);
    const localUri = () => this.#uri;
    const { self, metadata, traceProvider } = settings;
    this.#telemetry = roleTelemetry({ ...deps, log }, { self, metadata, localUri, traceProvider });
    const folders: FolderLayersDeps = {
      layers: settings.runtime.folders ?? [],
      serviceCluster: settings.serviceCluster,
      log: log.child("runtime"),
    };
    const runtime = createRuntime(settings.runtime, readFolders(folders));
    // Until the process ends.
    watchFolders({ ...folders, clock: deps.clock, runtime });
    this.#proxy = createProxy({
      kernel: deps.kernel,
      clock: deps.clock,
      random: deps.random,
      uuid: deps.uuid,
      resolve: deps.resolve,
      log,
      mark: settings.mark,
      exchange: settings.exchange,
      serviceCluster: settings.serviceCluster,
      drainMs: settings.drainMs,
      localUri,
      observe: this.#telemetry.observe,
      observeListener: this.#telemetry.observeListener,
      ports: "others",
      limits: settings.limits,
      zone: settings.zone,
      ejections: ejectionLogTo(settings.ejectionLog ?? "", this.#telemetry, deps.clock),
      runtime,
      memory: deps.memory,
    });
    this.#intake = createIntake<ApplyCommand>({
      steps: ({ typeUrl, resources }) => this.#proxy.resources.prepare(typeUrl, resources),
      take: (command) => this.#apply(command),
      clock: deps.clock,
      turn: (next) => void setImmediate(next),
    });
    this.#proxy.start();
  }

  take(command: Exclude<WorkerCommand, { readonly kind: "start" }>): void {
    switch (command.kind) {
      case "identity":
        this.#setIdentity(command.identity);
        return;
      case "apply":
        this.#intake.add(command);
        return;
      case "report":
        this.#deps.channel.send({ kind: "report", id: command.id, report: this.#report() });
        return;
      case "reset-counters":
        resetEnvoyStats(this.#proxy);
        return;
      case "reopen-logs":
        this.#telemetry.reopenLogs();
        return;
      case "logging":
        loggingPage(this.#deps.log, new URL(`http://worker/logging${command.query}`));
        return;
      case "runtime":
        this.#proxy.runtime.modify(command.changes);
        return;
      case "health":
        this.#proxy.health.set(command.failed);
        return;
      case "tap":
        this.#watch(command.on);
        return;
      case "drain":
        this.#proxy.listeners.drain(command.how);
        return;
      case "end":
        void this.#end(command);
        return;
    }
  }

  #apply({ typeUrl, resources, removed }: ApplyCommand): void {
    const reason = this.#proxy.resources.apply(typeUrl, resources, removed);
    // What both refuse the first process has told the control plane already.
    if (reason?.includes("can't listen on") === true) this.#deps.channel.send({ kind: "refused", typeUrl, reason });
  }

  #setIdentity({ secrets, uri }: LocalIdentity): void {
    this.#uri = uri;
    for (const secret of secrets) {
      if (secret.kind === "certificate") this.#proxy.secrets.setCertificate(secret.name, secret.pair);
      else this.#proxy.secrets.setValidation(secret.name, secret.validation);
    }
  }

  #watch(on: boolean): void {
    this.#unwatch?.();
    const pass = (event: TapEvent) => this.#deps.channel.send({ kind: "tap", event });
    this.#unwatch = on ? this.#telemetry.tap.watch(pass) : undefined;
  }

  async #end(command: Extract<WorkerCommand, { readonly kind: "end" }>): Promise<void> {
    await endListeners(this.#proxy.listeners, command.how, this.#deps.clock, command);
    this.#intake.close();
    this.#proxy.close();
    this.#telemetry.closeLogs();
    this.#over();
  }

  #report(): WorkerReport {
    const { heapUsed, heapTotal, rss } = process.memoryUsage();
    return {
      connections: this.#proxy.listeners.connections,
      stats: [...envoyStats(this.#proxy, this.#index)].filter((stat) => stat.value !== 0),
      exposition: this.#telemetry.registry.expose(),
      hosts: [...this.#hosts()],
      failures: this.#telemetry.tap.failures(),
      memory: { heapUsed, heapTotal, rss },
    };
  }

  *#hosts(): Iterable<HostReport> {
    for (const cluster of this.#proxy.clusters.all()) {
      for (const host of cluster.hosts) {
        const s = host.stats;
        if (s.cxTotal === 0 && s.rqTotal === 0 && s.cxConnectFail === 0) continue;
        yield {
          cluster: cluster.config.name,
          host: host.text,
          cxActive: s.cxActive,
          cxConnectFail: s.cxConnectFail,
          cxTotal: s.cxTotal,
          rqActive: host.active,
          rqPendingActive: host.pending,
          rqError: s.rqError,
          rqSuccess: s.rqSuccess,
          rqTimeout: s.rqTimeout,
          rqTotal: s.rqTotal,
        };
      }
    }
  }
}
