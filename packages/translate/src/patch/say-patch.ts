import { isDeepStrictEqual } from "node:util";
import type { JsonObject } from "@bufbuild/protobuf";
import type { ResourcePatch } from "@heddle/model";
import { asObject, asObjects, mergeJson, textOf } from "./json-merge.ts";
import { managerName } from "./patch-listeners.ts";

/** The place of a patch, as metadata names it. */
function placeOf({ source: { group, kind, namespace, name }, index }: ResourcePatch): JsonObject {
  return { group, kind, namespace, name, path: `spec.configPatches[${index}]` };
}

function withMetadata(message: JsonObject, own: JsonObject): JsonObject {
  return asObject(mergeJson(message, { metadata: { filter_metadata: { heddle: own } } }, false));
}

/** What can say where it comes from says so. */
export function withSource(value: JsonObject, patch: ResourcePatch): JsonObject {
  return withMetadata(value, { sources: [placeOf(patch)] });
}

/** Filters have no place to say who put them there: their chain says it, and of those that are gone, too. */
export function withFilterPatches(before: JsonObject, after: JsonObject, patch: ResourcePatch): JsonObject {
  const said = (old: JsonObject, young: JsonObject): JsonObject => {
    const filters = changedFilters(old, young);
    if (filters.length === 0) return young;
    return withMetadata(young, { patches: [{ ...placeOf(patch), filters }] });
  };
  const old = asObjects(before["filter_chains"]);
  const last = after["default_filter_chain"];
  return {
    ...after,
    ...(old.length === 0
      ? {}
      : { filter_chains: asObjects(after["filter_chains"]).map((chain, i) => said(old[i] ?? {}, chain)) }),
    ...(last === undefined
      ? {}
      : { default_filter_chain: said(asObject(before["default_filter_chain"]), asObject(last)) }),
  };
}

/** Names of network and HTTP filters that one chain has otherwise than the other. */
function changedFilters(before: JsonObject, after: JsonObject): string[] {
  const [old, young] = [filtersOf(before), filtersOf(after)];
  const differing = (all: readonly JsonObject[], others: readonly JsonObject[]): string[] =>
    all.filter((one) => !others.some((other) => isDeepStrictEqual(one, other))).map((one) => textOf(one["name"]));
  return [...new Set([...differing(young, old), ...differing(old, young)])];
}

/** HTTP filters stand for the filter that holds them, which would differ whenever one of them does. */
function filtersOf(chain: JsonObject): readonly JsonObject[] {
  return asObjects(chain["filters"]).flatMap((filter) => {
    if (filter["name"] !== managerName) return [filter];
    const { http_filters: http, ...rest } = asObject(filter["typed_config"]);
    return [{ ...filter, typed_config: rest }, ...asObjects(http)];
  });
}
