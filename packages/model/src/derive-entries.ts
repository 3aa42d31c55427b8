import { type AddressAllocation, allocateAddresses } from "./allocate-addresses.ts";
import { type EntryContext, entryEndpoints, entryServices, entryWorkloads } from "./build-service-entry.ts";
import type { DraftMap } from "./draft.ts";
import { contentHash } from "./hash.ts";
import type { MeshService } from "./service.ts";
import type { Objects, ServiceEndpoints } from "./state.ts";

export interface Derived {
  /** Services differ. */
  readonly views: boolean;
  /** Hostnames whose endpoints differ. */
  readonly endpoints: readonly string[];
  readonly allocation: AddressAllocation;
}

/**
 * Brings the services of all ServiceEntries up to date. There are few of them, so they are built anew together.
 * A Kubernetes Service keeps its name against a ServiceEntry, an older ServiceEntry against a younger one.
 */
export function deriveEntries(
  objects: Objects,
  services: DraftMap<MeshService>,
  endpoints: DraftMap<ServiceEndpoints>,
  context: EntryContext,
): Derived {
  const wanted = new Map<string, { readonly service: MeshService; readonly endpoints: ServiceEndpoints }>();
  const entries = [...objects.serviceEntries.values()].sort((a, b) =>
    `${a.meta.creationTimestamp} ${a.ref.namespace}/${a.ref.name}` <
    `${b.meta.creationTimestamp} ${b.ref.namespace}/${b.ref.name}`
      ? -1
      : 1,
  );
  const allocation = allocateAddresses(entries, objects.entryStatuses);
  for (const entry of entries) {
    const workloads = entryWorkloads(entry, context);
    const identities =
      entry.spec.location === "MESH_EXTERNAL" ? [] : [...new Set(workloads.flatMap((w) => w.spiffeId || []))].sort();
    const given = allocation.addresses.get(`${entry.ref.namespace}/${entry.ref.name}`);
    const found = entryEndpoints(entry, workloads, context);
    for (const service of entryServices(entry, identities, context.settings, given)) {
      const holder = services.get(service.hostname);
      if (wanted.has(service.hostname) || (holder !== undefined && holder.source.kind === "Service")) continue;
      wanted.set(service.hostname, { service, endpoints: found });
    }
  }
  let views = false;
  const changed: string[] = [];
  for (const [hostname, service] of [...services.current]) {
    if (service.source.kind !== "ServiceEntry" || wanted.has(hostname)) continue;
    services.delete(hostname);
    endpoints.delete(hostname);
    views = true;
  }
  for (const [hostname, { service, endpoints: found }] of wanted) {
    const old = services.get(hostname);
    if (old === undefined || contentHash(old) !== contentHash(service)) {
      services.set(hostname, service);
      views = true;
    }
    if (endpoints.get(hostname)?.hash === found.hash) continue;
    endpoints.set(hostname, found);
    changed.push(hostname);
  }
  return { views, endpoints: changed, allocation };
}
