import type { KubeObject } from "../kube/object.ts";
import { groupOf } from "../kube/object.ts";

/** A kind of Istio's that Heddle has no way to act on. */
export interface RefusedKind {
  readonly group: string;
  readonly kind: string;
  readonly plural: string;
  readonly versions: readonly string[];
  /** Why, and what to do instead. */
  readonly reason: string;
}

/**
 * Kinds whose CRD is there because Kiali and others won't work without it, and of which no object may exist: what protects or changes
 * traffic must not be accepted without effect.
 */
export const refusedKinds: readonly RefusedKind[] = [
  {
    group: "security.istio.io",
    kind: "RequestAuthentication",
    plural: "requestauthentications",
    versions: ["v1", "v1beta1"],
    reason:
      "Heddle does not act on RequestAuthentication; tokens would go unchecked. Use an EnvoyFilter with envoy.filters.http.jwt_authn, or an AuthorizationPolicy with action CUSTOM",
  },
  {
    group: "extensions.istio.io",
    kind: "WasmPlugin",
    plural: "wasmplugins",
    versions: ["v1alpha1"],
    reason: "Heddle does not run WebAssembly; use an EnvoyFilter with one of the filters in docs/proxy.md",
  },
];

export function refusedKindOf(object: KubeObject): RefusedKind | undefined {
  const group = groupOf(object.apiVersion);
  return refusedKinds.find((one) => one.kind === object.kind && one.group === group);
}
