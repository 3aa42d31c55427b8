import type { MeshState } from "@heddle/model";
import type { MetricsRegistry } from "@heddle/std";

/** Figures of the mesh's state under istiod's names, counted when somebody asks for metrics. Source: Istio `pilot/pkg/model/push_context.go`. */
export function registerMeshFigures(metrics: MetricsRegistry, state: () => MeshState | undefined): void {
  const gauge = (name: string, help: string) => metrics.gauge({ name, help }).with();
  const virtualServices = gauge("pilot_virt_services", "Total virtual services known to pilot.");
  const noInstances = gauge("pilot_eds_no_instances", "Number of clusters without instances.");
  const notReady = gauge("pilot_endpoint_not_ready", "Endpoint found in unready state.");
  const noAddress = gauge("pilot_no_ip", "Pods not found in the endpoint table, possibly invalid.");
  const duplicateDomains = gauge("pilot_vservice_dup_domain", "Virtual services with dup domains.");
  metrics.onCollect(() => {
    const current = state();
    if (current === undefined) return;
    virtualServices.value = current.objects.virtualServices.size;
    noInstances.value = portsWithoutEndpoints(current);
    notReady.value = unreadyEndpoints(current);
    noAddress.value = [...current.objects.pods.values()].filter((pod) => pod.ip === "").length;
    duplicateDomains.value = repeatedHosts(current);
  });
}

function portsWithoutEndpoints(state: MeshState): number {
  let empty = 0;
  for (const { ports } of state.endpoints.values())
    for (const endpoints of ports.values()) if (endpoints.length === 0) empty++;
  return empty;
}

function unreadyEndpoints(state: MeshState): number {
  let unready = 0;
  for (const slice of state.objects.slices.values())
    for (const endpoint of slice.endpoints) if (!endpoint.ready) unready++;
  return unready;
}

/** VirtualServices of one namespace that claim the same host for sidecars: only the oldest counts. */
function repeatedHosts(state: MeshState): number {
  const seen = new Set<string>();
  let repeated = 0;
  for (const { meta, spec } of state.objects.virtualServices.values()) {
    if (spec.gateways.length > 0 && !spec.gateways.includes("mesh")) continue;
    for (const host of spec.hosts) {
      const key = `${meta.namespace}/${host}`;
      if (seen.has(key)) repeated++;
      seen.add(key);
    }
  }
  return repeated;
}
