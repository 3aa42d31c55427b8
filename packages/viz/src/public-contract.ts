/** What the dashboard's page knows of this package: shapes only, so that a browser's types and this runtime's never meet. */
export type * from "./config-contract.ts";
export type * from "./contract.ts";
export type * from "./dashboard-contract.ts";
export type { NamedTapEvent } from "./tap/tap-event.ts";
