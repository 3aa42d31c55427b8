import { refText } from "@heddle/config";
import { isVisible, type MeshService, type MeshState, type ProxyNode, sidecarScope } from "@heddle/model";
import type { Origin } from "./origin.ts";

type Client = Pick<ProxyNode, "kind" | "namespace" | "labels">;

/** Why a proxy is not told of a service's port, and by whom; undefined when it is. */
export function hiddenFrom(
  state: MeshState,
  client: Client,
  service: MeshService,
  port: number,
): { readonly because: string; readonly decidedBy: readonly Origin[] } | undefined {
  const told = (by: string): string => `the caller's proxy is not told of it: ${by}`;
  if (!isVisible(service, client.namespace)) {
    const because = told(`its exportTo is ${service.exportTo.join(", ")}, and the caller is in ${client.namespace}`);
    return { because, decidedBy: [] };
  }
  const scope = sidecarScope(state, client);
  const [sidecar] = scope.sources;
  // Sidecar resources are for sidecars.
  if (client.kind === "router" || sidecar === undefined) return undefined;
  const seen = scope.sees(service.hostname, service.namespace);
  if (seen !== false && seen(port)) return undefined;
  const object = refText(sidecar);
  return { because: told(`no host of ${object} names it for this port`), decidedBy: [{ object, path: "spec.egress" }] };
}
