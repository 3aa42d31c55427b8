import type { Manifest } from "../../install/manifest.ts";
import { type ExtensionOptions, extensionLabels, GATEWAY } from "./extension-options.ts";

/** The proxy's own readiness port. */
const READINESS_PORT = 15021;

/** The way into this cluster: mesh mTLS is passed on unread to the Service that its server name says. */
export function gatewayManifests(options: ExtensionOptions): readonly Manifest[] {
  const { namespace, meshNamespace, trustDomain, gatewayPort, probePort, probeSeconds } = options;
  const labels = { ...extensionLabels, app: GATEWAY, "linkerd.io/control-plane-component": "gateway" };
  const selector = { app: GATEWAY, "linkerd.io/extension": "multicluster" };
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: GATEWAY, namespace, labels } },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: {
        name: GATEWAY,
        namespace,
        labels,
        annotations: {
          "mirror.linkerd.io/gateway-identity": `${GATEWAY}.${namespace}.serviceaccount.identity.${meshNamespace}.${trustDomain}`,
          "mirror.linkerd.io/multicluster-gateway": "true",
          "mirror.linkerd.io/probe-path": "/ready",
          "mirror.linkerd.io/probe-period": String(probeSeconds),
          // Linkerd waits 30 s; a cut line is known sooner so.
          "mirror.linkerd.io/probe-timeout": `${probeSeconds}s`,
          "mirror.linkerd.io/probe-failure-threshold": "3",
        },
      },
      spec: {
        type: options.gatewayServiceType,
        selector,
        ports: [
          { name: "mc-gateway", port: gatewayPort, targetPort: gatewayPort, protocol: "TCP" },
          { name: "mc-probe", port: probePort, targetPort: READINESS_PORT, protocol: "TCP" },
        ],
      },
    },
    {
      apiVersion: "networking.istio.io/v1beta1",
      kind: "Gateway",
      metadata: { name: GATEWAY, namespace, labels },
      spec: {
        selector,
        servers: [
          {
            hosts: ["*"],
            port: { name: "mc-gateway", number: gatewayPort, protocol: "TLS" },
            tls: { mode: "AUTO_PASSTHROUGH" },
          },
        ],
      },
    },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: GATEWAY, namespace, labels },
      spec: {
        replicas: options.highAvailability ? 2 : 1,
        selector: { matchLabels: selector },
        template: {
          metadata: {
            labels: { ...labels, "sidecar.istio.io/inject": "true" },
            annotations: { "inject.istio.io/templates": "gateway", "config.linkerd.io/enable-gateway": "true" },
          },
          spec: {
            serviceAccountName: GATEWAY,
            containers: [
              {
                name: "istio-proxy",
                // The injector knows which.
                image: "auto",
                // Without a tag, Kubernetes would set "Always", and the injector leaves what is set.
                imagePullPolicy: options.imagePullPolicy,
                ports: [{ containerPort: gatewayPort, name: "mc-gateway", protocol: "TCP" }],
              },
            ],
          },
        },
      },
    },
  ];
}
