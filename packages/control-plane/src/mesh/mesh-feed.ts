import {
  defaultInjectorValues,
  defaultMeshConfig,
  formatProblem,
  type InjectorValues,
  type MeshConfig,
  type MeshNetworks,
  type Meta,
  parseInjectorValues,
  parseMeshConfig,
  parseMeshNetworks,
  readMeta,
  refOf,
} from "@heddle/config";
import {
  applyEvents,
  applySettings,
  emptyMesh,
  type MeshChange,
  type MeshOptions,
  type MeshState,
} from "@heddle/model";
import type { SourceEvent, SourceProblem, SourceSink } from "@heddle/sources";
import type { Clock, Logger } from "@heddle/std";
import { configText } from "../secrets/data-text.ts";
import { createDebounce, type Debounce } from "./debounce.ts";

/** A new state of the mesh. */
export interface MeshUpdate {
  readonly state: MeshState;
  readonly change: MeshChange;
  /** When the first event of this update arrived, on the monotonic clock. Units: ms. */
  readonly sinceMs: number;
  readonly waitedMs: number;
}

export interface MeshFeedOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly domain: string;
  readonly clusterId: string;
  readonly rootNamespace: string;
  readonly debounceAfterMs: number;
  readonly debounceMaxMs: number;
  /** Number of sources that have to be in sync before the first update. */
  readonly sources: number;
  /** In force until a ConfigMap `istio` says otherwise. */
  readonly mesh?: MeshConfig;
  /** Adds to a MeshConfig what only this process knows. */
  complete?(mesh: MeshConfig): MeshConfig;
  onEvent?(kind: string, action: "upsert" | "delete"): void;
  /** A source could not list or watch; it goes on trying. */
  onSyncError?(): void;
  /** A resource has no effect, for its errors. @param name `namespace/name`. */
  onRefused?(kind: string, name: string): void;
  /** A state was built from what came in. */
  onBuilt?(tookMs: number): void;
  onUpdate(update: MeshUpdate): void;
}

/** Turns what sources say into states of the mesh: the first when all are in sync, then one after each burst of changes. */
export interface MeshFeed {
  /** The sink for one source. */
  sink(name: string): SourceSink;
  readonly state: MeshState;
  readonly synced: boolean;
  readonly injectorValues: InjectorValues;
  /**
   * A namespace as it was last heard of, without waiting for the next state: pods are often created right behind their namespace,
   * and the webhook must not take it for one that asks for nothing.
   */
  namespaceOf(name: string): Meta | undefined;
  /** Settings from elsewhere: for registries whose cluster does not decide about the mesh. */
  useSettings(mesh: MeshConfig, networks: MeshNetworks | undefined): void;
  /** In force, as ConfigMap `istio` has them. */
  readonly settings: MeshOptions;
  close(): void;
}

/** Endpoint changes reach proxies after this much quiet, everything else after `debounceAfterMs`. Units: ms. */
const endpointQuietMs = 10;
const endpointKinds = new Set(["EndpointSlice", "Pod"]);

class Feed implements MeshFeed {
  readonly #options: MeshFeedOptions;
  readonly #debounce: Debounce;
  #settings: MeshOptions;
  #settingsChanged = false;
  #state: MeshState;
  #events: SourceEvent[] = [];
  #unsynced: number;
  #since: number | undefined;
  #injectorValues = defaultInjectorValues();
  /** Invariant: what every event about a namespace so far adds up to. */
  readonly #namespaces = new Map<string, Meta>();
  #closed = false;

