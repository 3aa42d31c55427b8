import { type Manifest, meshLabels } from "./manifest.ts";
import type { InstallOptions } from "./options.ts";

export function namespace(options: InstallOptions): Manifest {
  return {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: {
      name: options.namespace,
      labels: {
        ...meshLabels("namespace"),
        "istio-injection": "disabled",
        "linkerd.io/is-control-plane": "true",
        ...(options.network ? { "topology.istio.io/network": options.network } : {}),
      },
      annotations: { "linkerd.io/inject": "disabled" },
    },
  };
}

export function serviceAccount(options: InstallOptions): Manifest {
  return {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name: "istiod", namespace: options.namespace, labels: { ...meshLabels("pilot"), app: "istiod" } },
  };
}
