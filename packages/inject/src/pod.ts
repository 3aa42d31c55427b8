import { isObject, type Json, type JsonObject } from "@heddle/config";

/** Access to the parts of a pod that injection reads; the pod itself stays JSON, so nothing of it is lost. */
export function objectAt(value: JsonObject, ...path: readonly string[]): JsonObject {
  let current: Json | undefined = value;
  for (const key of path) current = isObject(current) ? (current as JsonObject)[key] : undefined;
  return isObject(current) ? (current as JsonObject) : {};
}

export function listAt(value: JsonObject, key: string): readonly JsonObject[] {
  const list = value[key];
  return Array.isArray(list) ? list.filter((item): item is JsonObject => isObject(item)) : [];
}

export function textAt(value: JsonObject, key: string): string {
  const text = value[key];
  return typeof text === "string" ? text : "";
}

/** Labels or annotations of an object. */
export function stringsAt(value: JsonObject, ...path: readonly string[]): Readonly<Record<string, string>> {
  const out: Record<string, string> = {};
  for (const [key, member] of Object.entries(objectAt(value, ...path))) {
    if (typeof member === "string") out[key] = member;
  }
  return out;
}

/** Containers that the application brought, native sidecars included; init containers that only run at start are left out. */
export function appContainers(pod: JsonObject): readonly JsonObject[] {
  const spec = objectAt(pod, "spec");
  const sidecars = listAt(spec, "initContainers").filter((container) => container["restartPolicy"] === "Always");
  return [...sidecars, ...listAt(spec, "containers")].filter((container) => container["name"] !== "istio-proxy");
}

/** A pod that is a gateway itself (Istio's template `gateway`): its only container is the proxy, nothing is intercepted. */
export function isGateway(pod: JsonObject): boolean {
  const templates = stringsAt(pod, "metadata", "annotations")["inject.istio.io/templates"] ?? "";
  return templates.split(",").some((name) => name.trim() === "gateway");
}
