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
    fields: {},
    columns: [NAME, CREATED_AT],
    rules: {},
    decoder: undefined,
    storageKey: `${row.group}/${row.resource}`,
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
