import type { Sample } from "@heddle/std";
import { bucketBound, createLabelSets } from "./label-set.ts";
import { plainMetric } from "./proxy-metric.ts";
import { createSeries, KEEP_MS, type Series } from "./series.ts";
import { CHUNK_STEPS, createStepPool } from "./step-pool.ts";

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
  /** Upper bound of a histogram's bucket; NaN: it is none. */
  readonly bound: number;
  /** True when the target was scraped before this series appeared, so that it grew from zero. */
  readonly bornAtZero: boolean;
}

/** Keeps the mesh's standard metrics of the last hours in bounded memory, also of pods that are gone. */
export interface MetricStore {
  /** Takes one scrape; metrics that no query reads are dropped. */
  ingest(target: ScrapeTarget, timeMs: number, samples: readonly Sample[]): void;
  /** All series of a metric (full sample name, as `istio_requests_total`). */
  of(metric: string): readonly StoredSeries[];
  /** Forgets what is too old, and makes small what ended. */
  prune(nowMs: number): void;
  /** Time of the first scrape of all, or NaN. */
  readonly sinceMs: number;
  /** Whether the pod's newest scrape still had the series: what a proxy leaves out has no value now. */
  isCurrent(stored: StoredSeries): boolean;
  readonly size: number;
  /** Room that the steps of all series hold. */
  readonly bytes: number;
  /** Samples that found no room between the last two calls of `prune`. */
  readonly refused: number;
}

export interface MetricStoreOptions {
  /** Samples with growth that are kept per series as they come (beside one a minute for `keepMs`). Default: 300. */
  readonly capacity?: number;
  /** Series kept in all; the room of those that ended goes to new ones first, further ones are refused and counted. Default: 50000. */
  readonly maxSeries?: number;
  /** How long it is known what was. Default: six hours. Units: ms. */
  readonly keepMs?: number;
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
  "envoy_listener_no_filter_chain_match",
  "route_response_total",
  "route_actual_request_total",
  "route_response_latency_ms_bucket",
  "istio_agent_cert_expiry_seconds",
]);

/** After so long without a sample a series is kept by the minute alone. Units: ms. */
const SETTLE_MS = 10 * 60_000;
/** After so long without a sample a series may be given up for a new one. Units: ms. */
const ENDED_MS = 60_000;
/** In a full store room is looked for no more often: every pod is scraped at a moment of its own. Units: ms. */
const LOOK_AGAIN_MS = 1000;

export function createMetricStore(options: MetricStoreOptions = {}): MetricStore {
  return new GroupedStore(options.capacity ?? 300, options.maxSeries ?? 50_000, options.keepMs ?? KEEP_MS);
}

/** The buckets of one histogram, or a single series. */
interface Group {
  readonly labels: ReadonlyMap<string, string>;
  readonly byBound: Map<number, StoredSeries>;
}

interface Family {
  /** By pod and labels without `le`. */
  readonly groups: Map<string, Group>;
  /** All of them in a row; undefined after a change. */
  list: readonly StoredSeries[] | undefined;
}

class GroupedStore implements MetricStore {
  readonly #capacity: number;
  readonly #maxSeries: number;
  readonly #keepMs: number;
  readonly #families = new Map<string, Family>();
  readonly #labelSets = createLabelSets();
  readonly #pool = createStepPool();
  /** By pod: when it was scraped first and last. */
  readonly #scrapes = new Map<string, { readonly firstMs: number; lastMs: number }>();
  #sinceMs = Number.NaN;
  #size = 0;
  #refusedNow = 0;
  #refused = 0;
  /** Series forgotten since the texts of labels were. */
  #forgotten = 0;
  /** Last time that room was looked for in vain. */
  #fullMs = Number.NaN;

  constructor(capacity: number, maxSeries: number, keepMs: number) {
    this.#capacity = capacity;
    this.#maxSeries = maxSeries;
    this.#keepMs = keepMs;
  }

