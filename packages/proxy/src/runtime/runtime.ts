import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import type { ConfigOrigin } from "../config/config-origin.ts";

/** A layer of values; keys with dots or nested objects. */
export interface RuntimeLayer {
  readonly name: string;
  /** Undefined: the folder that holds them is not there. */
  readonly values: JsonObject | undefined;
}

/** A layer whose values stand in files below `root`/`below`, or in the folder of the service cluster there. */
export interface FolderLayer {
  readonly name: string;
  /** Mostly a link that is moved to bring new values. */
  readonly root: string;
  readonly below: string;
  readonly appendsCluster: boolean;
}

/** A layer that a discovery server or file brings. */
export interface DiscoveredLayer {
  readonly name: string;
  /** Name of the resource. */
  readonly resource: string;
  readonly from: ConfigOrigin;
}

/** What the runtime starts with. */
export interface RuntimeSettings {
  /** Weakest first. */
  readonly layers: readonly RuntimeLayer[];
  /** Name of the layer that operators change; undefined: none can be changed. */
  readonly adminLayer: string | undefined;
  /** Those of `layers` that are folders. Default: none. */
  readonly folders?: readonly FolderLayer[];
  /** Those of `layers` that come by discovery. Default: none. */
  readonly discovered?: readonly DiscoveredLayer[];
}

/** What is known of a folder's layer. */
export interface LayerState {
  readonly values: JsonObject | undefined;
  /** It is there, and can't be read. */
  readonly failed: boolean;
}

/** For statistics, under Envoy's names. */
export interface RuntimeCounts {
  loadSuccess: number;
  loadError: number;
  overrideDirExists: number;
  overrideDirNotExists: number;
}

/** A share, 0…1, that the runtime may replace. `key` "": it can't. */
export interface RuntimeShare {
  readonly key: string;
  readonly base: number;
}

/** A number that the runtime may replace. `key` "": it can't. */
export interface RuntimeNumber {
  readonly key: string;
  readonly base: number;
}

/** A switch that the runtime may replace. */
export interface RuntimeFlag {
  readonly key: string;
  readonly base: boolean;
}

/** Values that operators change without new configuration. Source: Envoy `layered_runtime`. */
export interface Runtime {
  share(of: RuntimeShare): number;
  flag(of: RuntimeFlag): boolean;
  number(of: RuntimeNumber): number;
  /** Those that are there, weakest first. */
  layers(): readonly RuntimeLayer[];
  /** Layers that are to be asked for. */
  readonly discovered: readonly DiscoveredLayer[];
  readonly counts: Readonly<RuntimeCounts>;
  /** Keys that have a value. */
  readonly keys: number;
  /** Operators have set something. */
  readonly overridden: boolean;
  /** There is a layer that `modify` writes. */
  readonly modifiable: boolean;
  /** Sets values of the admin layer, and removes those that are "". */
  modify(changes: readonly (readonly [key: string, text: string])[]): void;
  /** New values of folders, by the layer's name. */
  setLayers(states: ReadonlyMap<string, LayerState>): void;
  /** New values of a resource, for all layers that it is; undefined: it is gone. Those that nobody asked for have no effect. */
  setResource(name: string, values: JsonObject | undefined): void;
}

class LayeredRuntime implements Runtime {
  readonly #names: readonly string[];
  readonly #adminLayer: string | undefined;
  readonly #admin: Map<string, JsonValue>;
  readonly #layers: Map<string, LayerState>;
  readonly #folders: ReadonlySet<string>;
  readonly discovered: readonly DiscoveredLayer[];
  readonly counts: RuntimeCounts = { loadSuccess: 0, loadError: 0, overrideDirExists: 0, overrideDirNotExists: 0 };
  #values: ReadonlyMap<string, JsonValue> = new Map();

  constructor(settings: RuntimeSettings, states: ReadonlyMap<string, LayerState>) {
    const { layers, adminLayer, folders = [], discovered = [] } = settings;
    this.#names = layers.map(({ name }) => name);
    this.#adminLayer = adminLayer;
    this.#admin = new Map(Object.entries(layers.find(({ name }) => name === adminLayer)?.values ?? {}));
    this.#layers = new Map(layers.map(({ name, values }) => [name, { values, failed: false }]));
    for (const [name, state] of states) this.#layers.set(name, state);
    this.#folders = new Set(folders.map(({ name }) => name));
    this.discovered = discovered;
    this.#merge();
  }

  get modifiable(): boolean {
    return this.#adminLayer !== undefined;
  }

