import { createApi } from "../api.ts";
import type { Inventory } from "../inventory.ts";
import { createPrometheusClient } from "./prometheus-client.ts";
import { createPrometheusStores } from "./prometheus-store.ts";

/** The API's questions answered on the spot from a Prometheus. Errors: PrometheusError for what is no URL. */
export function createPrometheusApi(
  url: string,
  inventory: Inventory,
  nowMs: () => number,
): (request: Request) => Promise<Response> {
  const stores = createPrometheusStores(createPrometheusClient(url), inventory);
  return createApi({
    store: stores.latest,
    storeOf: (span) => stores.of(span),
    inventory,
    nowMs,
    ready: () => true,
    scrapeGaps: () => [],
    mesh: async () => ({ timeMs: nowMs(), replicas: [], proxies: [], gaps: [] }),
    page: () => undefined,
  });
}
