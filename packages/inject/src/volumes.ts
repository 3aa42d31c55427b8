import type { JsonObject } from "@heddle/config";
import type { SidecarOptions } from "./options.ts";

/** The sidecar's volumes: root certificate, identity token, pod metadata, scratch space in memory. */
export function sidecarVolumes(options: SidecarOptions): readonly JsonObject[] {
  const item = (path: string): JsonObject => ({ path, fieldRef: { apiVersion: "v1", fieldPath: `metadata.${path}` } });
  return [
    { name: "istio-envoy", emptyDir: { medium: "Memory" } },
    { name: "istio-podinfo", downwardAPI: { items: [item("labels"), item("annotations")] } },
    {
      name: "istio-token",
      projected: {
        sources: [{ serviceAccountToken: { path: "istio-token", expirationSeconds: 43200, audience: "istio-ca" } }],
      },
    },
    { name: "istiod-ca-cert", configMap: { name: "istio-ca-root-cert" } },
    ...options.userVolumes,
  ];
}

export const sidecarVolumeNames = ["istio-envoy", "istio-podinfo", "istio-token", "istiod-ca-cert"] as const;
