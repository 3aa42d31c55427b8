import { isRecord, textAt } from "./json-fields.ts";
import { KubeError } from "./kube-error.ts";

/** Metadata that every API object has. */
export interface KubeMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

/** Any API object; `spec`, `status`, `data` … are read by whoever understands them. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: KubeMeta;
  readonly [field: string]: unknown;
}

/**
 * A collection, named by its URL words (no discovery needed) or by apiVersion and kind (found by discovery).
 * `group` is "" for the core group.
 */
export type ResourceType =
  | { readonly group: string; readonly version: string; readonly resource: string }
  | { readonly apiVersion: string; readonly kind: string };

/** One object. `namespace` is left out for cluster-scoped ones. */
export type ObjectRef = ResourceType & { readonly name: string; readonly namespace?: string };

export interface KubeList {
  readonly items: readonly KubeObject[];
  readonly resourceVersion: string;
}

/** Accepts an answer of the API server as an object. Errors: `InvalidResponse`. */
export function toKubeObject(
  value: unknown,
  fallback?: { readonly apiVersion: string; readonly kind: string },
): KubeObject {
  if (isRecord(value) && isRecord(value["metadata"])) {
    const apiVersion = textAt(value, "apiVersion") ?? fallback?.apiVersion;
    const kind = textAt(value, "kind") ?? fallback?.kind;
    // Items of lists come without apiVersion and kind.
    if (apiVersion !== undefined && kind !== undefined) return { ...value, apiVersion, kind } as KubeObject;
  }
  throw new KubeError(
    0,
    "InvalidResponse",
    "the API server's answer is not a Kubernetes object; is the server URL that of a Kubernetes API?",
  );
}
