import { at, type Dict, dict, isDict, text } from "../json/json-value.ts";

export const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

/**
 * What client-side apply left, when `kubectl apply --server-side` takes an object over: fields that still have those values change hands
 * without a conflict, and the annotation follows. Source: apimachinery managedfields, lastAppliedManager and lastAppliedUpdater.
 */
export function lastAppliedOf(live: Dict, fieldManager: string): Dict | undefined {
  const annotation = text(at(live, "metadata", "annotations", LAST_APPLIED));
  if (fieldManager !== "kubectl" || annotation === "") return undefined;
  try {
    const parsed: unknown = JSON.parse(annotation);
    return isDict(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** The annotation's new content: the applied object with sorted keys and without itself. */
export function lastAppliedText(config: Dict): string {
  const { managedFields: _managed, annotations, creationTimestamp: _time, ...metadata } = dict(config["metadata"]);
  const { [LAST_APPLIED]: _self, ...others } = dict(annotations);
  const kept = { ...metadata, ...(Object.keys(others).length > 0 && { annotations: others }) };
  return `${JSON.stringify(sorted({ ...config, metadata: kept }))}\n`;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isDict(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key])]),
  );
}
