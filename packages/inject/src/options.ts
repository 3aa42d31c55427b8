import {
  type DataPlane,
  isObject,
  type JsonObject,
  type Problem,
  type ProxyConfig,
  parseProxyConfig,
  parseYamlText,
  proxyConfigJson,
  type StringMap,
} from "@heddle/config";
import type { InjectContext } from "./context.ts";
import { checkCidrs, checkPorts, isQuantity } from "./port-list.ts";

/** Everything that annotations, values and mesh configuration decide about one pod's sidecar. */
export interface SidecarOptions {
  readonly dataPlane: DataPlane;
  readonly image: string;
  readonly imagePullPolicy: string;
  readonly nativeSidecar: boolean;
  readonly holdApplication: boolean;
  readonly logLevel: string;
  readonly componentLogLevel: string;
  readonly uid: number;
  readonly gid: number;
  readonly interceptionMode: ProxyConfig["interceptionMode"];
  readonly includeOutboundCidrs: string;
  readonly excludeOutboundCidrs: string;
  readonly includeInboundPorts: string;
  readonly excludeInboundPorts: string;
  readonly includeOutboundPorts: string;
  readonly excludeOutboundPorts: string;
  readonly resources: JsonObject;
  readonly statusPort: number;
  readonly readiness: {
    readonly initialDelaySeconds: number;
    readonly periodSeconds: number;
    readonly failureThreshold: number;
  };
  readonly excludeInterfaces: string;
  readonly virtualInterfaces: string;
  readonly rewriteProbes: boolean;
  readonly mergeMetrics: boolean;
  readonly proxyConfig: JsonObject;
  readonly proxyMetadata: StringMap;
  readonly userVolumes: readonly JsonObject[];
  readonly userVolumeMounts: readonly JsonObject[];
}

export interface ReadOptions {
  readonly options: SidecarOptions;
  readonly problems: readonly Problem[];
}

