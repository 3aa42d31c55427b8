import { type Clock, type ClockTimer, createBackoff, type Logger } from "@heddle/std";
import type { TapEvent } from "@heddle/std/tap-event";
import { typeUrls } from "@heddle/xds-api";
import { LAST_MS } from "../end-listeners.ts";
import type { DrainOptions } from "../listener/listener-set.ts";
import type { ResourceStore } from "../resources.ts";
import type { Tap } from "../telemetry/tap.ts";
import type { Fleet } from "./fleet.ts";
import type { LocalIdentity, WorkerCommand, WorkerMessage, WorkerReport, WorkerSettings } from "./messages.ts";
import { countersOf } from "./retired.ts";

/** A started process with its channel. */
export interface WorkerProcess {
  readonly pid: number;
  send(command: WorkerCommand): void;
  kill(): void;
}

/** Makes the other processes of a proxy; they run from `start()` on. */
export type StartFleet = (
  concurrency: number,
  surroundings: Pick<WorkerPoolDeps, "settings" | "identity">,
) => Promise<Fleet>;

export interface WorkerPoolDeps {
  /** Workers in all, this process among them. */
  readonly concurrency: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly settings: Omit<WorkerSettings, "index">;
  /** What the agent holds. */
  identity(): LocalIdentity;
  /** Starts a process. Errors: throws when the system refuses. */
  spawn(onMessage: (message: WorkerMessage) => void, onExit: (reason: string) => void): WorkerProcess;
}

/** A worker that does not answer is busy or hangs; its last report stands for it. Units: ms. */
const REPORT_MS = 2000;
/** Beyond `limitMs` of the end, and of closing ports. Units: ms. */
const GRACE_MS = LAST_MS + 1000;
/** A worker that lived so long counts as healthy. Units: ms. */
const HEALTHY_MS = 60_000;
/** Secrets before what uses them, listeners last. */
const REPLAY_ORDER = [
  typeUrls.runtime,
  typeUrls.secret,
  typeUrls.cluster,
  typeUrls.endpoint,
  typeUrls.route,
  typeUrls.scopedRoute,
  typeUrls.listener,
];
const KEPT_FAILURES = 64;

interface Slot {
  readonly index: number;
  readonly backoff: ReturnType<typeof createBackoff>;
  process: WorkerProcess | undefined;
  /** Commands reach it: it has said that it listens. */
  ready: boolean;
  startedMs: number;
  last: WorkerReport | undefined;
  timer: ClockTimer | undefined;
}

class ProcessPool implements Fleet {
  readonly concurrency: number;
  restarts = 0;
  readonly #deps: WorkerPoolDeps;
  readonly #slots: Slot[] = [];
  readonly #watchers = new Set<(event: TapEvent) => void>();
  readonly #asked = new Map<number, () => void>();
  /** Changes of the runtime, for workers that start later. */
  readonly #runtime = new Map<string, string>();
  /** Workers that start later fail their health checks, too. */
  #failed = false;
  /** Counts of workers that have ended, so that no sum ever shrinks. */
  #retired: WorkerReport[] = [];
  #store: ResourceStore | undefined;
  /** Drains that operators asked for: a worker that starts later opens no port that is closed. */
  readonly #drains: DrainOptions[] = [];
  /** An operator changed levels of the log. */
  #levelsChanged = false;
  #nextId = 1;
  #ending = false;
  #ended: () => void = () => undefined;

  constructor(deps: WorkerPoolDeps) {
    this.#deps = deps;
    this.concurrency = deps.concurrency;
  }

