/** The generated description of the built-in kinds. */

export interface FieldSchema {
  /**
   * `string boolean int32 int64 double bytes Time MicroTime Quantity IntOrString Duration Any`, a definition's name, or one of these behind `[]` or `{}`.
   */
  readonly t: string;
  /** Protobuf field number; a path through embedded messages where there is more than one. */
  readonly p: readonly number[];
  /** Required. */
  readonly r?: 1;
  /** A pointer in Go: zero and absent differ. */
  readonly n?: 1;
  /** Patch strategy (`merge`, `retainKeys`, `merge,retainKeys`). */
  readonly s?: string;
  /** Patch merge key. */
  readonly k?: string;
  /** List type: `map`, `set`, `atomic`; of maps `atomic`. */
  readonly l?: string;
  /** Keys of a list of type `map`. */
  readonly m?: readonly string[];
}

export interface TypeSchema {
  readonly f: Readonly<Record<string, FieldSchema>>;
  /** Owned as a whole by server-side apply. */
  readonly atomic?: 1;
}

export interface KubernetesSchema {
  readonly version: string;
  /** `group/version/Kind` (core: `/v1/Pod`) → definition. */
  readonly kinds: Readonly<Record<string, string>>;
  readonly types: Readonly<Record<string, TypeSchema>>;
}

/** Definition → field → text; the text of the type itself is under "". */
export type Descriptions = Readonly<Record<string, Readonly<Record<string, string>>>>;
