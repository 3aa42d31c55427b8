import { type Counter, createCell, createHistogram, type Gauge, type Histogram } from "./series.ts";

export type MetricKind = "counter" | "gauge" | "histogram" | "untyped";

/** One labelled member of a family. */
export interface LabelledSeries<S> {
  readonly labelValues: readonly string[];
  readonly series: S;
}

/** All series of one metric name. */
export interface MetricFamily<S> {
  readonly kind: MetricKind;
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  /** The series of these label values, made at the first call. Look it up once and keep it: the look-up is not for each request. */
  with(...labelValues: readonly string[]): S;
  /** Forgets a series (its endpoint is gone). A kept reference may still be written, without effect. */
  remove(...labelValues: readonly string[]): boolean;
  clear(): void;
  readonly size: number;
  entries(): Iterable<LabelledSeries<S>>;
}

export type CounterFamily = MetricFamily<Counter>;
export type GaugeFamily = MetricFamily<Gauge>;
export type HistogramFamily = MetricFamily<Histogram>;

export interface FamilyOptions {
  readonly name: string;
  readonly help: string;
  /** Default: none. */
  readonly labels?: readonly string[];
}

class InternedFamily<S> implements MetricFamily<S> {
  readonly kind: MetricKind;
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly #make: () => S;
  readonly #series = new Map<string, LabelledSeries<S>>();

  constructor(kind: MetricKind, options: FamilyOptions, make: () => S) {
    this.kind = kind;
    this.name = options.name;
    this.help = options.help;
    this.labelNames = options.labels ?? [];
    this.#make = make;
  }

  get size(): number {
    return this.#series.size;
  }

  with(...labelValues: readonly string[]): S {
    const key = labelValues.join("\u0000");
    const known = this.#series.get(key);
    if (known !== undefined) return known.series;
    if (labelValues.length !== this.labelNames.length) {
      throw new Error(`${this.name} has ${this.labelNames.length} labels, not ${labelValues.length}`);
    }
    const series = this.#make();
    this.#series.set(key, { labelValues: [...labelValues], series });
    return series;
  }

  remove(...labelValues: readonly string[]): boolean {
    return this.#series.delete(labelValues.join("\u0000"));
  }

  clear(): void {
    this.#series.clear();
  }

  entries(): Iterable<LabelledSeries<S>> {
    return this.#series.values();
  }
}

export function createCounterFamily(options: FamilyOptions): CounterFamily {
  return new InternedFamily("counter", options, createCell);
}

export function createGaugeFamily(options: FamilyOptions): GaugeFamily {
  return new InternedFamily("gauge", options, createCell);
}

export function createHistogramFamily(options: FamilyOptions, bounds: readonly number[]): HistogramFamily {
  return new InternedFamily("histogram", options, () => createHistogram(bounds));
}