  start(): void {
    for (let index = 1; index < this.concurrency; index++) {
      const slot: Slot = {
        index,
        backoff: createBackoff({ baseMs: 100, maxMs: 15_000, minMs: 50 }, this.#deps.random),
        process: undefined,
        ready: false,
        startedMs: 0,
        last: undefined,
        timer: undefined,
      };
      this.#slots.push(slot);
      this.#launch(slot);
    }
  }

  share(own: ResourceStore): ResourceStore {
    this.#store = own;
    return {
      prepare: (typeUrl, resources) => own.prepare(typeUrl, resources),
      apply: (typeUrl, resources, removed) => {
        const problem = own.apply(typeUrl, resources, removed);
        // The others decode the same bytes with the same code and so refuse the same.
        this.#broadcast({ kind: "apply", typeUrl, resources, removed });
        return problem;
      },
      route: (name) => own.route(name),
      scopes: own.scopes,
      wanted: (typeUrl) => own.wanted(typeUrl),
      held: (typeUrl) => own.held(typeUrl),
      rejected: () => own.rejected(),
      received: own.received,
    };
  }

  tap(own: Tap): Tap {
    return {
      observer: own.observer,
      failures: () =>
        [...own.failures(), ...this.#slots.flatMap((slot) => slot.last?.failures ?? [])]
          .sort((a, b) => a.time - b.time)
          .slice(-KEPT_FAILURES),
      watch: (onEvent) => {
        const unwatch = own.watch(onEvent);
        this.#watchers.add(onEvent);
        if (this.#watchers.size === 1) this.#broadcast({ kind: "tap", on: true });
        return () => {
          unwatch();
          this.#watchers.delete(onEvent);
          if (this.#watchers.size === 0) this.#broadcast({ kind: "tap", on: false });
        };
      },
    };
  }

  async reports(): Promise<readonly WorkerReport[]> {
    await Promise.all(this.#slots.map((slot) => this.#ask(slot)));
    return [...this.#retired, ...this.#slots.flatMap((slot) => (slot.last === undefined ? [] : [slot.last]))];
  }

  identityChanged(): void {
    this.#broadcast({ kind: "identity", identity: this.#deps.identity() });
  }

  setLogging(query: string): void {
    this.#levelsChanged = true;
    this.#broadcast({ kind: "logging", query });
  }

  modifyRuntime(changes: readonly (readonly [key: string, text: string])[]): void {
    for (const [key, text] of changes) this.#runtime.set(key, text);
    this.#broadcast({ kind: "runtime", changes });
  }

  setHealth(failed: boolean): void {
    this.#failed = failed;
    this.#broadcast({ kind: "health", failed });
  }

  resetCounters(): void {
    this.#retired = [];
    this.#broadcast({ kind: "reset-counters" });
  }

  reopenLogs(): void {
    this.#broadcast({ kind: "reopen-logs" });
  }

  drain(how: DrainOptions): void {
    this.#drains.push(how);
    this.#broadcast({ kind: "drain", how });
  }

  async end(how: DrainOptions, notBeforeMs: number, limitMs: number): Promise<void> {
    this.#ending = true;
    for (const slot of this.#slots) {
      slot.timer?.cancel();
      // One that has no configuration yet has no connections either.
      if (!slot.ready) slot.process?.kill();
    }
    this.#broadcast({ kind: "end", how, notBeforeMs, limitMs });
    if (this.#alive() === 0) return;
    const { clock } = this.#deps;
    await new Promise<void>((resolve) => {
      const timer = clock.after(limitMs + GRACE_MS, () => {
        for (const slot of this.#slots) slot.process?.kill();
        resolve();
      });
      this.#ended = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  #alive(): number {
    return this.#slots.filter((slot) => slot.process !== undefined).length;
  }

  #broadcast(command: WorkerCommand): void {
    for (const slot of this.#slots) if (slot.ready) slot.process?.send(command);
  }

  async #ask(slot: Slot): Promise<void> {
    if (!slot.ready || slot.process === undefined) return;
    const id = this.#nextId++;
    const { clock } = this.#deps;
    await new Promise<void>((resolve) => {
      const done = () => {
        timer.cancel();
        this.#asked.delete(id);
        resolve();
      };
      const timer = clock.after(REPORT_MS, done);
      this.#asked.set(id, done);
      slot.process?.send({ kind: "report", id });
    });
  }

  #launch(slot: Slot): void {
    const { clock, log } = this.#deps;
    slot.ready = false;
    slot.timer = undefined;
    slot.startedMs = clock.monotonic();
    try {
      slot.process = this.#deps.spawn(
        (message) => this.#onMessage(slot, message),
        (reason) => this.#onExit(slot, reason),
      );
    } catch (error) {
      this.#onExit(slot, `could not be started: ${error instanceof Error ? error.message : String(error)}`);
      return;
    }
    log.debug("a worker starts", { worker: slot.index, pid: slot.process.pid });
  }

  #onMessage(slot: Slot, message: WorkerMessage): void {
    switch (message.kind) {
      case "ready":
        this.#bringUp(slot);
        return;
      case "report":
        slot.last = message.report;
        this.#asked.get(message.id)?.();
        return;
      case "tap":
        for (const watcher of this.#watchers) watcher(message.event);
        return;
      case "refused":
        this.#deps.log.error("a worker refuses configuration that the first process took", {
          worker: slot.index,
          reason: message.reason,
        });
        return;
    }
  }

  /** Gives a fresh worker everything that is in force, in the order in which it can be used. */
  #bringUp(slot: Slot): void {
    const { process } = slot;
    if (process === undefined || this.#ending) return;
    process.send({ kind: "start", settings: { ...this.#deps.settings, index: slot.index } });
    if (this.#failed) process.send({ kind: "health", failed: true });
    if (this.#runtime.size > 0) process.send({ kind: "runtime", changes: [...this.#runtime] });
    process.send({ kind: "identity", identity: this.#deps.identity() });
    for (const how of this.#drains) process.send({ kind: "drain", how });
    for (const typeUrl of REPLAY_ORDER) {
      const held = this.#store?.held(typeUrl) ?? [];
      if (held.length === 0) continue;
      const resources = held.map(({ name, version, bytes }) => ({ name, version, bytes }));
      process.send({ kind: "apply", typeUrl, resources, removed: [] });
    }
    for (const query of this.#levelsChanged ? levelQueries(this.#deps.log) : [])
      process.send({ kind: "logging", query });
    if (this.#watchers.size > 0) process.send({ kind: "tap", on: true });
    slot.ready = true;
    this.#deps.log.info("a worker serves", { worker: slot.index, pid: process.pid });
  }

  #onExit(slot: Slot, reason: string): void {
    const { clock, log } = this.#deps;
    slot.process = undefined;
    slot.ready = false;
    if (slot.last !== undefined) {
      this.#retired = countersOf(this.#retired, slot.last);
      slot.last = undefined;
    }
    if (this.#ending) {
      if (this.#alive() === 0) this.#ended();
      return;
    }
    this.restarts++;
    if (clock.monotonic() - slot.startedMs > HEALTHY_MS) slot.backoff.reset();
    const delay = slot.backoff.next();
    log.error("a worker ended by itself; its connections are lost, another one takes its place", {
      worker: slot.index,
      reason,
      inMs: Math.round(delay),
    });
    slot.timer = clock.after(delay, () => this.#launch(slot));
  }
}

/** The levels of this process as `/logging` takes them. One for each part: a worker does not have all of them. */
function levelQueries(log: Logger): readonly string[] {
  const [[, root] = ["", "info"], ...parts] = log.levels();
  return [
    `?level=${root}`,
    ...parts
      .filter(([, level]) => level !== root)
      .map(([part, level]) => `?${part.slice(part.indexOf(".") + 1)}=${level}`),
  ];
}

/** `concurrency` − 1 processes beside this one. */
export function createWorkerPool(deps: WorkerPoolDeps): Fleet {
  return new ProcessPool(deps);
}
