import { Histogram } from "./histogram.ts";
import { ResponseCodes } from "./response-codes.ts";

/** Counts of a route that has a `stat_prefix`, or of a virtual cluster. */
export class RouteCounters {
  /** What stands in front of their statistics. */
  readonly prefix: string;
  requestsTotal = 0;
  timeouts = 0;
  retries = 0;
  retrySuccess = 0;
  retryOverflow = 0;
  retriesUsedUp = 0;
  readonly codes = new ResponseCodes();
  /** Units: ms. */
  readonly time = new Histogram();

  constructor(prefix: string) {
    this.prefix = prefix;
  }
}

/** Counters by the name in front of their statistics: `vhost.shop.route.checkout`. They outlive the routes, as counters must. */
export interface RouteCounterSet {
  get(prefix: string): RouteCounters;
  all(): Iterable<readonly [prefix: string, counters: RouteCounters]>;
}

export function createRouteCounterSet(): RouteCounterSet {
  const byPrefix = new Map<string, RouteCounters>();
  return {
    get: (prefix) => {
      let counters = byPrefix.get(prefix);
      if (counters === undefined) {
        counters = new RouteCounters(prefix);
        byPrefix.set(prefix, counters);
      }
      return counters;
    },
    all: () => byPrefix,
  };
}
