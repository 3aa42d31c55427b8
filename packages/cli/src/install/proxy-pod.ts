import { type JsonObject, parseInjectorValues, parseMeshConfig } from "@heddle/config";
import { renderSidecar } from "@heddle/inject";
import { UsageError } from "../context.ts";
import { injectorConfigMap, meshConfigMap } from "./mesh-config.ts";
import type { InstallOptions } from "./options.ts";

/** A pod whose only program is the mesh's own. */
export interface ProxyPod {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly serviceAccountName: string;
  /** Laid over the container that injection would write. */
  readonly container: JsonObject;
}

/** A pod's owner is told from its ReplicaSet's name, which is made up here and taken out again. */
const HASH = "0000000000";

/** A pod template written out, as nothing is injected into the mesh's own namespace. Errors: UsageError. */
export function proxyPodTemplate(options: InstallOptions, wanted: ProxyPod): JsonObject {
  const mesh = parseMeshConfig(meshConfigMap(options).data["mesh"] ?? "", "meshConfig");
  const values = parseInjectorValues(injectorConfigMap(options).data["values"] ?? "", "values");
  if (!mesh.ok || !values.ok) throw new UsageError("meshConfig or values can't be read");
  const owner = { kind: "ReplicaSet", name: `${wanted.name}-${HASH}`, apiVersion: "apps/v1", controller: true };
  const pod = {
    metadata: {
      labels: { ...wanted.labels, "pod-template-hash": HASH, "sidecar.istio.io/inject": "false" },
      annotations: { "inject.istio.io/templates": "gateway", "linkerd.io/inject": "disabled" },
      ownerReferences: [owner],
    },
    spec: {
      serviceAccountName: wanted.serviceAccountName,
      containers: [{ ...wanted.container, name: "istio-proxy", image: "auto" }],
    },
  };
  const namespace = { name: options.namespace, labels: {}, annotations: {} };
  // Search domains of other clusters are for applications.
  const plain = { ...values.value, global: { ...values.value.global, podDNSSearchNamespaces: [] } };
  const rendered = renderSidecar(pod, { namespace, mesh: mesh.value, values: plain }, "istio");
  if (rendered.kind === "refused") throw new UsageError(rendered.problems.map(({ reason }) => reason).join("\n"));
  const { metadata, ...rest } = rendered.pod;
  const { ownerReferences: _owners, labels, ...others } = metadata as JsonObject & { labels: JsonObject };
  const { "pod-template-hash": _hash, ...kept } = labels;
  return { ...rest, metadata: { ...others, labels: kept } };
}