  constructor(options: MeshFeedOptions) {
    this.#options = options;
    this.#unsynced = options.sources;
    this.#settings = {
      mesh: options.mesh ?? defaultMeshConfig(),
      domain: options.domain,
      clusterId: options.clusterId,
    };
    this.#state = emptyMesh(this.#settings);
    this.#debounce = createDebounce({
      clock: options.clock,
      quietMs: options.debounceAfterMs,
      urgentMs: endpointQuietMs,
      maxMs: options.debounceMaxMs,
      run: (waitedMs) => this.#apply(waitedMs),
    });
  }

  get state(): MeshState {
    return this.#state;
  }

  get synced(): boolean {
    return this.#unsynced === 0;
  }

  get injectorValues(): InjectorValues {
    return this.#injectorValues;
  }

  namespaceOf(name: string): Meta | undefined {
    return this.#namespaces.get(name);
  }

  get settings(): MeshOptions {
    return this.#settings;
  }

  useSettings(mesh: MeshConfig, networks: MeshNetworks | undefined): void {
    this.#settings = { ...this.#settings, mesh, ...(networks === undefined ? {} : { networks }) };
    this.#settingsChanged = true;
    if (this.#unsynced === 0) this.#debounce.trigger(false);
  }

  sink(name: string): SourceSink {
    let synced = false;
    return {
      onEvent: (event) => this.#onEvent(event),
      onProblem: (problem: SourceProblem) => {
        this.#options.onSyncError?.();
        this.#options.log.warn(problem.reason, { source: problem.source });
      },
      onSynced: () => {
        if (synced) return;
        synced = true;
        this.#unsynced--;
        this.#options.log.info("source is in sync", { source: name });
        if (this.#unsynced === 0 && !this.#closed) this.#apply(0);
      },
    };
  }

  close(): void {
    this.#closed = true;
    this.#debounce.cancel();
  }

  #onEvent(event: SourceEvent): void {
    if (this.#closed) return;
    const kind = event.kind === "upsert" ? event.object.kind : event.ref.kind;
    this.#options.onEvent?.(kind, event.kind);
    this.#since ??= this.#options.clock.monotonic();
    if (kind === "Namespace") {
      if (event.kind === "upsert") this.#namespaces.set(event.object.metadata.name, readMeta(event.object.metadata));
      else this.#namespaces.delete(event.ref.name);
    }
    if (kind === "ConfigMap") {
      if (!this.#readConfigMap(event)) return;
    } else {
      this.#events.push(event);
    }
    if (this.#unsynced === 0) this.#debounce.trigger(endpointKinds.has(kind));
  }

  /** The mesh's own settings. Invalid ones are logged and leave the last valid ones in force. */
  #readConfigMap(event: SourceEvent): boolean {
    const ref = event.kind === "upsert" ? refOf(event.object) : event.ref;
    if (ref.namespace !== this.#options.rootNamespace) return false;
    const object = event.kind === "upsert" ? event.object : undefined;
    if (ref.name === "istio") {
      const parsed = parseMeshConfig(configText(object, "mesh"));
      for (const problem of parsed.ok ? parsed.warnings : parsed.problems)
        this.#options.log.warn(formatProblem(problem));
      if (!parsed.ok) return false;
      const networks = parseMeshNetworks(configText(object, "meshNetworks"));
      for (const problem of networks.ok ? networks.warnings : networks.problems)
        this.#options.log.warn(formatProblem(problem));
      this.#settings = {
        ...this.#settings,
        mesh: this.#options.complete?.(parsed.value) ?? parsed.value,
        ...(networks.ok ? { networks: networks.value } : {}),
      };
      this.#settingsChanged = true;
      return true;
    }
    if (ref.name === "istio-sidecar-injector") {
      const parsed = parseInjectorValues(configText(object, "values"));
      for (const problem of parsed.ok ? parsed.warnings : parsed.problems)
        this.#options.log.warn(formatProblem(problem));
      if (parsed.ok) this.#injectorValues = parsed.value;
    }
    return false;
  }

  #apply(waitedMs: number): void {
    const events = this.#events;
    this.#events = [];
    const sinceMs = this.#since ?? this.#options.clock.monotonic();
    this.#since = undefined;
    const startedAt = this.#options.clock.monotonic();
    let applied = applyEvents(this.#state, events);
    if (this.#settingsChanged) {
      this.#settingsChanged = false;
      const settled = applySettings(applied.state, this.#settings);
      applied = {
        state: settled.state,
        change: { views: true, endpoints: [...applied.change.endpoints, ...settled.change.endpoints] },
      };
    }
    this.#options.onBuilt?.(this.#options.clock.monotonic() - startedAt);
    this.#logProblems(applied.state);
    this.#state = applied.state;
    this.#options.onUpdate({ state: applied.state, change: applied.change, sinceMs, waitedMs });
  }

  #logProblems(state: MeshState): void {
    for (const [key, problems] of state.problems) {
      if (this.#state.problems.get(key) === problems) continue;
      const refused = problems.find(({ severity }) => severity === "error");
      if (refused !== undefined) {
        const [kind = "", name = ""] = refused.source.split(" ");
        this.#options.onRefused?.(kind, name);
      }
      for (const problem of problems) {
        if (problem.severity === "error") this.#options.log.error(formatProblem(problem));
        else this.#options.log.warn(formatProblem(problem));
      }
    }
  }
}

export function createMeshFeed(options: MeshFeedOptions): MeshFeed {
  return new Feed(options);
}
