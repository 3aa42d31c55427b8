import type { MeshService, MeshSettings } from "@heddle/model";

const GLOBAL = "global";

/**
 * The names by which other clusters call a service: its own, and for a Service of Kubernetes `name.namespace.global`, which stands for the
 * Service of that name wherever it is. Source: Istio's replicated control planes, whose EnvoyFilter rewrites the suffix.
 */
export function namesBeyond(service: MeshService, settings: MeshSettings): readonly string[] {
  // A mirror leads into another cluster: who wants that asks there, else calls could go round in circles.
  if (service.remoteName !== undefined) return [];
  const suffix = `.svc.${settings.domain}`;
  if (service.source.kind !== "Service" || !service.hostname.endsWith(suffix)) return [service.hostname];
  return [service.hostname, `${service.hostname.slice(0, -suffix.length)}.${GLOBAL}`];
}
