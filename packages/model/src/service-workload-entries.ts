import { labelsMatch, type ServiceView } from "@heddle/config";
import { entryEndpoint, workloadOfEntry } from "./build-service-entry.ts";
import { contentHash } from "./hash.ts";
import type { MeshSettings } from "./settings.ts";
import type { Objects, ServiceEndpoints } from "./state.ts";
import type { Endpoint, Workload } from "./workload.ts";

/** Healthy WorkloadEntries that a Kubernetes Service selects as if they were pods. */
export function selectedEntries(service: ServiceView, objects: Objects, settings: MeshSettings): readonly Workload[] {
  const { selector, meta } = service;
  if (Object.keys(selector).length === 0 || objects.workloadEntries.size === 0) return [];
  return [...objects.workloadEntries].flatMap(([key, { ref, spec }]) =>
    ref.namespace === meta.namespace &&
    spec.address !== undefined &&
    labelsMatch(selector, spec.labels) &&
    !objects.unhealthyEntries.has(key)
      ? [workloadOfEntry(spec, ref.name, ref.namespace, ref, settings)]
      : [],
  );
}

/** Adds them to the endpoints that EndpointSlices name. */
export function withWorkloadEntries(
  endpoints: ServiceEndpoints,
  service: ServiceView,
  workloads: readonly Workload[],
  isPlain: (workload: Workload, port: number) => boolean,
): ServiceEndpoints {
  if (workloads.length === 0) return endpoints;
  const ports = new Map<number, readonly Endpoint[]>(endpoints.ports);
  for (const port of service.ports) {
    const known = ports.get(port.port) ?? [];
    const added = workloads.flatMap((workload) => {
      const target = workload.namedPorts[port.name] ?? workload.namedPorts[String(port.targetPort)] ?? port.targetPort;
      const number = typeof target === "number" ? target : Number(target);
      const taken = known.some((endpoint) => endpoint.address === workload.ip);
      return Number.isInteger(number) && number > 0 && !taken ? [entryEndpoint(workload, number, isPlain)] : [];
    });
    const all = [...known, ...added].sort((a, b) => (a.address < b.address ? -1 : 1));
    ports.set(port.port, all);
  }
  return { hash: contentHash(ports), ports };
}
