import type { ClusterApi, ClusterNetworkPlan } from "../../contract/index.ts";
import type { FrontProxyPki } from "../pki/cluster-pki.ts";
import { AGGREGATED_ROLES, AGGREGATING_LABELS, DEFAULT_BINDINGS, DEFAULT_ROLE_RULES } from "./default-roles.ts";

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

/** How servers behind an APIService learn to know the API server, and who may read that. */
export async function seedAggregation(api: ClusterApi, frontProxy: FrontProxyPki, caPem: string): Promise<void> {
  const named = { name: "extension-apiserver-authentication", namespace: "kube-system" };
  await api.create(
    { ...CORE, resource: "configmaps" },
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: named,
      data: {
        "client-ca-file": caPem,
        "requestheader-allowed-names": JSON.stringify([frontProxy.commonName]),
        "requestheader-client-ca-file": frontProxy.caPem,
        "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
        "requestheader-group-headers": '["X-Remote-Group"]',
        "requestheader-username-headers": '["X-Remote-User"]',
      },
    },
  );
  await api.create(
    { ...RBAC, resource: "roles" },
    {
      apiVersion: RBAC_VERSION,
      kind: "Role",
      metadata: {
        name: `${named.name}-reader`,
        namespace: named.namespace,
        labels: BOOTSTRAPPING,
        annotations: AUTO_UPDATE,
      },
      rules: [
        { apiGroups: [""], resources: ["configmaps"], resourceNames: [named.name], verbs: ["get", "list", "watch"] },
      ],
    },
  );
}

const RBAC = { group: "rbac.authorization.k8s.io", version: "v1" } as const;
const RBAC_VERSION = "rbac.authorization.k8s.io/v1";
const BOOTSTRAPPING = { "kubernetes.io/bootstrapping": "rbac-defaults" };
const AUTO_UPDATE = { "rbac.authorization.kubernetes.io/autoupdate": "true" };

/** The default cluster roles and their bindings. */
export async function seedRoles(api: ClusterApi): Promise<void> {
  const roles = { ...RBAC, resource: "clusterroles" };
  for (const [name, rules] of Object.entries(DEFAULT_ROLE_RULES)) {
    const label = AGGREGATING_LABELS[name];
    await api.create(roles, {
      apiVersion: RBAC_VERSION,
      kind: "ClusterRole",
      metadata: {
        name,
        labels: label === undefined ? BOOTSTRAPPING : { ...BOOTSTRAPPING, [label]: "true" },
        annotations: AUTO_UPDATE,
      },
      rules,
    });
  }
  for (const [name, { label, labels }] of Object.entries(AGGREGATED_ROLES)) {
    await api.create(roles, {
      apiVersion: RBAC_VERSION,
      kind: "ClusterRole",
      metadata: { name, labels: { ...BOOTSTRAPPING, ...labels }, annotations: AUTO_UPDATE },
      aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [label]: "true" } }] },
      rules: [],
    });
  }
  for (const [name, groups] of Object.entries(DEFAULT_BINDINGS)) {
    await api.create(
      { ...RBAC, resource: "clusterrolebindings" },
      {
        apiVersion: RBAC_VERSION,
        kind: "ClusterRoleBinding",
        metadata: { name, labels: BOOTSTRAPPING, annotations: AUTO_UPDATE },
        roleRef: { apiGroup: RBAC.group, kind: "ClusterRole", name },
        subjects: groups.map((group) => ({ kind: "Group", name: group, apiGroup: RBAC.group })),
      },
    );
  }
}

const PRIORITIES: Readonly<Record<string, number>> = {
  "system-cluster-critical": 2_000_000_000,
  "system-node-critical": 2_000_001_000,
};

export async function seedPriorityClasses(api: ClusterApi): Promise<void> {
  for (const [name, value] of Object.entries(PRIORITIES)) {
    await api.create(
      { group: "scheduling.k8s.io", version: "v1", resource: "priorityclasses" },
      {
        apiVersion: "scheduling.k8s.io/v1",
        kind: "PriorityClass",
        metadata: { name },
        value,
        preemptionPolicy: "PreemptLowerPriority",
        description: `Used for system critical pods that must ${name === "system-node-critical" ? "not be moved from their current node" : "run in the cluster, but can be moved to another node if necessary"}.`,
      },
    );
  }
}
