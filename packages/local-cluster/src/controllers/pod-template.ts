import { at, cloneDict, dict, text } from "../api/json/json-value.ts";
import type { KubeObject } from "../contract/index.ts";
import { controllerReference } from "./ownership.ts";

const ALPHABET = "bcdfghjklmnpqrstvwxz2456789";
/** Name that the API server completes with five characters. */
const LONGEST_PREFIX = 58;

/** A pod as the template of `owner` says, named by `prefix` and a random ending unless `name` is given. */
export function podFromTemplate(
  owner: KubeObject,
  template: unknown,
  naming: { readonly name?: string; readonly extraLabels?: Readonly<Record<string, string>> } = {},
): KubeObject {
  const metadata = dict(at(template, "metadata"));
  const labels = { ...stringMap(metadata["labels"]), ...naming.extraLabels };
  const annotations = stringMap(metadata["annotations"]);
  const { name = "", namespace = "" } = owner.metadata;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: naming.name ?? "",
      ...(naming.name === undefined && { generateName: `${name.slice(0, LONGEST_PREFIX - 1)}-` }),
      namespace,
      labels,
      annotations,
      ownerReferences: [controllerReference(owner)],
    },
    spec: cloneDict(dict(at(template, "spec"))),
  };
}

export function stringMap(value: unknown): Readonly<Record<string, string>> {
  const map: Record<string, string> = {};
  for (const [key, item] of Object.entries(dict(value))) map[key] = text(item);
  return map;
}

/** A short name for a template: equal templates have equal hashes. Source: FNV-1a, letters as Kubernetes' `SafeEncodeString`. */
export function templateHash(template: unknown, collisions: number): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(canonical(template) + (collisions === 0 ? "" : String(collisions)))) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return [...String(hash)].map((digit) => ALPHABET[digit.charCodeAt(0) % ALPHABET.length] ?? "b").join("");
}

/** JSON with sorted keys. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined && field !== null)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${canonical(field)}`).join(",")}}`;
}
