import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import type { MetadataEntry, SetMetadataConfig } from "../config/filters/set-metadata.ts";
import type { FilterCall, FilterSurroundings, HttpFilter } from "./http-filter.ts";

const DENIED = "set_metadata.overwrite_denied";

/** Leaves configured values for other filters, logs and balancing. Source: Envoy `envoy.filters.http.set_metadata`. */
class SetMetadataFilter implements HttpFilter {
  readonly #own: SetMetadataConfig;
  readonly #route: SetMetadataConfig | undefined;
  readonly #around: FilterSurroundings;

  constructor(own: SetMetadataConfig, route: SetMetadataConfig | undefined, around: FilterSurroundings) {
    this.#own = own;
    this.#route = route;
    this.#around = around;
  }

  onRequest(call: FilterCall): boolean {
    const { metadata } = call;
    for (const entry of this.#own.entries) if (!leave(metadata, entry)) this.#around.count(DENIED);
    if (this.#route === undefined) return true;
    // Source: Envoy counts a route's under the bare name.
    for (const entry of this.#route.entries) if (!leave(metadata, entry)) this.#around.countAlone(DENIED);
    return true;
  }
}

/** False: something was there that may not be overwritten. */
function leave(metadata: Map<string, JsonValue>, { namespace, overwrite, value }: MetadataEntry): boolean {
  const before = metadata.get(namespace);
  if (before !== undefined && !overwrite) return false;
  metadata.set(namespace, isObject(before) ? mergeObjects(before, value) : value);
  return true;
}

/** Objects merge, lists follow each other, everything else is replaced. Source: Envoy `StructUtil::update`. */
export function mergeObjects(before: JsonObject, added: JsonObject): JsonObject {
  const merged: JsonObject = { ...before };
  for (const [key, value] of Object.entries(added)) {
    const old = merged[key];
    if (Array.isArray(value)) merged[key] = Array.isArray(old) ? [...old, ...value] : value;
    else if (isObject(value)) merged[key] = isObject(old) ? mergeObjects(old, value) : value;
    else merged[key] = value;
  }
  return merged;
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A route's entries come after the filter's. */
export function createSetMetadataFilter(
  own: SetMetadataConfig,
  route: SetMetadataConfig | undefined,
  around: FilterSurroundings,
): HttpFilter {
  return new SetMetadataFilter(own, route, around);
}
