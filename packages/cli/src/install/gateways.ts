import { type JsonObject, parseInjectorValues, parseMeshConfig } from "@heddle/config";
import { renderSidecar } from "@heddle/inject";
import { UsageError } from "../context.ts";
import type { GatewayOptions } from "./gateway-options.ts";
import { type Manifest, meshLabels } from "./manifest.ts";
import { injectorConfigMap, meshConfigMap } from "./mesh-config.ts";
import type { InstallOptions } from "./options.ts";

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
      metadata: { name: gateway.name, namespace, labels: { ...labels, ...networkLabel(options) } },
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
        template: gatewayPod(options, gateway, account),
      },
    },
  ];
}

function networkLabel(options: InstallOptions): Readonly<Record<string, string>> {
  return options.network === "" ? {} : { "topology.istio.io/network": options.network };
}

/** A pod's owner is told from its ReplicaSet's name, which is made up here and taken out again. */
const HASH = "0000000000";

function gatewayPod(options: InstallOptions, gateway: GatewayOptions, serviceAccountName: string): JsonObject {
  const mesh = parseMeshConfig(meshConfigMap(options).data["mesh"] ?? "", "meshConfig");
  const values = parseInjectorValues(injectorConfigMap(options).data["values"] ?? "", "values");
  if (!mesh.ok || !values.ok) throw new UsageError("meshConfig or values can't be read");
  const ports = [...new Map(gateway.ports.map((port) => [port.targetPort, port])).values()];
  const pod = {
    metadata: {
      labels: { ...gateway.labels, "pod-template-hash": HASH, "sidecar.istio.io/inject": "false" },
      annotations: { "inject.istio.io/templates": "gateway", "linkerd.io/inject": "disabled" },
      ownerReferences: [
        { kind: "ReplicaSet", name: `${gateway.name}-${HASH}`, apiVersion: "apps/v1", controller: true },
      ],
    },
    spec: {
      serviceAccountName,
      containers: [
        {
          name: "istio-proxy",
          image: "auto",
          ports: ports.map((port) => ({ containerPort: port.targetPort, protocol: "TCP" })),
          env: Object.entries(gateway.env).map(([name, value]) => ({ name, value })),
        },
      ],
    },
  };
  const namespace = { name: options.namespace, labels: {}, annotations: {} };
  const rendered = renderSidecar(pod, { namespace, mesh: mesh.value, values: values.value }, "istio");
  if (rendered.kind === "refused") throw new UsageError(rendered.problems.map(({ reason }) => reason).join("\n"));
  const { metadata, ...rest } = rendered.pod;
  const { ownerReferences: _owners, labels, ...others } = metadata as JsonObject & { labels: JsonObject };
  const { "pod-template-hash": _hash, ...kept } = labels;
  return { ...rest, metadata: { ...others, labels: kept } };
}
