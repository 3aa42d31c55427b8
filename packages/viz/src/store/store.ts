import type { Sample } from "@heddle/std";
import { createSeries, type Series } from "./series.ts";

/** Who was scraped: the pod beside the proxy. */
export interface ScrapeTarget {
  readonly namespace: string;
  readonly pod: string;
}

/** One series with the pod that it was read from. */
export interface StoredSeries {
  readonly target: ScrapeTarget;
  readonly metric: string;
  readonly series: Series;
  /** True when the target was scraped before this series appeared, so that it grew from zero. */
  readonly bornAtZero: boolean;
}

/** Keeps the mesh's standard metrics of the last minutes in bounded memory. */
export interface MetricStore {
  /** Takes one scrape; metrics that no query reads are dropped. */
  ingest(target: ScrapeTarget, timeMs: number, samples: readonly Sample[]): void;
  /** All series of a metric (full sample name, as `istio_requests_total`). */
  of(metric: string): readonly StoredSeries[];
  /** Forgets series that were not seen since `beforeMs`. */
  prune(beforeMs: number): void;
  /** Time of the first scrape of all, or NaN. */
  readonly sinceMs: number;
  readonly size: number;
}

export interface MetricStoreOptions {
  /** Samples kept per series. Default: 240. */
  readonly capacity?: number;
  /** Series kept in all; further ones are refused and counted. Default: 200000. */
  readonly maxSeries?: number;
}

/** What queries read; everything else a proxy exports is left where it is. */
const KEPT = new Set([
  "istio_requests_total",
  "istio_request_duration_milliseconds_bucket",
  "istio_tcp_connections_opened_total",
  "istio_tcp_connections_closed_total",
  "istio_tcp_sent_bytes_total",
  "istio_tcp_received_bytes_total",
]);

export function createMetricStore(options: MetricStoreOptions = {}): MetricStore {
  return new RingStore(options.capacity ?? 240, options.maxSeries ?? 200_000);
}

class RingStore implements MetricStore {
  readonly #capacity: number;
  readonly #maxSeries: number;
  readonly #byMetric = new Map<string, Map<string, StoredSeries>>();
  readonly #firstScrape = new Map<string, number>();
  #sinceMs = Number.NaN;
  #size = 0;

  constructor(capacity: number, maxSeries: number) {
    this.#capacity = capacity;
    this.#maxSeries = maxSeries;
  }

  ingest(target: ScrapeTarget, timeMs: number, samples: readonly Sample[]): void {
    if (Number.isNaN(this.#sinceMs)) this.#sinceMs = timeMs;
    const targetKey = `${target.namespace}/${target.pod}`;
    const first = this.#firstScrape.get(targetKey);
    if (first === undefined) this.#firstScrape.set(targetKey, timeMs);
    for (const sample of samples) {
      if (!KEPT.has(sample.name)) continue;
      this.#stored(target, targetKey, sample, first !== undefined)?.series.push(timeMs, sample.value);
    }
  }

  of(metric: string): readonly StoredSeries[] {
    return [...(this.#byMetric.get(metric)?.values() ?? [])];
  }

  prune(beforeMs: number): void {
    for (const family of this.#byMetric.values()) {
      for (const [key, stored] of family) {
        if (stored.series.lastMs >= beforeMs) continue;
        family.delete(key);
        this.#size--;
      }
    }
  }

  get sinceMs(): number {
    return this.#sinceMs;
  }

  get size(): number {
    return this.#size;
  }

  #stored(target: ScrapeTarget, targetKey: string, sample: Sample, bornAtZero: boolean): StoredSeries | undefined {
    let family = this.#byMetric.get(sample.name);
    if (!family) {
      family = new Map();
      this.#byMetric.set(sample.name, family);
    }
    let key = targetKey;
    for (const [name, value] of sample.labels) key += `\u0000${name}\u0001${value}`;
    const known = family.get(key);
    if (known) return known;
    if (this.#size >= this.#maxSeries) return undefined;
    const stored = { target, metric: sample.name, series: createSeries(sample.labels, this.#capacity), bornAtZero };
    family.set(key, stored);
    this.#size++;
    return stored;
  }
}
