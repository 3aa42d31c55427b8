/** Labels and annotations of mirrors. Source: Linkerd, `pkg/k8s/labels.go`. */
export const MIRRORED = "mirror.linkerd.io/mirrored-service";
export const MIRRORED_GATEWAY = "mirror.linkerd.io/mirrored-gateway";
export const CLUSTER_NAME = "mirror.linkerd.io/cluster-name";
export const REMOTE_NAME = "mirror.linkerd.io/remote-svc-fq-name";
export const REMOTE_VERSION = "mirror.linkerd.io/remote-resource-version";
export const REMOTE_GATEWAY_IDENTITY = "mirror.linkerd.io/remote-gateway-identity";
export const HEADLESS_MIRROR = "mirror.linkerd.io/headless-mirror-svc-name";
/** Label of a mirror without gateway, and annotation of a federated Service (`svc@cluster,…`). */
export const REMOTE_DISCOVERY = "multicluster.linkerd.io/remote-discovery";
export const REMOTE_SERVICE = "multicluster.linkerd.io/remote-service";
export const LOCAL_DISCOVERY = "multicluster.linkerd.io/local-discovery";

/** Everything below it describes a mirror and is never copied from what is mirrored. */
export const MIRROR_PREFIX = "mirror.linkerd.io";

/** On an EndpointSlice as on a pod: sidecars before its endpoints accept mesh mTLS. */
export const TLS_MODE = "security.istio.io/tlsMode";
