import type { JsonObject, JsonValue } from "@bufbuild/protobuf";

/** A layer of values; keys with dots or nested objects. */
export interface RuntimeLayer {
  readonly name: string;
  readonly values: JsonObject;
}

/** What the runtime starts with. */
export interface RuntimeSettings {
  /** Weakest first. */
  readonly layers: readonly RuntimeLayer[];
  /** Name of the layer that operators change; undefined: none can be changed. */
  readonly adminLayer: string | undefined;
}

/** A share, 0…1, that the runtime may replace. `key` "": it can't. */
export interface RuntimeShare {
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
  /** Weakest first. */
  layers(): readonly RuntimeLayer[];
  /** There is a layer that `modify` writes. */
  readonly modifiable: boolean;
  /** Sets values of the admin layer, and removes those that are "". */
  modify(changes: readonly (readonly [key: string, text: string])[]): void;
}

class LayeredRuntime implements Runtime {
  readonly #fixed: readonly RuntimeLayer[];
  /** The admin layer, which stands among the others by this place; -1: there is none. */
  readonly #adminAt: number;
  readonly #admin: Map<string, JsonValue>;
  #values: ReadonlyMap<string, JsonValue> = new Map();

  constructor({ layers, adminLayer }: RuntimeSettings) {
    this.#fixed = layers;
    this.#adminAt = adminLayer === undefined ? -1 : layers.findIndex(({ name }) => name === adminLayer);
    this.#admin = new Map(Object.entries(layers[this.#adminAt]?.values ?? {}));
    this.#merge();
  }

  get modifiable(): boolean {
    return this.#adminAt >= 0;
  }

  layers(): readonly RuntimeLayer[] {
    return this.#fixed.map((layer, i) =>
      i === this.#adminAt ? { name: layer.name, values: Object.fromEntries(this.#admin) } : layer,
    );
  }

  modify(changes: readonly (readonly [key: string, text: string])[]): void {
    for (const [key, text] of changes) {
      if (text === "") this.#admin.delete(key);
      else this.#admin.set(key, readText(text));
    }
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
    return typeof value === "boolean" ? value : base;
  }

  #read(key: string): JsonValue | undefined {
    return key === "" || this.#values.size === 0 ? undefined : this.#values.get(key);
  }

  #merge(): void {
    this.#values = new Map(
      this.layers().flatMap(({ values }) => flatten("", values).map(([key, value]) => [key, parsed(value)] as const)),
    );
  }
}

/** Nested objects are keys with dots; a fractional percent is a value as it stands. */
export function flatten(path: string, value: JsonValue): readonly (readonly [string, JsonValue])[] {
  if (typeof value !== "object" || value === null || Array.isArray(value) || "numerator" in value)
    return [[path, value]];
  return Object.entries(value).flatMap(([key, item]) => flatten(path === "" ? key : `${path}.${key}`, item));
}

function parsed(value: JsonValue): JsonValue {
  return typeof value === "string" ? readText(value) : value;
}

/** Numbers, switches and fractional percents come as text too. */
function readText(text: string): JsonValue {
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

export function createRuntime(settings: RuntimeSettings): Runtime {
  return new LayeredRuntime(settings);
}

/** No values at all. */
export const NO_RUNTIME: Runtime = createRuntime({ layers: [], adminLayer: undefined });
