import type { KubeObject, ObjectRef } from "@heddle/config";

/** An object is there (new or changed), or is gone. */
export type SourceEvent =
  | { readonly kind: "upsert"; readonly object: KubeObject }
  | { readonly kind: "delete"; readonly ref: ObjectRef };

/** Something that a source could not do; it goes on by itself. */
export interface SourceProblem {
  readonly source: string;
  /** What happened, the likely cause and the next step, as one sentence. */
  readonly reason: string;
}

/** Takes what a source says. */
export interface SourceSink {
  onEvent(event: SourceEvent): void;
  /** Once: everything that was there at the start has been said. */
  onSynced(): void;
  onProblem(problem: SourceProblem): void;
  /** After problems: everything is followed again. */
  onRecovered?(): void;
}

/**
 * Where the mesh's objects come from: one per registry or configuration store.
 * Contract (`conformance.test.ts`): every object present at the start is told before `onSynced`, which comes exactly once, also when
 * there are none; an object that did not change is not told again; nothing is told after `close`.
 */
export interface Source {
  /** For logs and metrics, e.g. `kubernetes`. */
  readonly name: string;
  start(sink: SourceSink): void;
  /** Idempotent. */
  close(): void;
}