  ingest(target: ScrapeTarget, nowMs: number, samples: readonly Sample[]): void {
    const targetKey = `${target.namespace}/${target.pod}`;
    const scrape = this.#scrapes.get(targetKey);
    const previousMs = scrape?.lastMs;
    // A clock may be set back; series rely on times that ascend.
    const timeMs = Math.max(nowMs, previousMs ?? nowMs);
    if (Number.isNaN(this.#sinceMs)) this.#sinceMs = timeMs;
    if (scrape === undefined) this.#scrapes.set(targetKey, { firstMs: timeMs, lastMs: timeMs });
    else scrape.lastMs = timeMs;
    for (const scraped of samples) {
      const sample = plainMetric(scraped);
      if (!KEPT_METRICS.has(sample.name)) continue;
      const series = this.#stored(target, targetKey, timeMs, sample, scrape !== undefined)?.series;
      // Proxies forget what was idle: when it is back, it counts from zero.
      if (previousMs !== undefined && series !== undefined && series.lastMs < previousMs) series.push(previousMs, 0);
      series?.push(timeMs, sample.value);
    }
  }

  of(metric: string): readonly StoredSeries[] {
    const family = this.#families.get(metric);
    if (family === undefined) return [];
    family.list ??= [...family.groups.values()].flatMap((group) => [...group.byBound.values()]);
    return family.list;
  }

  isCurrent({ target, series }: StoredSeries): boolean {
    return series.lastMs === this.#scrapes.get(`${target.namespace}/${target.pod}`)?.lastMs;
  }

  prune(nowMs: number): void {
    this.#refused = this.#refusedNow;
    this.#refusedNow = 0;
    for (const [key, { lastMs }] of this.#scrapes) if (lastMs < nowMs - this.#keepMs) this.#scrapes.delete(key);
    this.#forget(({ series }) => series.lastMs < nowMs - this.#keepMs);
    for (const { series } of this.#all()) if (series.lastMs < nowMs - SETTLE_MS) series.settle();
  }

  get sinceMs(): number {
    return this.#sinceMs;
  }

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#pool.taken * CHUNK_STEPS * 8;
  }

  get refused(): number {
    return this.#refused;
  }

  #stored(
    target: ScrapeTarget,
    targetKey: string,
    timeMs: number,
    sample: Sample,
    bornAtZero: boolean,
  ): StoredSeries | undefined {
    const metric = sample.name;
    let key = targetKey;
    for (const [name, value] of sample.labels) if (name !== "le") key += `\u0000${name}\u0001${value}`;
    const bound = bucketBound(sample.labels);
    const known = this.#families.get(metric)?.groups.get(key)?.byBound.get(bound);
    if (known) return known;
    if (this.#size >= this.#maxSeries && !this.#makeRoom(timeMs)) {
      this.#refusedNow++;
      return undefined;
    }
    const { family, group } = this.#groupOf(metric, key, sample.labels);
    const series = createSeries(group.labels, { fine: this.#capacity, keepMs: this.#keepMs, pool: this.#pool });
    const stored = { target, metric, series, bound, bornAtZero };
    group.byBound.set(bound, stored);
    family.list = undefined;
    this.#size++;
    return stored;
  }

  #groupOf(
    metric: string,
    key: string,
    labels: ReadonlyMap<string, string>,
  ): { readonly family: Family; readonly group: Group } {
    let family = this.#families.get(metric);
    if (!family) {
      family = { groups: new Map(), list: undefined };
      this.#families.set(metric, family);
    }
    let group = family.groups.get(key);
    if (!group) {
      group = { labels: this.#labelSets.keep(labels), byBound: new Map() };
      family.groups.set(key, group);
    }
    return { family, group };
  }

  /** Gives up what ended first: a fiftieth of all the room at once, as looking for it costs a pass over everything. */
  #makeRoom(timeMs: number): boolean {
    if (timeMs < this.#fullMs + LOOK_AGAIN_MS) return false;
    const ended = [...this.#all()].filter(({ series }) => series.lastMs < timeMs - ENDED_MS);
    if (ended.length === 0) {
      this.#fullMs = timeMs;
      return false;
    }
    ended.sort((a, b) => a.series.lastMs - b.series.lastMs);
    const gone = new Set(ended.slice(0, Math.max(1, Math.floor(this.#maxSeries / 50))));
    this.#forget((stored) => gone.has(stored));
    return true;
  }

  #forget(isGone: (stored: StoredSeries) => boolean): void {
    for (const family of this.#families.values())
      for (const [key, group] of family.groups) {
        for (const [bound, stored] of group.byBound) {
          if (!isGone(stored)) continue;
          group.byBound.delete(bound);
          stored.series.release();
          family.list = undefined;
          this.#size--;
          this.#forgotten++;
        }
        if (group.byBound.size === 0) family.groups.delete(key);
      }
    // What is still in use is merely not shared with what comes.
    if (this.#forgotten < this.#maxSeries / 10) return;
    this.#forgotten = 0;
    this.#labelSets.clear();
  }

  *#all(): Generator<StoredSeries> {
    for (const { groups } of this.#families.values())
      for (const { byBound } of groups.values()) yield* byBound.values();
  }
}
