import {
  ApiError,
  type ClusterApi,
  type ClusterNetworkPlan,
  type KubeObject,
  type ResourceId,
} from "../contract/index.ts";

const SERVICES: ResourceId = { group: "", version: "v1", resource: "services" };
const SLICES: ResourceId = { group: "discovery.k8s.io", version: "v1", resource: "endpointslices" };
const NAME = { name: "kube-dns", namespace: "kube-system" } as const;
const LABELS = { "k8s-app": "kube-dns", "kubernetes.io/name": "CoreDNS" } as const;
const PORTS = [
  { name: "dns", port: 53, protocol: "UDP" },
  { name: "dns-tcp", port: 53, protocol: "TCP" },
] as const;

/** The Service by which clients and meshes know cluster DNS. It has no selector: the node itself answers. */
export async function createDnsObjects(api: ClusterApi, plan: ClusterNetworkPlan): Promise<void> {
  await createOnce(api, SERVICES, {
    apiVersion: "v1",
    kind: "Service",
    metadata: { ...NAME, labels: LABELS },
    spec: { type: "ClusterIP", clusterIP: plan.dnsServiceIp, clusterIPs: [plan.dnsServiceIp], ports: PORTS },
  });
  await createOnce(api, SLICES, {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { ...NAME, labels: { ...LABELS, "kubernetes.io/service-name": NAME.name } },
    addressType: "IPv4",
    endpoints: [{ addresses: [plan.nodeIp], conditions: { ready: true }, nodeName: plan.nodeName }],
    ports: PORTS,
  });
}

async function createOnce(api: ClusterApi, resource: ResourceId, object: KubeObject): Promise<void> {
  try {
    await api.create(resource, object);
  } catch (error) {
    if (!(error instanceof ApiError && error.code === 409)) throw error;
  }
}
