import { setTimeout as sleep } from "node:timers/promises";
import { inApplyOrder } from "./apply-order.ts";
import { listAt, textAt } from "./json-fields.ts";
import { isKubeError, KubeError } from "./kube-error.ts";
import type { KubeObject } from "./kube-object.ts";

export interface ApplyObjectsOptions {
  /** Who owns the fields. Default: "heddle". */
  readonly fieldManager?: string;
  /** Takes fields over from other managers. Default: true. */
  readonly force?: boolean;
  /** After each object. */
  readonly onApplied?: (applied: Applied) => void;
  /** How long a new CustomResourceDefinition may take to be served. Default: 15 s. Units: ms. */
  readonly establishTimeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface Applied {
  readonly object: KubeObject;
  /** It was not there before. */
  readonly created: boolean;
}

/** What applying needs of the client. */
export interface Applier {
  applyOne(
    object: KubeObject,
    options: { readonly fieldManager: string; readonly force: boolean; readonly signal?: AbortSignal },
  ): Promise<Applied>;
  get(ref: { readonly apiVersion: string; readonly kind: string; readonly name: string }): Promise<KubeObject>;
}

/**
 * Server-side apply of parsed manifests in the order that they need each other. Stops at the first failure.
 * Errors: `KubeError` whose message starts with the object's kind and name.
 */
export async function applyObjects(
  applier: Applier,
  objects: readonly KubeObject[],
  options: ApplyObjectsOptions = {},
): Promise<readonly Applied[]> {
  const { signal } = options;
  const settings = {
    fieldManager: options.fieldManager ?? "heddle",
    force: options.force ?? true,
    ...(signal !== undefined && { signal }),
  };
  const done: Applied[] = [];
  const definitions: KubeObject[] = [];
  for (const object of inApplyOrder(objects)) {
    // Definitions become ready side by side; what may use them comes after all of them.
    if (object.kind !== "CustomResourceDefinition") {
      for (const definition of definitions.splice(0))
        await established(applier, definition, options.establishTimeoutMs ?? 15_000, signal);
    }
    const applied = await applier.applyOne(object, settings).catch((error: unknown) => {
      throw named(object, error);
    });
    if (object.kind === "CustomResourceDefinition") definitions.push(applied.object);
    done.push(applied);
    options.onApplied?.(applied);
  }
  for (const definition of definitions)
    await established(applier, definition, options.establishTimeoutMs ?? 15_000, signal);
  return done;
}

async function established(
  applier: Applier,
  definition: KubeObject,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { apiVersion, kind, metadata } = definition;
  const endMs = performance.now() + timeoutMs;
  let object = definition;
  for (let waitMs = 10; !isEstablished(object); waitMs = Math.min(waitMs * 2, 500)) {
    signal?.throwIfAborted();
    if (performance.now() > endMs) {
      throw new KubeError(
        0,
        "Timeout",
        `CustomResourceDefinition ${metadata.name}: not established after ${timeoutMs / 1000} s; see \`kubectl describe crd ${metadata.name}\``,
      );
    }
    await sleep(waitMs);
    object = await applier.get({ apiVersion, kind, name: metadata.name });
  }
}

function isEstablished(definition: KubeObject): boolean {
  return listAt(definition["status"], "conditions").some(
    (condition) => textAt(condition, "type") === "Established" && textAt(condition, "status") === "True",
  );
}

function named(object: KubeObject, error: unknown): unknown {
  if (!isKubeError(error)) return error;
  const { namespace, name } = object.metadata;
  const where = namespace === undefined ? name : `${namespace}/${name}`;
  return new KubeError(error.code, error.reason, `${object.kind} ${where}: ${error.message}`, {
    cause: error,
    details: error.details,
  });
}
