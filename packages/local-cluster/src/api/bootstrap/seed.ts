import type { ClusterApi, ClusterNetworkPlan } from "../../contract/index.ts";

const CORE = { group: "", version: "v1" } as const;
export const SYSTEM_NAMESPACES = ["default", "kube-system", "kube-public", "kube-node-lease"];

/** The objects that every cluster has from its first moment. */
export async function seedCluster(api: ClusterApi, network: ClusterNetworkPlan): Promise<void> {
  for (const name of SYSTEM_NAMESPACES) {
    await api.create({ ...CORE, resource: "namespaces" }, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
  }
  await api.create(
    { ...CORE, resource: "services" },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: {
        name: "kubernetes",
        namespace: "default",
        labels: { component: "apiserver", provider: "kubernetes" },
      },
      spec: {
        type: "ClusterIP",
        clusterIP: network.apiServiceIp,
        clusterIPs: [network.apiServiceIp],
        ipFamilies: ["IPv4"],
        ipFamilyPolicy: "SingleStack",
        internalTrafficPolicy: "Cluster",
        sessionAffinity: "None",
        ports: [{ name: "https", port: 443, protocol: "TCP", targetPort: network.apiPort }],
      },
      status: { loadBalancer: {} },
    },
  );
  await api.create(
    { ...CORE, resource: "endpoints" },
    {
      apiVersion: "v1",
      kind: "Endpoints",
      metadata: {
        name: "kubernetes",
        namespace: "default",
        labels: { "endpointslice.kubernetes.io/skip-mirror": "true" },
      },
      subsets: [
        {
          addresses: [{ ip: network.nodeIp }],
          ports: [{ name: "https", port: network.apiPort, protocol: "TCP" }],
        },
      ],
    },
  );
  await api.create(
    { group: "discovery.k8s.io", version: "v1", resource: "endpointslices" },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        name: "kubernetes",
        namespace: "default",
        labels: { "kubernetes.io/service-name": "kubernetes" },
      },
      addressType: "IPv4",
      endpoints: [{ addresses: [network.nodeIp], conditions: { ready: true } }],
      ports: [{ name: "https", port: network.apiPort, protocol: "TCP" }],
    },
  );
}
