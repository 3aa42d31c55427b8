import { isObject, type StringMap } from "../json.ts";

/** Names one object of the Kubernetes API. `version` is left out: all served versions name the same object. */
export interface ObjectRef {
  /** API group, "" for the core group. */
  readonly group: string;
  readonly kind: string;
  /** "" for objects without a namespace. */
  readonly namespace: string;
  readonly name: string;
}

export interface OwnerRef {
  readonly kind: string;
  readonly name: string;
  readonly controller: boolean;
}

/** The metadata that the mesh reads; every absent map is empty. */
export interface Meta {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly generation: number;
  readonly labels: StringMap;
  readonly annotations: StringMap;
  readonly owners: readonly OwnerRef[];
  /** RFC 3339, "" when unknown. Older objects win conflicts. */
  readonly creationTimestamp: string;
}

/** Any API object as sources emit it: JSON that nobody has validated. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

/** Reads `unknown` as an API object, or undefined when it has no apiVersion, kind or metadata.name. */
export function asKubeObject(value: unknown): KubeObject | undefined {
  if (!isObject(value) || typeof value["apiVersion"] !== "string" || typeof value["kind"] !== "string")
    return undefined;
  const metadata = value["metadata"];
  if (!isObject(metadata) || typeof metadata["name"] !== "string") return undefined;
  return value as KubeObject;
}

/** `networking.istio.io/v1` → `networking.istio.io`; `v1` → "". */
export function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf("/");
  return slash < 0 ? "" : apiVersion.slice(0, slash);
}

export function refOf(object: KubeObject): ObjectRef {
  const namespace = object.metadata.namespace;
  return {
    group: groupOf(object.apiVersion),
    kind: object.kind,
    namespace: typeof namespace === "string" ? namespace : "",
    name: object.metadata.name,
  };
}

/** A map key: equal for equal references. */
export function refKey(ref: ObjectRef): string {
  return `${ref.group}/${ref.kind}/${ref.namespace}/${ref.name}`;
}

/** The form used in messages: `Service emojivoto/web-svc`. */
export function refText(ref: ObjectRef): string {
  return ref.namespace === "" ? `${ref.kind} ${ref.name}` : `${ref.kind} ${ref.namespace}/${ref.name}`;
}

/** Strings only; anything else in a label or annotation map is left out. */
export function readStringMap(value: unknown): StringMap {
  if (!isObject(value)) return {};
  const out: Record<string, string> = {};
  for (const [key, member] of Object.entries(value)) {
    if (typeof member === "string") out[key] = member;
  }
  return out;
}

export function readMeta(value: unknown): Meta {
  const meta = isObject(value) ? value : {};
  const owners = Array.isArray(meta["ownerReferences"]) ? meta["ownerReferences"] : [];
  return {
    name: readString(meta["name"]),
    namespace: readString(meta["namespace"]),
    uid: readString(meta["uid"]),
    generation: readNumber(meta["generation"]) ?? 0,
    labels: readStringMap(meta["labels"]),
    annotations: readStringMap(meta["annotations"]),
    creationTimestamp: readString(meta["creationTimestamp"]),
    owners: owners.filter(isObject).map((owner) => ({
      kind: readString(owner["kind"]),
      name: readString(owner["name"]),
      controller: owner["controller"] === true,
    })),
  };
}

export function readString(value: unknown): string {
  return typeof value === "string" ? value : "";
}

export function readNumber(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** The members of a list that are objects; anything else is left out. */
export function readObjects(value: unknown): readonly { readonly [key: string]: unknown }[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** Addresses and names in `status.loadBalancer` of a Service or Ingress. */
export function readBalancerAddresses(status: unknown): readonly string[] {
  const balancer = isObject(status) && isObject(status["loadBalancer"]) ? status["loadBalancer"] : {};
  return readObjects(balancer["ingress"])
    .map((entry) => readString(entry["ip"]) || readString(entry["hostname"]))
    .filter((address) => address !== "");
}
