import { type FilterStateConfig, keptState } from "../config/filter-state.ts";
import { renderFormat } from "../config/format.ts";
import { exchangeValues } from "../http/exchange-values.ts";
import type { FilterCall, HttpFilter } from "./http-filter.ts";

/** Puts values beside requests, for hashing and logs. Source: Envoy `envoy.filters.http.set_filter_state`. */
class FilterStateFilter implements HttpFilter {
  readonly #values: readonly FilterStateConfig[];

  constructor(values: readonly FilterStateConfig[]) {
    this.#values = values;
  }

  onRequest(call: FilterCall): boolean {
    const values = exchangeValues(call.exchange);
    for (const { key, value, sharedWithUpstream, skipIfEmpty, hashable } of this.#values) {
      const text = renderFormat(value, values);
      if (text !== "" || !skipIfEmpty) call.setState(key, { text, hashable }, sharedWithUpstream);
    }
    return true;
  }
}

export function createFilterStateFilter(values: readonly FilterStateConfig[]): HttpFilter {
  return new FilterStateFilter(keptState(values));
}
