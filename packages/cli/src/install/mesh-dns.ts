import { type Manifest, meshLabels } from "./manifest.ts";
import type { InstallOptions } from "./options.ts";
import { proxyPodTemplate } from "./proxy-pod.ts";

/** Named as Istio's, because walkthroughs ask for this Service's address. */
export const MESH_DNS = "istiocoredns";
const PORT = 8053;

/** The mesh's DNS for names of ServiceEntries; the cluster's DNS is told to ask it for `global`. */
export function meshDnsManifests(options: InstallOptions): readonly Manifest[] {
  const { namespace } = options;
  const selector = { app: MESH_DNS };
  const labels = { ...meshLabels("istiocoredns"), ...selector };
  const probe = { httpGet: { path: "/healthz/ready", port: 15020, scheme: "HTTP" } };
  const template = proxyPodTemplate(options, {
    name: MESH_DNS,
    labels: selector,
    serviceAccountName: MESH_DNS,
    container: {
      args: ["dns", "--address", `0.0.0.0:${PORT}`, "--zones", "global"],
      ports: [
        { name: "dns", containerPort: PORT, protocol: "UDP" },
        { name: "dns-tcp", containerPort: PORT, protocol: "TCP" },
      ],
      readinessProbe: probe,
      startupProbe: probe,
    },
  });
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: MESH_DNS, namespace, labels } },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: MESH_DNS, namespace, labels },
      spec: {
        selector,
        ports: [
          { name: "dns", port: 53, targetPort: PORT, protocol: "UDP" },
          { name: "dns-tcp", port: 53, targetPort: PORT, protocol: "TCP" },
        ],
      },
    },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: MESH_DNS, namespace, labels },
      spec: { replicas: 1, selector: { matchLabels: selector }, template },
    },
  ];
}
