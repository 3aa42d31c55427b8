import { type Clock, type ClockTimer, type Logger, parseExposition } from "@heddle/std";
import type { Inventory, PodInfo } from "./inventory.ts";
import type { MetricStore } from "./store/store.ts";

/** Port where every sidecar serves merged metrics. Source: docs/decisions/0001. */
const METRICS_PORT = 15020;
const TIMEOUT_MS = 3000;

export interface Scraper {
  start(): void;
  close(): void;
  /** Proxies whose last scrape failed, as sentences. */
  gaps(): readonly string[];
}

export interface ScraperDeps {
  readonly store: MetricStore;
  readonly inventory: Inventory;
  readonly clock: Clock;
  readonly log: Logger;
  readonly intervalMs: number;
  fetchText(url: string, timeoutMs: number): Promise<string>;
}

/** Reads every meshed pod's metrics at a fixed interval; a slow or dead proxy delays nobody else. */
export function createScraper(deps: ScraperDeps): Scraper {
  const failing = new Map<string, string>();
  let stopped = false;
  let timer: ClockTimer | undefined;

  const scrapeOne = async (pod: PodInfo): Promise<void> => {
    const key = `${pod.namespace}/${pod.name}`;
    try {
      const text = await deps.fetchText(`http://${pod.ip}:${METRICS_PORT}/stats/prometheus`, TIMEOUT_MS);
      deps.store.ingest({ namespace: pod.namespace, pod: pod.name }, deps.clock.now(), parseExposition(text).samples);
      failing.delete(key);
    } catch (error) {
      if (!failing.has(key)) deps.log.warn("a proxy could not be scraped", { pod: key, error: String(error) });
      failing.set(
        key,
        `${key}: its proxy's metrics could not be read (${error instanceof Error ? error.message : "unknown"})`,
      );
    }
  };

  const round = async (): Promise<void> => {
    const pods = deps.inventory.pods().filter((p) => p.meshed && p.running && p.ip !== "");
    const present = new Set(pods.map((p) => `${p.namespace}/${p.name}`));
    for (const key of failing.keys()) if (!present.has(key)) failing.delete(key);
    await Promise.all(pods.map(scrapeOne));
    deps.store.prune(deps.clock.now());
    if (!stopped) timer = deps.clock.after(deps.intervalMs, () => void round());
  };

  return {
    start: () => void round(),
    close: () => {
      stopped = true;
      timer?.cancel();
    },
    gaps: () => [...failing.values(), ...(deps.store.refused > 0 ? [full(deps.store)] : [])],
  };
}

function full({ size, refused }: MetricStore): string {
  return `the store is full (${size} series): ${refused} further samples of the last round are not kept; a Prometheus has room for them (heddle viz install --prometheus, or --prometheus-url)`;
}
