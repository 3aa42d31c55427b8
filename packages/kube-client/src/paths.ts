import type { ObjectRef, ResourceType } from "./kube-object.ts";
import { apiPrefix, type ResourceMap } from "./resource-map.ts";

/** URL path of a collection. */
export function collectionPath(
  type: { readonly group: string; readonly version: string; readonly resource: string },
  namespace?: string,
): string {
  const scope = namespace === undefined ? "" : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${apiPrefix(type.group, type.version)}${scope}/${type.resource}`;
}

/**
 * URL path of a collection or, with a name, of an object. Kinds are looked up; a namespace given for a cluster-scoped kind is dropped,
 * one missing for a namespaced object is `defaultNamespace`.
 */
export async function pathOf(
  resources: ResourceMap,
  ref: (ResourceType | ObjectRef) & { readonly namespace?: string },
  defaultNamespace: string | undefined,
  subresource?: string,
): Promise<string> {
  const named = "name" in ref ? `/${encodeURIComponent(ref.name)}` : "";
  const tail = named + (subresource === undefined ? "" : `/${subresource}`);
  if ("resource" in ref) return collectionPath(ref, ref.namespace) + tail;
  const served = await resources.find(ref.apiVersion, ref.kind);
  return collectionPath(served, served.namespaced ? (ref.namespace ?? defaultNamespace) : undefined) + tail;
}

/** What `services/proxy` and `pods/proxy` forward to. */
export interface ProxyTarget {
  readonly kind: "services" | "pods";
  readonly namespace: string;
  readonly name: string;
  /** Number, or the name of a Service's port. */
  readonly port: number | string;
  /** Default: http. */
  readonly scheme?: "http" | "https";
}

export function proxyPath(target: ProxyTarget, path: string): string {
  const id = `${target.scheme === "https" ? "https:" : ""}${target.name}:${target.port}`;
  return `/api/v1/namespaces/${encodeURIComponent(target.namespace)}/${target.kind}/${encodeURIComponent(id)}/proxy${path.startsWith("/") ? path : `/${path}`}`;
}