  get keys(): number {
    return this.#values.size;
  }

  get overridden(): boolean {
    return this.#admin.size > 0;
  }

  layers(): readonly RuntimeLayer[] {
    return this.#names.flatMap((name) => {
      const values = name === this.#adminLayer ? Object.fromEntries(this.#admin) : this.#layers.get(name)?.values;
      return values === undefined ? [] : [{ name, values }];
    });
  }

  modify(changes: readonly (readonly [key: string, text: string])[]): void {
    for (const [key, text] of changes) {
      if (text === "") this.#admin.delete(key);
      else this.#admin.set(key, readText(text));
    }
    this.#merge();
  }

  setLayers(states: ReadonlyMap<string, LayerState>): void {
    for (const [name, state] of states) this.#layers.set(name, state);
    this.#merge();
  }

  setResource(name: string, values: JsonObject | undefined): void {
    const own = this.discovered.filter(({ resource }) => resource === name);
    if (own.length === 0) return;
    for (const layer of own) this.#layers.set(layer.name, { values: values ?? {}, failed: false });
    this.#merge();
  }

  share({ key, base }: RuntimeShare): number {
    const value = this.#read(key);
    if (value === undefined) return base;
    if (typeof value === "number") return Math.min(Math.max(value, 0), 100) / 100;
    return fractionIn(value) ?? base;
  }

  flag({ key, base }: RuntimeFlag): boolean {
    const value = this.#read(key);
    // Source: Envoy takes numbers for switches, too.
    return typeof value === "boolean" ? value : typeof value === "number" ? value !== 0 : base;
  }

  number({ key, base }: RuntimeNumber): number {
    const value = this.#read(key);
    return typeof value === "number" ? value : base;
  }

  #read(key: string): JsonValue | undefined {
    return key === "" || this.#values.size === 0 ? undefined : this.#values.get(key);
  }

  #merge(): void {
    this.#values = new Map(
      this.layers().flatMap(({ values = {} }) =>
        flatten("", values).map(([key, value]) => [key, parsed(value)] as const),
      ),
    );
    const { counts } = this;
    const folders = [...this.#folders].map((name) => this.#layers.get(name));
    // Source: Envoy counts so, as if the second of two folders were what overrides the first.
    if (folders.filter((state) => state?.values !== undefined).length > 1) counts.overrideDirExists++;
    else counts.overrideDirNotExists++;
    if (folders.some((state) => state?.failed === true)) counts.loadError++;
    else counts.loadSuccess++;
  }
}

/** Nested objects are keys with dots; a fractional percent is a value as it stands. */
export function flatten(path: string, value: JsonValue): readonly (readonly [string, JsonValue])[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [[path, value]];
  const entries = Object.entries(value);
  const isFraction = "numerator" in value || "denominator" in value;
  // Source: Envoy keeps an empty object under its key, too.
  if (path !== "" && (isFraction || entries.length === 0)) return [[path, value]];
  return entries.flatMap(([key, item]) => flatten(path === "" ? key : `${path}.${key}`, item));
}

function parsed(value: JsonValue): JsonValue {
  return typeof value === "string" ? readText(value) : value;
}

/** Numbers, switches and fractional percents come as text too. */
function readText(text: string): JsonValue {
  const word = text.length > 5 ? "" : text.toLowerCase();
  if (word === "true" || word === "false") return word === "true";
  try {
    const value: JsonValue = JSON.parse(text);
    return value;
  } catch {
    return text;
  }
}

const DENOMINATORS: ReadonlyMap<string, number> = new Map([
  ["HUNDRED", 100],
  ["TEN_THOUSAND", 10_000],
  ["MILLION", 1_000_000],
]);

function fractionIn(value: JsonValue): number | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const { numerator = 0, denominator = "HUNDRED" } = value;
  const of = DENOMINATORS.get(String(denominator));
  return typeof numerator === "number" && of !== undefined ? Math.min(1, numerator / of) : undefined;
}

/** Whether a request is among a share. What is in it whole draws nothing. */
export function isChosen(share: number, random: () => number): boolean {
  return share >= 1 || random() < share;
}

/** `states`: what the folders hold at the beginning; default: nothing. */
export function createRuntime(settings: RuntimeSettings, states: ReadonlyMap<string, LayerState> = new Map()): Runtime {
  return new LayeredRuntime(settings, states);
}

/** No values at all. */
export const NO_RUNTIME: Runtime = createRuntime({ layers: [], adminLayer: undefined });
