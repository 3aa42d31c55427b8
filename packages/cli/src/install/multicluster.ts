import { CROSS_NETWORK_PORT } from "./gateway-options.ts";
import { type Manifest, meshLabels } from "./manifest.ts";
import type { InstallOptions } from "./options.ts";

const SUFFIX = "*.global";

/**
 * What replicated control planes need beside the gateway: calls of `name.namespace.global` are mesh mTLS, and the gateway passes them on
 * unread to the Service `name` of `namespace`. Names as in Istio.
 */
export function multiclusterManifests(options: InstallOptions): readonly Manifest[] {
  const { namespace } = options;
  const labels = meshLabels("multicluster");
  const apiVersion = "networking.istio.io/v1beta1";
  return [
    {
      apiVersion,
      kind: "Gateway",
      metadata: { name: "istio-multicluster-ingressgateway", namespace, labels },
      spec: {
        selector: { istio: "ingressgateway" },
        servers: [
          {
            hosts: [SUFFIX],
            port: { name: "tls", number: CROSS_NETWORK_PORT, protocol: "TLS" },
            tls: { mode: "AUTO_PASSTHROUGH" },
          },
        ],
      },
    },
    {
      apiVersion,
      kind: "DestinationRule",
      metadata: { name: "istio-multicluster-destinationrule", namespace, labels },
      spec: { host: SUFFIX, trafficPolicy: { tls: { mode: "ISTIO_MUTUAL" } } },
    },
  ];
}
