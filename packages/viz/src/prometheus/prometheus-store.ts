import type { Inventory } from "../inventory.ts";
import { bucketBound } from "../store/label-set.ts";
import { createSeries } from "../store/series.ts";
import { CHUNK_STEPS, createStepPool } from "../store/step-pool.ts";
import { KEPT_METRICS, type MetricStore, type ScrapeTarget, type StoredSeries } from "../store/store.ts";
import type { PrometheusClient, RangeSeries } from "./prometheus-client.ts";

/** What a question looks at. Units: ms. */
export interface AskedSpan {
  readonly fromMs: number;
  readonly toMs: number;
}

/** How far before the span samples are read: a counter's growth needs the sample before. Units: ms. */
const LOOK_BACK_MS = 120_000;
/** Several open dashboards cost Prometheus one question. Units: ms. */
const KEEP_MS = 2000;

/** Stores that hold what Prometheus has of a span, for the same queries as the own store. */
export interface PrometheusStores {
  /** Errors: PrometheusError. */
  of(span: AskedSpan): Promise<MetricStore>;
  /** What was answered last, for questions about now. */
  readonly latest: MetricStore;
}

export function createPrometheusStores(client: PrometheusClient, inventory: Inventory): PrometheusStores {
  const kept = new Map<string, Promise<MetricStore>>();
  let newest = storeOf([], inventory);
  return {
    latest: {
      ingest: () => undefined,
      prune: () => undefined,
      of: (metric) => newest.of(metric),
      isCurrent: (stored) => newest.isCurrent(stored),
      get sinceMs() {
        return newest.sinceMs;
      },
      get size() {
        return newest.size;
      },
      bytes: 0,
      refused: 0,
    },
    of: ({ fromMs, toMs }) => {
      const slot = Math.floor(toMs / KEEP_MS);
      const key = `${slot}/${Math.round((toMs - fromMs) / 1000)}`;
      for (const old of kept.keys()) if (!old.startsWith(`${slot}/`)) kept.delete(old);
      let store = kept.get(key);
      if (!store) {
        store = readStore(client, inventory, { fromMs: fromMs - LOOK_BACK_MS, toMs });
        kept.set(key, store);
        store.then(
          (read) => {
            newest = read;
          },
          () => kept.delete(key),
        );
      }
      return store;
    },
  };
}

async function readStore(client: PrometheusClient, inventory: Inventory, span: AskedSpan): Promise<MetricStore> {
  const families = await Promise.all(
    [...KEPT_METRICS].map(async (metric) => ({ metric, found: await client.samples(metric, span) })),
  );
  return storeOf(families, inventory);
}

interface Scrapes {
  firstMs: number;
  lastMs: number;
}

function storeOf(
  families: readonly { readonly metric: string; readonly found: readonly RangeSeries[] }[],
  inventory: Inventory,
): MetricStore {
  const byIp = new Map(inventory.pods().map((p) => [p.ip, { namespace: p.namespace, pod: p.name }]));
  const scrapes = new Map<string, Scrapes>();
  let sinceMs = Number.NaN;
  const named = families.map(({ metric, found }) => ({
    metric,
    found: found.flatMap((series) => {
      const target = targetOf(series.labels, byIp);
      const [firstMs, lastMs] = [series.times[0], series.times.at(-1)];
      if (!target || firstMs === undefined || lastMs === undefined) return [];
      const scrape = scrapes.get(keyOf(target));
      if (!scrape) scrapes.set(keyOf(target), { firstMs, lastMs });
      else {
        scrape.firstMs = Math.min(scrape.firstMs, firstMs);
        scrape.lastMs = Math.max(scrape.lastMs, lastMs);
      }
      if (!(firstMs >= sinceMs)) sinceMs = firstMs;
      return [{ target, series, firstMs }];
    }),
  }));
  const byMetric = new Map<string, readonly StoredSeries[]>();
  const pool = createStepPool();
  let size = 0;
  for (const { metric, found } of named) {
    const stored = found.map(({ target, series, firstMs }): StoredSeries => {
      const own = createSeries(series.labels, { fine: series.times.length, keepMs: Number.POSITIVE_INFINITY, pool });
      for (const [i, time] of series.times.entries()) own.push(time, series.values[i] ?? 0);
      const bornAtZero = (scrapes.get(keyOf(target))?.firstMs ?? firstMs) < firstMs;
      return { target, metric, series: own, bound: bucketBound(series.labels), bornAtZero };
    });
    size += stored.length;
    byMetric.set(metric, stored);
  }
  return {
    ingest: () => undefined,
    of: (metric) => byMetric.get(metric) ?? [],
    prune: () => undefined,
    sinceMs,
    isCurrent: ({ target, series }) => series.lastMs === scrapes.get(keyOf(target))?.lastMs,
    size,
    bytes: pool.taken * CHUNK_STEPS * 8,
    refused: 0,
  };
}

const keyOf = ({ namespace, pod }: ScrapeTarget): string => `${namespace}/${pod}`;

/** Label names by which scrape configurations say which pod it was: ours and today's Istio's, older ones, the Prometheus operator's. */
const POD_LABELS = [
  ["namespace", "pod"],
  ["kubernetes_namespace", "kubernetes_pod_name"],
  ["namespace", "pod_name"],
] as const;

function targetOf(
  labels: ReadonlyMap<string, string>,
  byIp: ReadonlyMap<string, ScrapeTarget>,
): ScrapeTarget | undefined {
  for (const [namespaceLabel, podLabel] of POD_LABELS) {
    const [namespace, pod] = [labels.get(namespaceLabel), labels.get(podLabel)];
    if (namespace && pod) return { namespace, pod };
  }
  // A configuration without pod names still has the address that it scraped.
  return byIp.get((labels.get("instance") ?? "").replace(/:\d+$/, ""));
}
