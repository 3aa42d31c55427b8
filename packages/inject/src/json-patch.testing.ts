import type { JsonObject } from "@heddle/config";
import type { PatchOperation } from "./json-patch.ts";

/** Applies a patch as the API server does (RFC 6902, the operations that we produce), for tests. */
export function applyPatch(document: JsonObject, patch: readonly PatchOperation[]): unknown {
  const root: unknown = structuredClone(document);
  for (const operation of patch) {
    const tokens = operation.path
      .split("/")
      .slice(1)
      .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
    const last = tokens.pop() ?? "";
    let parent = root as Record<string, unknown>;
    for (const token of tokens) parent = parent[token] as Record<string, unknown>;
    const value = operation.op === "remove" ? undefined : structuredClone(operation.value);
    if (Array.isArray(parent)) {
      if (operation.op === "add") parent.splice(last === "-" ? parent.length : Number(last), 0, value);
      else if (operation.op === "replace") parent[Number(last)] = value;
      else parent.splice(Number(last), 1);
    } else if (operation.op === "remove") delete parent[last];
    else parent[last] = value;
  }
  return root;
}