/** Reads the annotations of both dialects; Istio's win where both speak about the same thing. The namespace's Linkerd annotations are defaults. */
export function readOptions(annotations: StringMap, context: InjectContext, source: string): ReadOptions {
  const problems: Problem[] = [];
  const { proxy } = context.values.global;
  const problem = (key: string, reason: string): void => {
    problems.push({ path: `metadata.annotations[${JSON.stringify(key)}]`, reason, source, severity: "error" });
  };
  const get = (istio: string, ...linkerd: readonly string[]): readonly [string, string] | undefined => {
    const own = annotations[istio];
    if (own !== undefined) return [istio, own];
    for (const from of [annotations, context.namespace.annotations]) {
      for (const key of linkerd) {
        const value = from[key];
        if (value !== undefined) return [key, value];
      }
    }
    return undefined;
  };
  const text = (fallback: string, istio: string, ...linkerd: readonly string[]): string =>
    get(istio, ...linkerd)?.[1] ?? fallback;
  const checked = (
    fallback: string,
    check: (text: string) => string | undefined,
    istio: string,
    ...linkerd: readonly string[]
  ): string => {
    const found = get(istio, ...linkerd);
    if (found === undefined) return fallback;
    const reason = check(found[1]);
    if (reason === undefined) return found[1];
    problem(found[0], reason);
    return fallback;
  };
  const number = (fallback: number, max: number, istio: string, ...linkerd: readonly string[]): number =>
    Number(
      checked(
        String(fallback),
        (value) =>
          /^\d+$/.test(value) && Number(value) <= max
            ? undefined
            : `has to be a whole number up to ${max}, is "${value}"`,
        istio,
        ...linkerd,
      ),
    );
  const flag = (fallback: boolean, istio: string, ...linkerd: readonly string[]): boolean =>
    checked(
      String(fallback),
      (value) => (value === "true" || value === "false" ? undefined : `has to be "true" or "false", is "${value}"`),
      istio,
      ...linkerd,
    ) === "true";
  const one = (fallback: string, allowed: readonly string[], key: string): string =>
    checked(
      fallback,
      (value) => (allowed.includes(value) ? undefined : `has to be one of ${allowed.join(", ")}, is "${value}"`),
      key,
    );

  const configKey = "proxy.istio.io/config";
  const config = proxyConfigOf(annotations[configKey], context, source, problems, configKey);
  const dataPlane: DataPlane =
    one(proxy.dataPlane, ["heddle", "envoy"], "heddle.io/data-plane") === "envoy" ? "envoy" : "heddle";
  const uid = number(1337, 4294967294, "heddle.io/proxy-uid", "config.linkerd.io/proxy-uid");
  const defaultImage = dataPlane === "envoy" ? proxy.envoyImage : proxy.image;
  const resources = {
    requests: { ...proxy.resources.requests },
    limits: { ...proxy.resources.limits },
  };
  const quantity = (kind: "requests" | "limits", name: string, istio: string, linkerd: string): void => {
    const value = checked(
      "",
      (given) => (isQuantity(given) ? undefined : `has to be a quantity such as 100m or 64Mi, is "${given}"`),
      istio,
      linkerd,
    );
    if (value !== "") resources[kind][name] = value;
  };
  quantity("requests", "cpu", "sidecar.istio.io/proxyCPU", "config.linkerd.io/proxy-cpu-request");
  quantity("requests", "memory", "sidecar.istio.io/proxyMemory", "config.linkerd.io/proxy-memory-request");
  quantity("limits", "cpu", "sidecar.istio.io/proxyCPULimit", "config.linkerd.io/proxy-cpu-limit");
  quantity("limits", "memory", "sidecar.istio.io/proxyMemoryLimit", "config.linkerd.io/proxy-memory-limit");

  const options: SidecarOptions = {
    dataPlane,
    image: text(defaultImage, "sidecar.istio.io/proxyImage", "config.linkerd.io/proxy-image"),
    imagePullPolicy: text(
      context.values.global.imagePullPolicy,
      "heddle.io/image-pull-policy",
      "config.linkerd.io/image-pull-policy",
    ),
    nativeSidecar: flag(
      proxy.nativeSidecar,
      "sidecar.istio.io/nativeSidecar",
      "config.linkerd.io/proxy-enable-native-sidecar",
      "config.beta.linkerd.io/proxy-enable-native-sidecar",
      "config.alpha.linkerd.io/proxy-enable-native-sidecar",
    ),
    holdApplication:
      config.parsed.holdApplicationUntilProxyStarts ||
      text("", "heddle.io/proxy-await", "config.linkerd.io/proxy-await") === "enabled",
    logLevel: logLevel(text(proxy.logLevel, "sidecar.istio.io/logLevel", "config.linkerd.io/proxy-log-level")),
    componentLogLevel: text("", "sidecar.istio.io/componentLogLevel"),
    uid,
    gid: number(uid, 4294967294, "heddle.io/proxy-gid", "config.linkerd.io/proxy-gid"),
    interceptionMode: one(
      config.parsed.interceptionMode,
      ["REDIRECT", "TPROXY", "NONE"],
      "sidecar.istio.io/interceptionMode",
    ) as ProxyConfig["interceptionMode"],
    includeOutboundCidrs: checked(
      proxy.includeIPRanges,
      checkCidrs,
      "traffic.sidecar.istio.io/includeOutboundIPRanges",
    ),
    excludeOutboundCidrs: checked(
      proxy.excludeIPRanges,
      checkCidrs,
      "traffic.sidecar.istio.io/excludeOutboundIPRanges",
      "config.linkerd.io/skip-subnets",
    ),
    includeInboundPorts: checked(proxy.includeInboundPorts, checkPorts, "traffic.sidecar.istio.io/includeInboundPorts"),
    excludeInboundPorts: checked(
      proxy.excludeInboundPorts,
      checkPorts,
      "traffic.sidecar.istio.io/excludeInboundPorts",
      "config.linkerd.io/skip-inbound-ports",
    ),
    includeOutboundPorts: checked(
      proxy.includeOutboundPorts,
      checkPorts,
      "traffic.sidecar.istio.io/includeOutboundPorts",
    ),
    excludeOutboundPorts: checked(
      proxy.excludeOutboundPorts,
      checkPorts,
      "traffic.sidecar.istio.io/excludeOutboundPorts",
      "config.linkerd.io/skip-outbound-ports",
    ),
    excludeInterfaces: text("", "traffic.sidecar.istio.io/excludeInterfaces"),
    virtualInterfaces: text(
      "",
      "istio.io/reroute-virtual-interfaces",
      // Istio's older name of the same.
      "traffic.sidecar.istio.io/kubevirtInterfaces",
    ),
    resources: Object.fromEntries(Object.entries(resources).filter(([, members]) => Object.keys(members).length > 0)),
    statusPort: number(config.parsed.statusPort, 65535, "status.sidecar.istio.io/port"),
    readiness: {
      initialDelaySeconds: number(0, 3600, "readiness.status.sidecar.istio.io/initialDelaySeconds"),
      periodSeconds: number(15, 3600, "readiness.status.sidecar.istio.io/periodSeconds"),
      failureThreshold: number(4, 1000, "readiness.status.sidecar.istio.io/failureThreshold"),
    },
    rewriteProbes: flag(
      context.values.sidecarInjectorWebhook.rewriteAppHTTPProbe,
      "sidecar.istio.io/rewriteAppHTTPProbers",
    ),
    mergeMetrics: flag(context.mesh.enablePrometheusMerge, "prometheus.istio.io/merge-metrics"),
    proxyConfig: config.json,
    proxyMetadata: config.parsed.proxyMetadata,
    userVolumes: named(annotations, "sidecar.istio.io/userVolume", problem),
    userVolumeMounts: named(annotations, "sidecar.istio.io/userVolumeMount", problem),
  };
  return { options, problems };
}

