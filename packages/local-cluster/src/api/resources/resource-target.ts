import type { ResourceDefinition } from "./resource-definition.ts";

/** What a request is about, resolved. `name` is "" for the whole collection. */
export interface ResourceTarget {
  readonly def: ResourceDefinition;
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string;
}
