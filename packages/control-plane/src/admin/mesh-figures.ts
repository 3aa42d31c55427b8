import type { MeshState } from "@heddle/model";
import type { MetricsRegistry } from "@heddle/std";
import { meshConflicts } from "./mesh-conflicts.ts";

/**
 * Figures of the mesh's state under istiod's names, counted when somebody asks for metrics and the state is another than then.
 * Source: Istio `pilot/pkg/model/push_context.go`, `pilot/pkg/serviceregistry/kube/controller`.
 */
export function registerMeshFigures(metrics: MetricsRegistry, state: () => MeshState | undefined): void {
  const gauge = (name: string, help: string) => metrics.gauge({ name, help }).with();
  const virtualServices = gauge("pilot_virt_services", "Total virtual services known to pilot.");
  const noInstances = gauge("pilot_eds_no_instances", "Number of clusters without instances.");
  const notReady = gauge("pilot_endpoint_not_ready", "Endpoint found in unready state.");
  const noService = gauge("pilot_no_ip", "Pods not found in the endpoint table, possibly invalid.");
  const noPod = gauge("endpoint_no_pod", "Endpoints without an associated pod.");
  const pendingPod = gauge(
    "pilot_k8s_endpoints_pending_pod",
    "Number of endpoints that do not currently have any corresponding pods.",
  );
  const duplicateDomains = gauge("pilot_vservice_dup_domain", "Virtual services with dup domains.");
  const subsets = gauge("pilot_destrule_subsets", "Duplicate subsets across destination rules for same host");
  const clusters = gauge(
    "pilot_duplicate_envoy_clusters",
    "Duplicate envoy clusters caused by service entries with same hostname",
  );
  const emptyDns = gauge("pilot_dns_cluster_without_endpoints", "DNS clusters without endpoints.");
  const inbound = gauge("pilot_conflict_inbound_listener", "Number of conflicting inbound listeners.");
  const outbound = gauge(
    "pilot_conflict_outbound_listener_tcp_over_current_tcp",
    "Number of conflicting tcp listeners with current tcp listener.",
  );
  let counted: MeshState | undefined;
  metrics.onCollect(() => {
    const current = state();
    if (current === undefined || current === counted) return;
    counted = current;
    virtualServices.value = current.objects.virtualServices.size;
    noInstances.value = portsWithoutEndpoints(current);
    const endpoints = endpointFigures(current);
    notReady.value = endpoints.notReady;
    noPod.value = endpoints.noPod;
    pendingPod.value = endpoints.noPod;
    noService.value = endpoints.podsOfNoService;
    duplicateDomains.value = repeatedHosts(current);
    const conflicts = meshConflicts(current);
    subsets.value = conflicts.repeatedSubsets;
    clusters.value = conflicts.repeatedClusters;
    emptyDns.value = conflicts.emptyDnsClusters;
    inbound.value = conflicts.inbound;
    outbound.value = conflicts.outboundTcp;
  });
}

function portsWithoutEndpoints(state: MeshState): number {
  let empty = 0;
  for (const { ports } of state.endpoints.values())
    for (const endpoints of ports.values()) if (endpoints.length === 0) empty++;
  return empty;
}

function endpointFigures({ objects }: MeshState) {
  const found = new Set<string>();
  let notReady = 0;
  let noPod = 0;
  for (const { meta, endpoints } of objects.slices.values())
    for (const { ready, pod } of endpoints) {
      if (!ready) notReady++;
      if (pod === "") continue;
      const key = `${meta.namespace}/${pod}`;
      found.add(key);
      if (!objects.pods.has(key)) noPod++;
    }
  let podsOfNoService = 0;
  for (const [key, pod] of objects.pods)
    if (pod.containers.includes("istio-proxy") && pod.phase === "Running" && !found.has(key)) podsOfNoService++;
  return { notReady, noPod, podsOfNoService };
}

/** Hosts that several VirtualServices of one namespace claim for sidecars: only the oldest counts. */
function repeatedHosts(state: MeshState): number {
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const { meta, spec } of state.objects.virtualServices.values()) {
    if (spec.gateways.length > 0 && !spec.gateways.includes("mesh")) continue;
    for (const host of spec.hosts) {
      const key = `${meta.namespace}/${host}`;
      if (seen.has(key)) repeated.add(key);
      seen.add(key);
    }
  }
  return repeated.size;
}