/** Mesh-wide ProxyConfig with the pod's own over it; maps are merged, the rest is replaced. */
function proxyConfigOf(
  annotation: string | undefined,
  context: InjectContext,
  source: string,
  problems: Problem[],
  key: string,
): { readonly json: JsonObject; readonly parsed: ProxyConfig } {
  const base = proxyConfigJson(context.mesh.defaultConfig);
  if (annotation === undefined) return { json: base, parsed: context.mesh.defaultConfig };
  const path = `metadata.annotations[${JSON.stringify(key)}]`;
  const own = parseYamlText(annotation, source);
  const value = own.ok && isObject(own.value) ? (own.value as JsonObject) : {};
  const metadata = { ...objectOf(base["proxyMetadata"]), ...objectOf(value["proxyMetadata"]) };
  const merged: JsonObject = {
    ...base,
    ...value,
    ...(Object.keys(metadata).length > 0 ? { proxyMetadata: metadata } : {}),
  };
  const read = parseProxyConfig(JSON.stringify(merged), source);
  if (!own.ok) problems.push(...own.problems.map((found) => ({ ...found, path })));
  if (!read.ok) problems.push(...read.problems.map((found) => ({ ...found, path: `${path}.${found.path}` })));
  return read.ok
    ? { json: proxyConfigJson(read.value), parsed: read.value }
    : { json: base, parsed: context.mesh.defaultConfig };
}

function objectOf(value: unknown): JsonObject {
  return isObject(value) ? (value as JsonObject) : {};
}

/** Istio's `{"name": {…}}` form of user volumes and mounts. */
function named(
  annotations: StringMap,
  key: string,
  problem: (key: string, reason: string) => void,
): readonly JsonObject[] {
  const text = annotations[key];
  if (text === undefined) return [];
  const read = parseYamlText(text, key);
  if (read.ok && Array.isArray(read.value)) return read.value.filter((item): item is JsonObject => isObject(item));
  if (read.ok && isObject(read.value))
    return Object.entries(read.value).map(([name, value]) => ({ name, ...objectOf(value) }));
  problem(key, 'has to be JSON such as {"name": {…}}');
  return [];
}

/** Linkerd writes `warn,linkerd=info`; the first word is the level for everything. */
function logLevel(text: string): string {
  const level = text.split(",")[0] ?? "";
  return level === "warn" ? "warning" : level.includes("=") || level === "" ? "warning" : level;
}
