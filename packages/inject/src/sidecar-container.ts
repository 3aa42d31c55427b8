import type { JsonObject } from "@heddle/config";
import type { InjectContext } from "./context.ts";
import type { SidecarOptions } from "./options.ts";
import type { PodOwner } from "./owner.ts";
import { appContainers, isGateway, listAt, textAt } from "./pod.ts";

type EnvVar = { readonly name: string; readonly value?: string; readonly valueFrom?: JsonObject };

const field = (name: string, fieldPath: string): EnvVar => ({
  name,
  valueFrom: { fieldRef: { apiVersion: "v1", fieldPath } },
});

export interface SidecarInput {
  readonly pod: JsonObject;
  readonly context: InjectContext;
  readonly options: SidecarOptions;
  readonly owner: PodOwner;
  /** What ISTIO_KUBE_APP_PROBERS holds, undefined when no probe was rewritten. */
  readonly probers: JsonObject | undefined;
  /** What the application's Prometheus annotations said, undefined when it has none. */
  readonly scrape: JsonObject | undefined;
}

/** Container `istio-proxy`, as docs/decisions/0001 describes it. */
export function sidecarContainer(input: SidecarInput): JsonObject {
  const { context, options } = input;
  const role = isGateway(input.pod) ? "router" : "sidecar";
  const status = (failureThreshold: number, periodSeconds: number, extra: JsonObject = {}): JsonObject => ({
    httpGet: { path: "/healthz/ready", port: 15021, scheme: "HTTP" },
    failureThreshold,
    periodSeconds,
    timeoutSeconds: 3,
    ...extra,
  });
  const { readiness } = options;
  return {
    name: "istio-proxy",
    image: options.image,
    imagePullPolicy: options.imagePullPolicy,
    args: [
      "proxy",
      role,
      "--domain",
      `$(POD_NAMESPACE).svc.${context.values.global.proxy.clusterDomain}`,
      `--proxyLogLevel=${options.logLevel}`,
      ...(options.componentLogLevel === "" ? [] : [`--proxyComponentLogLevel=${options.componentLogLevel}`]),
    ],
    ...(options.nativeSidecar ? { restartPolicy: "Always" } : {}),
    env: environment(input) as unknown as readonly JsonObject[],
    ports: [{ name: "http-envoy-prom", containerPort: 15090, protocol: "TCP" }],
    readinessProbe: status(readiness.failureThreshold, readiness.periodSeconds, {
      initialDelaySeconds: readiness.initialDelaySeconds,
    }),
    startupProbe: status(600, 1),
    ...(options.holdApplication && !options.nativeSidecar
      ? { lifecycle: { postStart: { exec: { command: ["heddle", "proxy", "wait"] } } } }
      : {}),
    resources: options.resources,
    securityContext: securityContext(options),
    volumeMounts: [
      { name: "istiod-ca-cert", mountPath: "/var/run/secrets/istio", readOnly: true },
      { name: "istio-token", mountPath: "/var/run/secrets/tokens", readOnly: true },
      { name: "istio-envoy", mountPath: "/etc/istio/proxy" },
      { name: "istio-podinfo", mountPath: "/etc/istio/pod", readOnly: true },
      ...options.userVolumeMounts,
    ],
  };
}

function securityContext(options: SidecarOptions): JsonObject {
  const transparent = options.interceptionMode === "TPROXY";
  return {
    allowPrivilegeEscalation: false,
    // Transparent proxying needs the capability to bind foreign addresses.
    capabilities: transparent ? { add: ["NET_ADMIN"], drop: ["ALL"] } : { drop: ["ALL"] },
    privileged: false,
    readOnlyRootFilesystem: true,
    runAsUser: transparent ? 0 : options.uid,
    runAsGroup: options.gid,
    runAsNonRoot: !transparent,
  };
}

function environment(input: SidecarInput): readonly EnvVar[] {
  const { pod, context, options, owner } = input;
  const { global } = context.values;
  const address =
    global.caAddress === ""
      ? (options.proxyConfig["discoveryAddress"] ?? `istiod.${global.istioNamespace}.svc:15012`)
      : global.caAddress;
  const containers = appContainers(pod);
  const ports = containers.flatMap((container) => listAt(container, "ports"));
  const text = (name: string, value: string): EnvVar => ({ name, value });
  return [
    field("POD_NAME", "metadata.name"),
    field("POD_NAMESPACE", "metadata.namespace"),
    field("INSTANCE_IP", "status.podIP"),
    field("HOST_IP", "status.hostIP"),
    field("SERVICE_ACCOUNT", "spec.serviceAccountName"),
    text("PILOT_CERT_PROVIDER", "istiod"),
    text("CA_ADDR", String(address)),
    text("PROXY_CONFIG", JSON.stringify(options.proxyConfig)),
    text("TRUST_DOMAIN", context.mesh.trustDomain),
    text("ISTIO_META_CLUSTER_ID", global.multiCluster.clusterName),
    text("ISTIO_META_MESH_ID", context.mesh.defaultConfig.meshId ?? global.meshID),
    ...(global.network === "" ? [] : [text("ISTIO_META_NETWORK", global.network)]),
    text("ISTIO_META_WORKLOAD_NAME", owner.name),
    text("ISTIO_META_OWNER", owner.url),
    text("ISTIO_META_APP_CONTAINERS", containers.map((container) => textAt(container, "name")).join(",")),
    text("ISTIO_META_POD_PORTS", JSON.stringify(ports)),
    text("ISTIO_META_INTERCEPTION_MODE", options.interceptionMode),
    ...(input.probers === undefined ? [] : [text("ISTIO_KUBE_APP_PROBERS", JSON.stringify(input.probers))]),
    ...(input.scrape === undefined ? [] : [text("ISTIO_PROMETHEUS_ANNOTATIONS", JSON.stringify(input.scrape))]),
    text("HEDDLE_DATA_PLANE", options.dataPlane),
    ...Object.entries(options.proxyMetadata).map(([name, value]) => text(name, value)),
  ];
}
