export { type ApiDeps, createApi } from "./api.ts";
export type * from "./contract.ts";
export type * from "./dashboard-contract.ts";
export { type Inventory, type PodInfo, podInfo, resourcesOf, type ServiceInfo, serviceInfo } from "./inventory.ts";
export { edges } from "./query/edges.ts";
export { stat } from "./query/stat.ts";
export { createMetricStore, type MetricStore, type ScrapeTarget } from "./store/store.ts";
export { type TapOptions, tapPods } from "./tap/tap-client.ts";
export { type NamedTapEvent, type TapEvent, tapFailed } from "./tap/tap-event.ts";
