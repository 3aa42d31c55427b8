import { at, recordOf, textOf } from "@heddle/std";
import { recordsOf, textsOf } from "./json.ts";

/** An object, and the field of it, that decided something. */
export interface Origin {
  /** `VirtualService shop/reviews`. */
  readonly object: string;
  /** `spec.http[0].match[1]`; undefined: the object as a whole. */
  readonly path?: string;
}

export function originText({ object, path }: Origin): string {
  return path === undefined ? object : `${object} ${path}`;
}

function originOf(value: unknown): Origin {
  const namespace = textOf(at(value, "namespace"));
  const object = `${textOf(at(value, "kind"))} ${namespace === "" ? "" : `${namespace}/`}${textOf(at(value, "name"))}`;
  const path = textOf(at(value, "path"));
  return path === "" ? { object } : { object, path };
}

/** The objects that a generated resource is made from. */
export function sourcesOf(resource: unknown): readonly Origin[] {
  const metadata = at(resource, "metadata", "filter_metadata");
  const own = recordsOf(at(metadata, "heddle", "sources")).map(originOf);
  return own.length > 0 ? own : istioSource(textOf(at(metadata, "istio", "config")));
}

/** `/apis/networking.istio.io/v1/namespaces/shop/virtual-service/reviews`: how istiod names the source of a route or cluster. */
function istioSource(path: string): readonly Origin[] {
  const match = /\/namespaces\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(path);
  if (match === null) return [];
  const kind = (match[2] ?? "").replace(/(^|-)([a-z])/g, (_all, _dash, letter: string) => letter.toUpperCase());
  return [{ object: `${kind} ${match[1]}/${match[3]}` }];
}

/** The field that decided `what`; undefined when nobody wrote one. */
export function decidedBy(resource: unknown, what: string): Origin | undefined {
  const found = at(resource, "metadata", "filter_metadata", "heddle", "decided", what);
  return found === undefined ? undefined : originOf(found);
}

/** Every decision that is known of a resource. */
export function decisionsOf(resource: unknown): Readonly<Record<string, Origin>> {
  const all = recordOf(at(resource, "metadata", "filter_metadata", "heddle", "decided"));
  return Object.fromEntries(Object.entries(all).map(([what, value]) => [what, originOf(value)]));
}

/** Rules without effect on a resource, as sentences: requests pass them by. */
export function leftOutOf(resource: unknown): readonly string[] {
  return recordsOf(at(resource, "metadata", "filter_metadata", "heddle", "leftOut")).map(
    (one) => `left out ${originText(originOf(one))}: ${textOf(one["reason"])}; requests go on to the next rule`,
  );
}

/** EnvoyFilters that put filters into a chain, changed them or took them away. */
export function filterPatchesOf(
  chain: unknown,
): readonly { readonly by: Origin; readonly filters: readonly string[] }[] {
  return recordsOf(at(chain, "metadata", "filter_metadata", "heddle", "patches")).map((one) => ({
    by: originOf(one),
    filters: textsOf(one["filters"]),
  }));
}
