import { BUILTIN_COLUMNS } from "../columns/builtin-columns.ts";
import { KIND_RULES } from "../kinds/kind-rules.ts";
import { SELECTABLE_FIELDS } from "../kinds/selectable-fields.ts";
import { CREATED_AT, NAME } from "./basic-columns.ts";
import type { ResourceDefinition, SubresourceDefinition, Verb } from "./resource-definition.ts";

export const ALL_VERBS: readonly Verb[] = [
  "create",
  "delete",
  "deletecollection",
  "get",
  "list",
  "patch",
  "update",
  "watch",
];

type Essential = Pick<ResourceDefinition, "group" | "version" | "resource" | "kind" | "namespaced">;

/** A row of the resource table: what is usual is filled in. */
export function define(row: Essential & Partial<ResourceDefinition>): ResourceDefinition {
  const storageKey = row.storageKey ?? `${row.group}/${row.resource}`;
  return {
    singular: row.kind.toLowerCase(),
    listKind: `${row.kind}List`,
    shortNames: [],
    categories: [],
    verbs: ALL_VERBS,
    hasStatus: false,
    scale: undefined,
    subresources: [],
    nameForm: "subdomain",
    countsGeneration: false,
    fields: SELECTABLE_FIELDS[storageKey] ?? {},
    columns: BUILTIN_COLUMNS[storageKey] ?? [NAME, CREATED_AT],
    rules: KIND_RULES[storageKey] ?? {},
    decoder: undefined,
    storageKey,
    stored: true,
    custom: false,
    ...row,
  };
}

export function subresource(
  name: string,
  kind: string,
  verbs: readonly Verb[],
  groupVersion?: { readonly group: string; readonly version: string },
): SubresourceDefinition {
  return { name, kind, verbs, ...groupVersion };
}

/** A review: posted, answered, never stored. */
export function review(row: Essential): ResourceDefinition {
  return define({ ...row, verbs: ["create"], stored: false });
}
