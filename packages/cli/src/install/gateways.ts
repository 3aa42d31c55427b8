import type { GatewayOptions, GatewayServicePort } from "./gateway-options.ts";
import { type Manifest, meshLabels } from "./manifest.ts";
import type { InstallOptions } from "./options.ts";
import { proxyPodTemplate } from "./proxy-pod.ts";

/** Everything of one gateway. Its pods are written out, as nothing is injected into the mesh's own namespace. */
export function gatewayManifests(options: InstallOptions, gateway: GatewayOptions): readonly Manifest[] {
  const { namespace } = options;
  const labels = { ...meshLabels("gateways"), ...gateway.labels };
  const account = `${gateway.name}-service-account`;
  const secrets = `${gateway.name}-sds`;
  const group = "rbac.authorization.k8s.io";
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: account, namespace, labels } },
    {
      apiVersion: `${group}/v1`,
      kind: "Role",
      metadata: { name: secrets, namespace, labels },
      rules: [{ apiGroups: [""], resources: ["secrets"], verbs: ["get", "watch", "list"] }],
    },
    {
      apiVersion: `${group}/v1`,
      kind: "RoleBinding",
      metadata: { name: secrets, namespace, labels },
      roleRef: { apiGroup: group, kind: "Role", name: secrets },
      subjects: [{ kind: "ServiceAccount", name: account, namespace }],
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: gateway.name, namespace, labels },
      spec: {
        type: gateway.serviceType,
        selector: gateway.labels,
        ports: gateway.ports.map((port) => ({ ...port, protocol: "TCP" })),
      },
    },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: gateway.name, namespace, labels },
      spec: {
        replicas: gateway.replicas,
        selector: { matchLabels: gateway.labels },
        strategy: { rollingUpdate: { maxSurge: "100%", maxUnavailable: "25%" } },
        template: proxyPodTemplate(options, {
          name: gateway.name,
          labels: gateway.labels,
          serviceAccountName: account,
          container: {
            ports: distinctTargets(gateway).map((port) => ({ containerPort: port.targetPort, protocol: "TCP" })),
            env: Object.entries(gateway.env).map(([name, value]) => ({ name, value })),
          },
        }),
      },
    },
  ];
}

/** Two ports of a Service may lead to one of the pod. */
function distinctTargets(gateway: GatewayOptions): readonly GatewayServicePort[] {
  return [...new Map(gateway.ports.map((port) => [port.targetPort, port])).values()];
}
