import { hostMatches, type MeshService, type MeshSettings } from "@heddle/model";

const GLOBAL = "global";

/**
 * The names by which other clusters call a service: its own, and for a Service of Kubernetes `name.namespace.global`, which stands for the
 * Service of that name wherever it is; clusters of another domain use theirs. Source: Istio's replicated control planes, whose EnvoyFilter
 * rewrites the suffix.
 */
export function namesBeyond(service: MeshService, settings: MeshSettings): readonly string[] {
  // A mirror leads into another cluster: who wants that asks there, else calls could go round in circles.
  if (service.remoteName !== undefined) return [];
  const suffix = `.svc.${settings.domain}`;
  if (service.source.kind !== "Service" || !service.hostname.endsWith(suffix)) return [service.hostname];
  const name = service.hostname.slice(0, -suffix.length);
  const elsewhere = (settings.otherDomains ?? []).map((domain) => `${name}.svc.${domain}`);
  return [service.hostname, ...elsewhere, `${name}.${GLOBAL}`];
}

/** Those of the names that a Gateway's hosts let through. One of its names in the clusters' domains stands for all of them. */
export function namesAmong(hosts: readonly string[], service: MeshService, settings: MeshSettings): readonly string[] {
  const asked = (name: string) => hosts.some((host) => hostMatches(host, name));
  const names = namesBeyond(service, settings);
  const isGlobal = (name: string) => name !== service.hostname && name.endsWith(`.${GLOBAL}`);
  const clusterNames = names.filter((name) => !isGlobal(name));
  return [...(clusterNames.some(asked) ? clusterNames : []), ...names.filter((name) => isGlobal(name) && asked(name))];
}
