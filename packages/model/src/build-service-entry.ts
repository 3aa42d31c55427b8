import {
  type HostAddress,
  labelsMatch,
  type ServiceEntry,
  type WorkloadEntry,
  type WorkloadEntrySpec,
} from "@heddle/config";
import { isClose } from "./build-service.ts";
import { canonicalName, canonicalRevision, localityOf, spiffeId } from "./build-workload.ts";
import { contentHash } from "./hash.ts";
import { protocolNamed, selectProtocol } from "./protocol.ts";
import type { MeshPort, MeshService, Resolution } from "./service.ts";
import type { MeshSettings } from "./settings.ts";
import type { ServiceEndpoints } from "./state.ts";
import type { Endpoint, Workload } from "./workload.ts";

const resolutions: Readonly<Record<ServiceEntry["spec"]["resolution"], Resolution>> = {
  NONE: "passthrough",
  STATIC: "endpoints",
  DNS: "dns",
  DNS_ROUND_ROBIN: "logical-dns",
};

/** The services that a ServiceEntry adds, one for each host. */
export function entryServices(
  entry: ServiceEntry,
  identities: readonly string[],
  settings: MeshSettings,
  given: readonly HostAddress[] = [],
): readonly MeshService[] {
  const { spec, ref, meta } = entry;
  const ports: readonly MeshPort[] = spec.ports.map((port) => ({
    name: port.name,
    number: port.number,
    target: port.targetPort ?? port.number,
    protocol:
      protocolNamed(port.protocol) ??
      selectProtocol({ name: port.name, number: port.number, transport: "TCP", appProtocol: "", opaque: false }),
  }));
  const resolution = spec.workloadSelector === undefined ? resolutions[spec.resolution] : "endpoints";
  return spec.hosts.map((host) => ({
    hostname: host,
    name: host.split(".")[0] ?? host,
    namespace: ref.namespace,
    resolution,
    addresses: spec.addresses.map((address) => address.replace(/\/32$/, "")),
    autoAddresses: given.filter((address) => address.host === host).map((address) => address.value),
    headless: false,
    dnsTargets: resolution === "dns" || resolution === "logical-dns" ? dnsTargets(host, entry) : [],
    ports,
    labels: meta.labels,
    selector: spec.workloadSelector?.labels ?? {},
    exportTo: spec.exportTo.length > 0 ? spec.exportTo : settings.mesh.defaultServiceExportTo,
    identities: spec.subjectAltNames.length > 0 ? spec.subjectAltNames : identities,
    preferClose: isClose(meta.annotations["networking.istio.io/traffic-distribution"]),
    external: spec.location === "MESH_EXTERNAL",
    source: ref,
    creationTimestamp: meta.creationTimestamp,
  }));
}

function dnsTargets(host: string, entry: ServiceEntry): MeshService["dnsTargets"] {
  const { spec } = entry;
  if (spec.endpoints.length === 0) {
    const ports = Object.fromEntries(spec.ports.map((port) => [port.number, port.targetPort ?? port.number]));
    return [{ address: host, ports, weight: 1 }];
  }
  return spec.endpoints.map((endpoint) => ({
    address: endpoint.address ?? host,
    ports: Object.fromEntries(
      spec.ports.map((port) => [port.number, endpoint.ports[port.name] ?? port.targetPort ?? port.number]),
    ),
    weight: endpoint.weight ?? 1,
  }));
}

/** The workload that a WorkloadEntry (or an endpoint inside of a ServiceEntry) describes. */
export function workloadOfEntry(
  spec: WorkloadEntrySpec,
  name: string,
  namespace: string,
  source: Workload["source"],
  settings: MeshSettings,
): Workload {
  const locality =
    spec.locality === undefined
      ? localityOf(spec.labels, undefined)
      : localityOf({ "istio-locality": spec.locality }, undefined);
  return {
    ip: spec.address ?? "",
    name,
    namespace,
    labels: spec.labels,
    serviceAccount: spec.serviceAccount ?? "default",
    // An endpoint that names no account may be a gateway behind which anyone of the mesh serves.
    spiffeId: spec.serviceAccount === undefined ? "" : spiffeId(settings.trustDomain, namespace, spec.serviceAccount),
    workloadName: spec.labels["service.istio.io/workload-name"] ?? name,
    workloadKind: source.kind,
    canonicalName: canonicalName(spec.labels, name),
    canonicalRevision: canonicalRevision(spec.labels),
    // A workload that has an identity has a proxy, unless it says otherwise. Source: istio getTLSModeFromWorkloadEntry.
    tlsMode:
      (spec.labels["security.istio.io/tlsMode"] ?? (spec.serviceAccount ? "istio" : "")) === "istio"
        ? "istio"
        : "disabled",
    locality,
    clusterId: settings.clusterId,
    network: spec.network ?? "",
    namedPorts: spec.ports,
    nodeName: "",
    weight: spec.weight ?? 1,
    source,
  };
}

export interface EntryContext {
  readonly settings: MeshSettings;
  readonly workloads: Iterable<Workload>;
  readonly workloadEntries: Iterable<WorkloadEntry>;
  readonly isPlain: (workload: Workload, port: number) => boolean;
  readonly isUnhealthy: (entry: WorkloadEntry) => boolean;
}

/** The workloads behind a ServiceEntry: its own endpoints, or the pods and WorkloadEntries that it selects. */
export function entryWorkloads(entry: ServiceEntry, context: EntryContext): readonly Workload[] {
  const { spec, ref } = entry;
  const selector = spec.workloadSelector?.labels;
  if (selector === undefined) {
    if (spec.resolution !== "STATIC") return [];
    return spec.endpoints.map((endpoint, index) =>
      workloadOfEntry(endpoint, `${ref.name}-${index}`, ref.namespace, ref, context.settings),
    );
  }
  const pods = [...context.workloads].filter(
    (workload) => workload.namespace === ref.namespace && labelsMatch(selector, workload.labels),
  );
  const entries = [...context.workloadEntries]
    .filter(
      (candidate) =>
        candidate.ref.namespace === ref.namespace &&
        labelsMatch(selector, candidate.spec.labels) &&
        !context.isUnhealthy(candidate),
    )
    .map((candidate) =>
      workloadOfEntry(candidate.spec, candidate.ref.name, candidate.ref.namespace, candidate.ref, context.settings),
    );
  return [...pods, ...entries].filter((workload) => workload.ip !== "");
}

export function entryEndpoint(workload: Workload, port: number, isPlain: EntryContext["isPlain"]): Endpoint {
  return {
    address: workload.ip,
    port,
    health: "healthy",
    hostname: "",
    locality: workload.locality,
    labels: workload.labels,
    meshed: workload.tlsMode === "istio" && !isPlain(workload, port),
    workload,
  };
}

export function entryEndpoints(
  entry: ServiceEntry,
  workloads: readonly Workload[],
  context: EntryContext,
): ServiceEndpoints {
  const ports = new Map<number, readonly Endpoint[]>();
  for (const port of entry.spec.ports) {
    const endpoints = workloads.map((workload): Endpoint => {
      const number = workload.namedPorts[port.name] ?? port.targetPort ?? port.number;
      return entryEndpoint(workload, number, context.isPlain);
    });
    ports.set(
      port.number,
      endpoints.sort((a, b) => (a.address < b.address ? -1 : 1)),
    );
  }
  return { hash: contentHash(ports), ports };
}
