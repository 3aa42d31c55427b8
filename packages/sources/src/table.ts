import { canonicalJson, type KubeObject, type ObjectRef, refKey, refOf } from "@heddle/config";
import type { SourceSink } from "./source.ts";

/** Turns successive full listings into differences, for sources that can only list. */
export interface ObjectTable {
  /** Makes the table hold exactly `objects`; tells the sink what that changes. Of two objects with one reference the first counts. */
  replace(objects: readonly KubeObject[], sink: SourceSink): void;
}

class Table implements ObjectTable {
  /** By reference key; what the sink was told. */
  readonly #told = new Map<string, { readonly ref: ObjectRef; readonly text: string }>();

  replace(objects: readonly KubeObject[], sink: SourceSink): void {
    const present = new Set<string>();
    for (const object of objects) {
      const ref = refOf(object);
      const key = refKey(ref);
      if (present.has(key)) continue;
      present.add(key);
      const text = canonicalJson(object);
      if (this.#told.get(key)?.text === text) continue;
      this.#told.set(key, { ref, text });
      sink.onEvent({ kind: "upsert", object });
    }
    for (const [key, { ref }] of [...this.#told]) {
      if (present.has(key)) continue;
      this.#told.delete(key);
      sink.onEvent({ kind: "delete", ref });
    }
  }
}

export function createObjectTable(): ObjectTable {
  return new Table();
}
