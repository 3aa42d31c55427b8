import { type KubeObject, type Meta, type ObjectRef, readMeta, refOf, refText } from "../kube/object.ts";
import { createProblemSink, type Parsed, parsed } from "../problem.ts";
import type { Schema } from "./schema.ts";

/** A custom resource: names for the CRD, and the schema of its `spec`. */
export interface ResourceDefinition<K extends string, T> {
  readonly group: string;
  readonly kind: K;
  readonly plural: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  /** Served versions; the first one is stored. */
  readonly versions: readonly string[];
  readonly scope: "Namespaced" | "Cluster";
  readonly spec: Schema<T>;
  /** Extra `kubectl get` columns. */
  readonly columns: readonly Column[];
}

export interface Column {
  readonly name: string;
  readonly type: "string" | "date" | "integer";
  readonly jsonPath: string;
  readonly description: string;
}

/** A custom resource that has been read, defaulted and validated. */
export interface Resource<K extends string, T> {
  readonly kind: K;
  readonly ref: ObjectRef;
  readonly meta: Meta;
  readonly spec: T;
  /** Of what is made of other kinds' objects: where each rule (of a Gateway: server) was written. */
  readonly writtenAt?: readonly { readonly source: ObjectRef; readonly path: string }[];
}

/** Reads an object of the definition's kind. An absent `spec` is an empty one. */
export function readResource<K extends string, T>(
  definition: ResourceDefinition<K, T>,
  object: KubeObject,
): Parsed<Resource<K, T>> {
  const ref = refOf(object);
  const sink = createProblemSink(refText(ref));
  const version = object.apiVersion.slice(object.apiVersion.indexOf("/") + 1);
  if (!definition.versions.includes(version)) {
    sink.error(
      "apiVersion",
      `${definition.kind} is not served as ${object.apiVersion}; use one of ${definition.versions.map((v) => `${definition.group}/${v}`).join(", ")}`,
    );
  }
  for (const key of Object.keys(object)) {
    if (key !== "apiVersion" && key !== "kind" && key !== "metadata" && key !== "spec" && key !== "status") {
      sink.error(key, "unknown field; did you mean to put it under spec?");
    }
  }
  const raw = object["spec"];
  const spec = definition.spec.read(raw ?? {}, "spec", sink);
  return parsed(
    spec === undefined ? undefined : { kind: definition.kind, ref, meta: readMeta(object.metadata), spec },
    sink,
  );
}
