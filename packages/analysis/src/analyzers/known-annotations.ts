/** What an annotation may stand on and look like. */
export interface AnnotationRule {
  readonly on: readonly ("Pod" | "Service" | "Namespace" | "Any")[];
  /** Why not to use it any more. */
  readonly deprecated?: string;
  /** Returns the reason when the value is not usable. */
  readonly check?: (value: string) => string | undefined;
}

const pod = { on: ["Pod"] } as const;
const service = { on: ["Service"] } as const;
const oneOf =
  (...values: readonly string[]) =>
  (value: string): string | undefined =>
    values.includes(value) ? undefined : `has to be one of ${values.join(", ")}`;
const bool = oneOf("true", "false");
const portList = (value: string): string | undefined =>
  value === "*" || value.split(",").every((part) => /^\s*\d{0,5}(-\d{1,5})?\s*$/.test(part))
    ? undefined
    : "has to be a list of ports such as 80,8080";
const ranges = (value: string): string | undefined =>
  value === "*" || value.split(",").every((part) => /^\s*([\d.]+|[0-9a-fA-F:]+)?(\/\d{1,3})?\s*$/.test(part))
    ? undefined
    : "has to be a list of CIDR ranges such as 10.0.0.0/8";
const number = (value: string): string | undefined => (/^\d+$/.test(value) ? undefined : "has to be a number");
const quantity = (value: string): string | undefined =>
  /^\d+(\.\d+)?(m|[KMGTP]i?|k)?$/.test(value) ? undefined : "has to be a quantity such as 100m or 128Mi";

/** Annotations under `istio.io` that mean something. Source: istio/api annotation/annotations.yaml. */
export const knownAnnotations: Readonly<Record<string, AnnotationRule>> = {
  "sidecar.istio.io/inject": { ...pod, deprecated: "use the label of the same name", check: bool },
  "sidecar.istio.io/status": pod,
  "sidecar.istio.io/rewriteAppHTTPProbers": { ...pod, check: bool },
  "sidecar.istio.io/discoveryAddress": { ...pod, deprecated: "use proxy.istio.io/config" },
  "sidecar.istio.io/proxyImage": pod,
  "sidecar.istio.io/proxyImageType": pod,
  "sidecar.istio.io/proxyCPU": { ...pod, check: quantity },
  "sidecar.istio.io/proxyCPULimit": { ...pod, check: quantity },
  "sidecar.istio.io/proxyMemory": { ...pod, check: quantity },
  "sidecar.istio.io/proxyMemoryLimit": { ...pod, check: quantity },
  "sidecar.istio.io/interceptionMode": { ...pod, check: oneOf("REDIRECT", "TPROXY", "NONE") },
  "sidecar.istio.io/bootstrapOverride": pod,
  "sidecar.istio.io/statsInclusionPrefixes": { ...pod, deprecated: "use proxyStatsMatcher in proxy.istio.io/config" },
  "sidecar.istio.io/statsInclusionSuffixes": { ...pod, deprecated: "use proxyStatsMatcher in proxy.istio.io/config" },
  "sidecar.istio.io/statsInclusionRegexps": { ...pod, deprecated: "use proxyStatsMatcher in proxy.istio.io/config" },
  "sidecar.istio.io/statsHistogramBuckets": pod,
  "sidecar.istio.io/statsHistogramBins": pod,
  "sidecar.istio.io/statsFlushInterval": pod,
  "sidecar.istio.io/statsEvictionInterval": pod,
  "sidecar.istio.io/statsCompression": { ...pod, deprecated: "it has no effect" },
  "sidecar.istio.io/userVolume": pod,
  "sidecar.istio.io/userVolumeMount": pod,
  "sidecar.istio.io/logLevel": pod,
  "sidecar.istio.io/componentLogLevel": pod,
  "sidecar.istio.io/agentLogLevel": pod,
  "sidecar.istio.io/nativeSidecar": { ...pod, check: bool },
  "sidecar.istio.io/extraStatTags": { ...pod, deprecated: "use extraStatTags in proxy.istio.io/config" },
  "status.sidecar.istio.io/port": { ...pod, check: number },
  "readiness.status.sidecar.istio.io/initialDelaySeconds": { ...pod, check: number },
  "readiness.status.sidecar.istio.io/periodSeconds": { ...pod, check: number },
  "readiness.status.sidecar.istio.io/failureThreshold": { ...pod, check: number },
  "readiness.status.sidecar.istio.io/applicationPorts": { ...pod, check: portList },
  "traffic.sidecar.istio.io/includeOutboundIPRanges": { ...pod, check: ranges },
  "traffic.sidecar.istio.io/excludeOutboundIPRanges": { ...pod, check: ranges },
  "traffic.sidecar.istio.io/includeInboundPorts": { ...pod, check: portList },
  "traffic.sidecar.istio.io/excludeInboundPorts": { ...pod, check: portList },
  "traffic.sidecar.istio.io/includeOutboundPorts": { ...pod, check: portList },
  "traffic.sidecar.istio.io/excludeOutboundPorts": { ...pod, check: portList },
  "traffic.sidecar.istio.io/excludeInterfaces": pod,
  "traffic.sidecar.istio.io/kubevirtInterfaces": { ...pod, deprecated: "use istio.io/reroute-virtual-interfaces" },
  "proxy.istio.io/config": pod,
  "proxy.istio.io/overrides": pod,
  "prometheus.istio.io/merge-metrics": { ...pod, check: bool },
  "inject.istio.io/templates": pod,
  "istio.io/reroute-virtual-interfaces": pod,
  "networking.istio.io/exportTo": { on: ["Service", "Any"] },
  "networking.istio.io/traffic-distribution": { on: ["Service", "Namespace", "Any"] },
  "networking.istio.io/service-type": { on: ["Any"] },
  "traffic.istio.io/nodeSelector": service,
  "istio.io/dry-run": { on: ["Any"], check: bool },
  "istio.io/rev": { on: ["Any"] },
  "istio.io/autoRegistrationGroup": { on: ["Any"] },
  "istio.io/workloadController": { on: ["Any"] },
  "istio.io/connectedAt": { on: ["Any"] },
  "istio.io/disconnectedAt": { on: ["Any"] },
  "istio.io/connect-strategy": { on: ["Any"] },
  "istio.io/use-waypoint-canary-weight": { on: ["Any"] },
  "topology.istio.io/controlPlaneClusters": { on: ["Namespace", "Any"] },
  "topology.istio.io/network": { on: ["Any"] },
  "gateway.istio.io/controller-version": { on: ["Any"] },
  "gateway.istio.io/service-account": { on: ["Any"] },
  "gateway.istio.io/name-override": { on: ["Any"] },
  "ambient.istio.io/redirection": pod,
  "ambient.istio.io/waypoint-inbound-binding": { on: ["Any"] },
  "ambient.istio.io/bypass-inbound-capture": pod,
  "ambient.istio.io/dns-capture": pod,
  "galley.istio.io/analyze-suppress": { on: ["Any"] },
  "alpha.istio.io/kubernetes-serviceaccounts": {
    on: ["Service", "Any"],
    deprecated: "identities are found by themselves",
  },
  "alpha.istio.io/canonical-serviceaccounts": {
    on: ["Service", "Any"],
    deprecated: "identities are found by themselves",
  },
};
