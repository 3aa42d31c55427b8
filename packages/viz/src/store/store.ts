import type { Sample } from "@heddle/std";
import { plainMetric } from "./proxy-metric.ts";
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
  /** Whether the pod's newest scrape still had the series: what a proxy leaves out has no value now. */
  isCurrent(stored: StoredSeries): boolean;
  readonly size: number;
}

export interface MetricStoreOptions {
  /** Samples kept per series as they come (beside one a minute for six hours). Default: 300. */
  readonly capacity?: number;
  /** Series kept in all; further ones are refused and counted. Default: 50000. */
  readonly maxSeries?: number;
}

/** What queries read; everything else a proxy exports is left where it is. */
export const KEPT_METRICS: ReadonlySet<string> = new Set([
  "istio_requests_total",
  "istio_request_duration_milliseconds_bucket",
  "istio_tcp_connections_opened_total",
  "istio_tcp_connections_closed_total",
  "istio_tcp_sent_bytes_total",
  "istio_tcp_received_bytes_total",
  "istio_request_bytes_sum",
  "istio_response_bytes_sum",
  "envoy_http_downstream_cx_active",
  "envoy_http_rbac_denied",
  "route_response_total",
  "route_actual_request_total",
  "route_response_latency_ms_bucket",
  "istio_agent_cert_expiry_seconds",
]);

export function createMetricStore(options: MetricStoreOptions = {}): MetricStore {
  return new RingStore(options.capacity ?? 300, options.maxSeries ?? 50_000);
}

class RingStore implements MetricStore {
  readonly #capacity: number;
  readonly #maxSeries: number;
  readonly #byMetric = new Map<string, Map<string, StoredSeries>>();
  /** By pod: when it was scraped first and last. */
  readonly #scrapes = new Map<string, { readonly firstMs: number; lastMs: number }>();
  #sinceMs = Number.NaN;
  #size = 0;

  constructor(capacity: number, maxSeries: number) {
    this.#capacity = capacity;
    this.#maxSeries = maxSeries;
  }

  ingest(target: ScrapeTarget, timeMs: number, samples: readonly Sample[]): void {
    if (Number.isNaN(this.#sinceMs)) this.#sinceMs = timeMs;
    const targetKey = `${target.namespace}/${target.pod}`;
    const scrape = this.#scrapes.get(targetKey);
    const previousMs = scrape?.lastMs;
    if (scrape === undefined) this.#scrapes.set(targetKey, { firstMs: timeMs, lastMs: timeMs });
    else scrape.lastMs = timeMs;
    for (const scraped of samples) {
      const sample = plainMetric(scraped);
      if (!KEPT_METRICS.has(sample.name)) continue;
      const series = this.#stored(target, targetKey, sample, scrape !== undefined)?.series;
      // Proxies forget what was idle: when it is back, it counts from zero.
      if (previousMs !== undefined && series !== undefined && series.lastMs < previousMs) series.push(previousMs, 0);
      series?.push(timeMs, sample.value);
    }
  }

  of(metric: string): readonly StoredSeries[] {
    return [...(this.#byMetric.get(metric)?.values() ?? [])];
  }

  isCurrent({ target, series }: StoredSeries): boolean {
    return series.lastMs === this.#scrapes.get(`${target.namespace}/${target.pod}`)?.lastMs;
  }

  prune(beforeMs: number): void {
    for (const [key, { lastMs }] of this.#scrapes) if (lastMs < beforeMs) this.#scrapes.delete(key);
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
