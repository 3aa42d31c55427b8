export { GRPC_CODE_NAMES } from "@heddle/wire";
export { type ApiDeps, createApi } from "./api.ts";
export type * from "./config-contract.ts";
export type * from "./contract.ts";
export type * from "./dashboard-contract.ts";
export {
  chosenPods,
  type Inventory,
  type PodInfo,
  podInfo,
  resourcesOf,
  type ServiceInfo,
  serviceInfo,
  withLabels,
} from "./inventory.ts";
export { readInventory } from "./kubernetes-inventory.ts";
export { createPrometheusApi } from "./prometheus/prometheus-api.ts";
export { edges } from "./query/edges.ts";
export { stat } from "./query/stat.ts";
export { KINDS } from "./query-params.ts";
export { KEEP_MS } from "./store/series.ts";
export { createMetricStore, type MetricStore, type ScrapeTarget } from "./store/store.ts";
export { type TapOptions, tapPods } from "./tap/tap-client.ts";
export { type NamedTapEvent, tapFailed } from "./tap/tap-event.ts";
export { type CallsAsked, watchCalls } from "./tap/watch-calls.ts";
