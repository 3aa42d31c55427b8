import type { JsonObject, StringMap } from "@heddle/config";

export interface MergedScrape {
  readonly annotations: StringMap;
  /** The application's own target, for the agent to scrape and merge. */
  readonly scrape: JsonObject | undefined;
}

/**
 * Points Prometheus at the agent, which answers with the metrics of proxy and application together.
 * An application that says `prometheus.io/scrape: "false"` is left alone.
 */
export function mergeScrape(annotations: StringMap, statusPort: number): MergedScrape {
  const said = annotations["prometheus.io/scrape"];
  if (said === "false") return { annotations: {}, scrape: undefined };
  const scrape =
    said === "true"
      ? {
          scrape: "true",
          path: annotations["prometheus.io/path"] ?? "/metrics",
          port: annotations["prometheus.io/port"] ?? "80",
        }
      : undefined;
  return {
    annotations: {
      "prometheus.io/scrape": "true",
      "prometheus.io/path": "/stats/prometheus",
      "prometheus.io/port": String(statusPort),
    },
    scrape,
  };
}
