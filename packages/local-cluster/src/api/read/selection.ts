import type { KubeObject, WatchEvent } from "../../contract/index.ts";
import type { ResourceDefinition } from "../resources/resource-definition.ts";
import type { Change } from "../store/collection.ts";
import { parseFieldSelector } from "../store/field-selector.ts";
import { parseLabelSelector } from "../store/label-selector.ts";

export interface ParsedSelection {
  readonly namespace: string | undefined;
  /** Undefined selects every object of the namespace. */
  readonly matches: ((object: KubeObject) => boolean) | undefined;
}

/** Errors: 400 for a selector that cannot be read. */
export function parseSelection(
  def: ResourceDefinition,
  namespace: string | undefined,
  labelSelector: string | undefined,
  fieldSelector: string | undefined,
): ParsedSelection {
  const labels = parseLabelSelector(labelSelector);
  const fields = parseFieldSelector(fieldSelector, def.fields);
  const matches =
    labels || fields
      ? (object: KubeObject) => (labels?.(object.metadata.labels) ?? true) && (fields?.(object) ?? true)
      : undefined;
  return { namespace: def.namespaced ? namespace : undefined, matches };
}

export function select(objects: readonly KubeObject[], selection: ParsedSelection): readonly KubeObject[] {
  return selection.matches ? objects.filter(selection.matches) : objects;
}

/** The change as this selection sees it: objects enter and leave by their labels and fields too. */
export function selectChange(change: Change, selection: ParsedSelection): WatchEvent | undefined {
  const { object, previous } = change;
  if (selection.namespace !== undefined && object.metadata.namespace !== selection.namespace) return undefined;
  const { matches } = selection;
  if (!matches) return change;
  const before = previous !== undefined && matches(previous);
  if (change.type === "DELETED") return before || matches(object) ? change : undefined;
  const now = matches(object);
  if (now) return { type: before ? "MODIFIED" : "ADDED", object };
  if (!before) return undefined;
  // What leaves the selection is told as it was when it still belonged to it.
  const { resourceVersion } = object.metadata;
  return {
    type: "DELETED",
    object: {
      ...previous,
      metadata: { ...previous.metadata, ...(resourceVersion !== undefined && { resourceVersion }) },
    },
  };
}
