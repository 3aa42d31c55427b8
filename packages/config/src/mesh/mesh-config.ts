import { logFormat, retryConditions } from "../istio/http-text.ts";
import { localityLbSetting } from "../istio/traffic-policy.ts";
import { labelSelector } from "../kube/label-selector.ts";
import { list, message } from "../schema/compound.ts";
import { defaultsOf } from "../schema/defaults.ts";
import { anyJson, boolean, duration, int, oneOf, oneOfBut, port, string } from "../schema/scalar.ts";
import { type Infer, ignored, withDefault } from "../schema/schema.ts";
import { certificateData } from "./certificate-data.ts";
import { extensionProvider } from "./extension-provider.ts";
import { proxyConfig } from "./proxy-config.ts";

const tcpKeepalive = message("TcpKeepalive", { probes: int(0), time: duration(), interval: duration() });

const httpRetry = message("HTTPRetry", {
  attempts: int(0),
  perTryTimeout: duration(),
  retryOn: retryConditions,
  retryRemoteLocalities: boolean(),
  retryIgnorePreviousHosts: boolean(),
  backoff: duration(),
});

const tlsConfig = message("TLSConfig", {
  minProtocolVersion: oneOf("TLS_AUTO", "TLSV1_2", "TLSV1_3"),
  ecdhCurves: list(string()),
  cipherSuites: list(string()),
});

const outboundTrafficPolicy = message("OutboundTrafficPolicy", {
  mode: withDefault(
    oneOfBut(["REGISTRY_ONLY", "ALLOW_ANY"], {
      ALLOW_ANY_DYNAMIC_DNS:
        "proxies do not look up the names that requests carry; use ALLOW_ANY, with which a connection goes on to the address that the application looked up",
    }),
    "ALLOW_ANY",
  ),
  tls: ignored(anyJson(), "TLS is originated only for named hosts; write a ServiceEntry and a DestinationRule"),
});

/**
 * Mesh-wide settings (ConfigMap `istio`, key `mesh`). Durations are milliseconds once read.
 * Source: istio/api mesh/v1alpha1/config.proto; defaults of istio pkg/config/mesh/mesh.go.
 */
export const meshConfig = message("MeshConfig", {
  proxyListenPort: withDefault(port(), 15001),
  proxyInboundListenPort: withDefault(port(), 15006),
  proxyHttpPort: port(),
  connectTimeout: withDefault(duration(), 10_000),
  // Istio's default is 0 (for ever), which lets server-first protocols hang; 0s can still be asked for.
  protocolDetectionTimeout: withDefault(duration(), 5_000),
  tcpKeepalive,
  ingressClass: withDefault(string(), "istio"),
  ingressService: withDefault(string(), "istio-ingressgateway"),
  ingressControllerMode: withDefault(oneOf("UNSPECIFIED", "OFF", "DEFAULT", "STRICT"), "STRICT"),
  ingressSelector: withDefault(string(), ""),
  enableTracing: withDefault(boolean(), true),
  accessLogFile: withDefault(string(), ""),
  accessLogFormat: withDefault(logFormat, ""),
  accessLogEncoding: withDefault(oneOf("TEXT", "JSON"), "TEXT"),
  enableEnvoyAccessLogService: ignored(
    withDefault(boolean(), false),
    "use an extensionProvider envoyHttpAls and the Telemetry API",
  ),
  disableEnvoyListenerLog: withDefault(boolean(), false),
  defaultConfig: withDefault(proxyConfig, defaultsOf(proxyConfig)),
  outboundTrafficPolicy: withDefault(outboundTrafficPolicy, { mode: "ALLOW_ANY" }),
  inboundTrafficPolicy: withDefault(
    message("InboundTrafficPolicy", { mode: withDefault(oneOf("PASSTHROUGH", "LOCALHOST"), "PASSTHROUGH") }),
    { mode: "PASSTHROUGH" },
  ),
  configSources: ignored(
    list(anyJson()),
    "configuration is read from the Kubernetes API and from files given on the command line",
  ),
  enableAutoMtls: withDefault(boolean(), true),
  trustDomain: withDefault(string(), "cluster.local"),
  trustDomainAliases: list(string()),
  caCertificates: withDefault(list(certificateData), []),
  defaultServiceExportTo: withDefault(list(string()), ["*"]),
  defaultVirtualServiceExportTo: withDefault(list(string()), ["*"]),
  defaultDestinationRuleExportTo: withDefault(list(string()), ["*"]),
  rootNamespace: withDefault(string(), "istio-system"),
  localityLbSetting,
  zoneAwareLbSetting: ignored(
    anyJson(),
    "shares by zone are not computed; use localityLbSetting, or trafficDistribution of a Service",
  ),
  dnsRefreshRate: withDefault(duration(), 60_000),
  h2UpgradePolicy: withDefault(oneOf("DO_NOT_UPGRADE", "UPGRADE"), "DO_NOT_UPGRADE"),
  inboundClusterStatName: withDefault(string(), ""),
  outboundClusterStatName: withDefault(string(), ""),
  certificates: ignored(list(anyJson()), "it was removed by Istio"),
  serviceSettings: list(
    message("ServiceSettings", {
      settings: message("Settings", { clusterLocal: withDefault(boolean(), false) }),
      hosts: list(string()),
    }),
  ),
  serviceScopeConfigs: ignored(list(anyJson()), "ambient mode is not available"),
  hboneIdleTimeout: ignored(duration(), "ambient mode is not available"),
  enablePrometheusMerge: withDefault(boolean(), true),
  verifyCertificateAtClient: ignored(boolean(), "it was removed by Istio"),
  ca: ignored(anyJson(), "the control plane is the CA; give it yours by the Secret cacerts"),
  extensionProviders: list(extensionProvider),
  defaultProviders: message("DefaultProviders", {
    tracing: list(string()),
    metrics: list(string()),
    accessLogging: list(string()),
  }),
  discoverySelectors: list(labelSelector),
  pathNormalization: message("ProxyPathNormalization", {
    normalization: withDefault(
      oneOf("DEFAULT", "NONE", "BASE", "MERGE_SLASHES", "DECODE_AND_MERGE_SLASHES"),
      "DEFAULT",
    ),
  }),
  defaultHttpRetryPolicy: httpRetry,
  meshMTLS: tlsConfig,
  tlsDefaults: tlsConfig,
  defaultTrafficPolicy: ignored(anyJson(), "write a DestinationRule for *.local in the root namespace"),
  serviceEntryVisibility: ignored(anyJson(), "use exportTo"),
});

export type MeshConfig = Infer<typeof meshConfig>;
