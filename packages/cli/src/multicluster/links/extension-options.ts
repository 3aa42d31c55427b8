/** What decides the manifests of `multicluster install`. Names and defaults are Linkerd's. */
export interface ExtensionOptions {
  readonly namespace: string;
  readonly image: string;
  readonly imagePullPolicy: string;
  readonly version: string;
  readonly meshNamespace: string;
  readonly trustDomain: string;
  /** False: this cluster only calls others, or shares a network with them. */
  readonly gateway: boolean;
  readonly gatewayPort: number;
  readonly probePort: number;
  readonly probeSeconds: number;
  readonly gatewayServiceType: "LoadBalancer" | "NodePort" | "ClusterIP";
  /** Whether other clusters get an account to look at this one with. */
  readonly remoteAccess: boolean;
  readonly headless: boolean;
  readonly highAvailability: boolean;
}

export const EXTENSION_NAMESPACE = "linkerd-multicluster";
export const GATEWAY = "linkerd-gateway";
export const SERVICE_MIRROR = "linkerd-service-mirror";
export const MIRROR_PORT = 9999;
export const DEFAULT_ACCOUNT = "linkerd-service-mirror-remote-access-default";
export const LINK_TYPE = { group: "multicluster.linkerd.io", version: "v1alpha3", resource: "links" } as const;

/** As of Linkerd, so that its tools find the extension. */
export const extensionLabels = {
  "linkerd.io/extension": "multicluster",
  "app.kubernetes.io/part-of": "heddle",
  "app.kubernetes.io/managed-by": "heddle",
} as const;
