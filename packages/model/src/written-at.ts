import type { ObjectRef } from "@heddle/config";

/** Where something was written down: a field of an object. Travels into the metadata of what is made of it. */
export interface WrittenAt {
  readonly source: ObjectRef;
  /** Field path in the object, e.g. `spec.http[0].match[1]`. */
  readonly path: string;
}

/** A value with the place that it was written at. */
export type Located<T> = T & { readonly at: WrittenAt };
