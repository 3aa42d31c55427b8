import type { KubeObject } from "../../contract/index.ts";
import type { FieldError } from "../errors/field-errors.ts";
import type { Dict, Draft } from "../json/json-value.ts";
import type { SelectableFields } from "../store/field-selector.ts";

export type Verb = "create" | "delete" | "deletecollection" | "get" | "list" | "patch" | "update" | "watch";

/** A column of the server-side table. `priority` 1 shows with `-o wide` only. */
export interface Column {
  readonly name: string;
  readonly type?: "string" | "integer" | "number" | "date" | "boolean";
  readonly format?: string;
  readonly description?: string;
  readonly priority?: number;
  /** `now` in milliseconds since the epoch. */
  readonly cell: (object: KubeObject, now: number) => unknown;
}

/** Where a resource keeps what `scale` reads and writes, as field paths. */
export interface ScalePaths {
  readonly specReplicas: readonly string[];
  readonly statusReplicas: readonly string[];
  /** Path of the pod selector in the object, a `LabelSelector`, a map or text. */
  readonly selector: readonly string[] | undefined;
}

/** What is particular to one kind; everything else is the same for all. */
export interface KindRules {
  /** Fills what the user left out. Runs at each write, also after webhooks. */
  readonly defaults?: (draft: Draft) => void;
  /** Clears what a user may not set at creation. `status` is cleared for all that have the subresource. */
  readonly prepareCreate?: (draft: Draft) => void;
  /** Restores what an update may not change silently. */
  readonly prepareUpdate?: (draft: Draft, present: KubeObject) => void;
  readonly validate?: (object: Dict) => readonly FieldError[];
  readonly validateUpdate?: (object: Dict, present: KubeObject) => readonly FieldError[];
  /** Warnings for the user (`Warning:` header). */
  readonly warnings?: (object: Dict) => readonly string[];
}

/** What decodes a body: drops and reports unknown fields, checks types, applies schema defaults. */
export interface BodyDecoder {
  /** Changes the draft. Returns the unknown fields' paths. Errors: 400 or 422 for a value of the wrong type. */
  decode(draft: Draft, def: ResourceDefinition): readonly string[];
  /** Fills the schema's defaults (custom resources). */
  fillDefaults?(draft: Draft): void;
  validate?(object: Dict): readonly FieldError[];
}

export interface ResourceDefinition {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly singular: string;
  readonly kind: string;
  readonly listKind: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly verbs: readonly Verb[];
  readonly hasStatus: boolean;
  readonly scale: ScalePaths | undefined;
  /** Subresources beyond `status` and `scale`, with the kind and verbs that discovery reports. */
  readonly subresources: readonly SubresourceDefinition[];
  /** How names must look. */
  readonly nameForm: "subdomain" | "label" | "label1035" | "path";
  /** Whether `metadata.generation` counts changes of anything but metadata and status. */
  readonly countsGeneration: boolean;
  readonly fields: SelectableFields;
  readonly columns: readonly Column[];
  readonly rules: KindRules;
  readonly decoder: BodyDecoder | undefined;
  /** Collection in the store: the same for all versions of a resource. */
  readonly storageKey: string;
  /** False for reviews and the like, which are answered, never stored. */
  readonly stored: boolean;
  readonly custom: boolean;
}

export interface SubresourceDefinition {
  readonly name: string;
  readonly kind: string;
  readonly group?: string;
  readonly version?: string;
  readonly verbs: readonly Verb[];
}
