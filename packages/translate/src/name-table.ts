import { create } from "@bufbuild/protobuf";
import type { MeshService, OutboundView } from "@heddle/model";
import { type NameTable, NameTableSchema } from "@heddle/xds-api/istio/networking/nds/v1/nds";

interface NamedHost {
  readonly ips: string[];
  readonly registry: "Kubernetes" | "External";
  readonly shortname: string;
  readonly namespace: string;
}

/**
 * What the mesh's DNS answers the clients of this view with: services by their addresses, headless services by those of their endpoints,
 * each of these by its own name too. Undefined for proxies that don't resolve names. Source: istio pkg/dns/server/name_table.go.
 */
export function nameTable(view: OutboundView): NameTable | undefined {
  if (!view.dnsCapture) return undefined;
  const table: Record<string, NamedHost> = {};
  for (const service of view.services) {
    const registry = service.source.kind === "Service" ? "Kubernetes" : "External";
    const named = (ips: readonly string[], shortname: string): NamedHost => ({
      ips: [...new Set(ips)],
      registry,
      shortname: registry === "Kubernetes" ? shortname : "",
      namespace: service.namespace,
    });
    const ips = addressesOf(view, service);
    if (ips.length > 0) table[service.hostname] = named(ips, service.name);
    for (const [host, addresses] of service.headless ? byHostname(view, service) : []) {
      table[`${host}.${service.hostname}`] = named(addresses, `${host}.${service.name}`);
    }
  }
  return create(NameTableSchema, { table });
}

function addressesOf(view: OutboundView, service: MeshService): readonly string[] {
  if (service.headless) return (view.headless[service.hostname] ?? []).map((endpoint) => endpoint.address);
  // A range is no address to dial.
  return service.addresses.filter((address) => !address.includes("/"));
}

/** Pods of a StatefulSet are called by their names. */
function byHostname(view: OutboundView, service: MeshService): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const { hostname, address } of view.headless[service.hostname] ?? []) {
    if (hostname === "") continue;
    const addresses = found.get(hostname);
    if (addresses === undefined) found.set(hostname, [address]);
    else addresses.push(address);
  }
  return found;
}
