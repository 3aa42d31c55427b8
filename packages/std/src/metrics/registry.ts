import { writeFamilies } from "./exposition.ts";
import {
  type CounterFamily,
  createCounterFamily,
  createGaugeFamily,
  createHistogramFamily,
  type FamilyOptions,
  type GaugeFamily,
  type HistogramFamily,
} from "./family.ts";

/** All metrics of a process. Asking twice for one name and the same labels gives the same family; with other labels a sibling of it. */
export interface MetricsRegistry {
  counter(options: FamilyOptions): CounterFamily;
  gauge(options: FamilyOptions): GaugeFamily;
  /** `bounds` default: Prometheus' client defaults in seconds, 5 ms to 10 s. */
  histogram(options: FamilyOptions, bounds?: readonly number[]): HistogramFamily;
  /** `collect` runs before each exposition, to set gauges that are cheaper to read than to keep. */
  onCollect(collect: () => void): void;
  /** Everything in Prometheus' text format 0.0.4. */
  expose(): string;
}

/** Source: prometheus/client_golang `DefBuckets`. Units: s. */
export const DEFAULT_BOUNDS: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

type AnyFamily = CounterFamily | GaugeFamily | HistogramFamily;

class Registry implements MetricsRegistry {
  readonly #counters = new Map<string, CounterFamily>();
  readonly #gauges = new Map<string, GaugeFamily>();
  readonly #histograms = new Map<string, HistogramFamily>();
  /** By name, siblings together: the format wants the samples of a name in one block. */
  readonly #families = new Map<string, AnyFamily[]>();
  readonly #collectors: (() => void)[] = [];

  counter(options: FamilyOptions): CounterFamily {
    return this.#family(this.#counters, options, () => createCounterFamily(options));
  }

  gauge(options: FamilyOptions): GaugeFamily {
    return this.#family(this.#gauges, options, () => createGaugeFamily(options));
  }

  histogram(options: FamilyOptions, bounds: readonly number[] = DEFAULT_BOUNDS): HistogramFamily {
    return this.#family(this.#histograms, options, () => createHistogramFamily(options, bounds));
  }

  onCollect(collect: () => void): void {
    this.#collectors.push(collect);
  }

  expose(): string {
    for (const collect of this.#collectors) collect();
    let text = "";
    for (const siblings of this.#families.values()) text += writeFamilies(siblings);
    return text;
  }

  #family<F extends AnyFamily>(families: Map<string, F>, options: FamilyOptions, make: () => F): F {
    const key = options.labels === undefined ? options.name : `${options.name} ${options.labels.join()}`;
    const known = families.get(key);
    if (known !== undefined) return known;
    const siblings = this.#families.get(options.name);
    if (siblings !== undefined && !families.has(options.name)) {
      throw new Error(`metric ${options.name} is already registered as another kind`);
    }
    const family = make();
    families.set(key, family);
    if (!families.has(options.name)) families.set(options.name, family);
    if (siblings === undefined) this.#families.set(options.name, [family]);
    else siblings.push(family);
    return family;
  }
}

export function createMetricsRegistry(): MetricsRegistry {
  return new Registry();
}
