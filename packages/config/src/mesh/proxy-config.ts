import { durationMs, formatProtoDuration } from "@heddle/std";
import { readinessProbe } from "../istio/workload-group.ts";
import { canonicalJson, type Json, type JsonObject } from "../json.ts";
import { list, map, message } from "../schema/compound.ts";
import { defaultsOf } from "../schema/defaults.ts";
import { anyJson, boolean, double, duration, int, oneOf, port, string, uint32 } from "../schema/scalar.ts";
import { type Infer, ignored, remarked, required, withDefault } from "../schema/schema.ts";

const notOurs = "it tunes Envoy's process, which the built-in proxy does not have";

const noSuchTracer = "spans go to zipkin, or to an extensionProvider by the Telemetry API";

/** Which program is the sidecar. */
export type DataPlane = "heddle" | "envoy";

/** Per-proxy settings. Source: istio/api mesh/v1alpha1/proxy.proto; defaults of istio pkg/config/mesh/mesh.go. */
export const proxyConfig = message("ProxyConfig", {
  configPath: withDefault(string(), "./etc/istio/proxy"),
  binaryPath: ignored(string(), notOurs),
  serviceCluster: string(),
  tracingServiceName: oneOf("APP_LABEL_AND_NAMESPACE", "CANONICAL_NAME_ONLY", "CANONICAL_NAME_AND_NAMESPACE"),
  drainDuration: withDefault(duration(), 45_000),
  discoveryAddress: withDefault(string(), "istiod.istio-system.svc:15012"),
  statsdUdpAddress: remarked(
    string(),
    "IP:PORT; the proxy's own statistics of `proxyStatsMatcher` go there every 5 s, `istio_*` metrics don't: scrape 15020",
  ),
  proxyAdminPort: withDefault(port(), 15000),
  controlPlaneAuthPolicy: withDefault(oneOf("NONE", "MUTUAL_TLS", "INHERIT"), "MUTUAL_TLS"),
  customConfigFile: ignored(string(), notOurs),
  statNameLength: ignored(int(), notOurs),
  concurrency: withDefault(int(0), 2),
  proxyBootstrapTemplatePath: ignored(string(), notOurs),
  interceptionMode: withDefault(oneOf("REDIRECT", "TPROXY", "NONE"), "REDIRECT"),
  tracing: message("Tracing", {
    zipkin: message("Zipkin", { address: required(string()) }),
    lightstep: ignored(anyJson(), noSuchTracer),
    datadog: ignored(anyJson(), noSuchTracer),
    stackdriver: ignored(anyJson(), noSuchTracer),
    openCensusAgent: ignored(anyJson(), noSuchTracer),
    customTags: map(anyJson()),
    maxPathTagLength: uint32(),
    sampling: double(0, 100),
    tlsSettings: ignored(anyJson(), "the mesh's own mTLS protects the way to the collector"),
    enableIstioTags: boolean(),
  }),
  envoyAccessLogService: ignored(anyJson(), "use an extensionProvider envoyHttpAls and the Telemetry API"),
  envoyMetricsService: ignored(anyJson(), notOurs),
  proxyMetadata: map(string()),
  runtimeValues: map(string()),
  statusPort: withDefault(port(), 15020),
  extraStatTags: list(string()),
  gatewayTopology: message("Topology", {
    numTrustedProxies: int(0),
    forwardClientCertDetails: oneOf(
      "UNDEFINED",
      "SANITIZE",
      "FORWARD_ONLY",
      "APPEND_FORWARD",
      "SANITIZE_SET",
      "ALWAYS_FORWARD_ONLY",
    ),
    /** Clients come through a load balancer that says by PROXY protocol who they are. */
    proxyProtocol: message("ProxyProtocolConfiguration", {}),
  }),
  terminationDrainDuration: withDefault(duration(), 5_000),
  meshId: string(),
  readinessProbe,
  proxyStatsMatcher: message("ProxyStatsMatcher", {
    inclusionPrefixes: list(string()),
    inclusionSuffixes: list(string()),
    inclusionRegexps: list(string()),
  }),
  holdApplicationUntilProxyStarts: withDefault(boolean(), false),
  caCertificatesPem: list(string()),
  image: message("ProxyImage", { imageType: string() }),
  privateKeyProvider: ignored(anyJson(), notOurs),
  proxyHeaders: ignored(
    anyJson(),
    "the mesh's own headers can't be chosen; change headers by a VirtualService or an EnvoyFilter",
  ),
  fileFlushInterval: duration(),
  fileFlushMinSizeKb: int(0),
  statsCompression: ignored(boolean(), notOurs),
  connectionSettings: ignored(
    anyJson(),
    "listeners have fixed limits; use connectionPool of a Sidecar, or an EnvoyFilter",
  ),
  // Deprecated by Istio, still found in the field.
  discoveryRefreshDelay: ignored(duration(), "configuration is pushed"),
  zipkinAddress: ignored(string(), "use an extensionProvider and the Telemetry API"),
  envoyMetricsServiceAddress: ignored(string(), notOurs),
  availabilityZone: ignored(string(), "the node's topology labels are used"),
  sds: ignored(anyJson(), "certificates always come by SDS"),
});

export type ProxyConfig = Infer<typeof proxyConfig>;

const durations: readonly (keyof ProxyConfig)[] = ["drainDuration", "terminationDrainDuration", "fileFlushInterval"];

/** The JSON form, without fields that have their default value: what PROXY_CONFIG in a sidecar's environment holds. */
export function proxyConfigJson(config: ProxyConfig): JsonObject {
  const defaults = defaultsOf(proxyConfig);
  const out: Record<string, Json> = { discoveryAddress: config.discoveryAddress };
  for (const key of Object.keys(config) as (keyof ProxyConfig)[]) {
    const value = config[key];
    if (value === undefined || canonicalJson(value) === canonicalJson(defaults[key])) continue;
    out[key] =
      durations.includes(key) && typeof value === "number" ? formatProtoDuration(durationMs(value)) : (value as Json);
  }
  return out;
}
