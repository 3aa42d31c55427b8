import { at, type JsonRecord, textOf } from "@heddle/std";
import { recordsOf } from "./json.ts";
import { filterPatchesOf, type Origin, originText } from "./origin.ts";

/** The filters of a chain, and which EnvoyFilters had a hand in them. */
export interface ChainFilters {
  /** One line for people: every filter in its order, HTTP filters in the place of what holds them. */
  readonly details: readonly string[];
  /** EnvoyFilters that put, changed or took away a filter. */
  readonly patchedBy: readonly Origin[];
  /** The same for one filter. */
  patchesOf(name: string): readonly Origin[];
}

export function chainFilters(chain: JsonRecord): ChainFilters {
  const patches = filterPatchesOf(chain);
  const patchesOf = (name: string): readonly Origin[] =>
    patches.filter(({ filters }) => filters.includes(name)).map(({ by }) => by);
  const present = namesOf(chain);
  const gone = [...new Set(patches.flatMap(({ filters }) => filters))].filter((name) => !present.includes(name));
  const told = (name: string): string => {
    const by = patchesOf(name).map(originText).join(", ");
    return by === "" ? name : `${name} (${by})`;
  };
  return {
    details: [
      ...(present.length === 0 ? [] : [`filters ${present.map(told).join(", ")}`]),
      ...gone.map((name) => `filter ${name} is gone: ${patchesOf(name).map(originText).join(", ")}`),
    ],
    patchedBy: patches.map(({ by }) => by),
    patchesOf,
  };
}

function namesOf(chain: JsonRecord): readonly string[] {
  return recordsOf(chain["filters"]).flatMap((filter) => {
    const inner = recordsOf(at(filter, "typed_config", "http_filters"));
    return (inner.length === 0 ? [filter] : inner).map((one) => textOf(one["name"]));
  });
}
