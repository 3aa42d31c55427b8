import type { HeaderMutationConfig } from "../config/filters/header-mutation.ts";
import { exchangeValues } from "../http/exchange-values.ts";
import { applySteps } from "../http/header-values.ts";
import type { FilterCall, HttpFilter } from "./http-filter.ts";

/** Changes headers of requests and responses. Source: Envoy `envoy.filters.http.header_mutation`. */
class HeaderMutationFilter implements HttpFilter {
  /** In the order in which they run. */
  readonly #levels: readonly HeaderMutationConfig[];

  constructor(levels: readonly HeaderMutationConfig[]) {
    this.#levels = levels;
  }

  onRequest(call: FilterCall): boolean {
    const values = exchangeValues(call.exchange);
    for (const level of this.#levels) {
      // Read as long as the headers still name the client.
      if (level.namesClient) void call.exchange.forwardedIp;
      applySteps(level.request, call.request.headers, values);
    }
    if (this.#levels.some((level) => level.response.length > 0)) {
      call.onResponse((head) => {
        for (const level of this.#levels) applySteps(level.response, head.headers, values);
      });
    }
    return true;
  }
}

/** `levels`: of the filter, then of table, virtual host and route. */
export function createHeaderMutationFilter(levels: readonly HeaderMutationConfig[]): HttpFilter {
  // Source: Envoy runs the most specific level first, unless it is to win.
  const mostSpecificWins = levels[0]?.mostSpecificWins ?? false;
  const [own, ...routes] = levels;
  const ordered = mostSpecificWins ? routes : routes.reverse();
  return new HeaderMutationFilter(own === undefined ? ordered : [own, ...ordered]);
}
