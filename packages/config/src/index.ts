export { crdOf, crds } from "./crd/crds.ts";
export type {
  AuthorizationCondition,
  AuthorizationOperation,
  AuthorizationPolicy,
  AuthorizationRule,
  AuthorizationSource,
} from "./istio/authorization-policy.ts";
export type { DestinationRule, Subset } from "./istio/destination-rule.ts";
export {
  addressConflict,
  type EntryStatus,
  type HostAddress,
  healthChecksAnnotation,
  isHealthyWorkload,
  readEntryStatus,
} from "./istio/entry-status.ts";
export type { ConfigPatch, EnvoyFilter } from "./istio/envoy-filter.ts";
export type { Gateway, GatewayServerSpec } from "./istio/gateway.ts";
export { resolveHost } from "./istio/hosts.ts";
export { METRIC_NAMES, STANDARD_METRICS, type StandardMetric } from "./istio/metric-tags.ts";
export type { Mode, PeerAuthentication } from "./istio/peer-authentication.ts";
export type { ProxyConfigResource } from "./istio/proxy-config.ts";
export { refusedKindOf } from "./istio/refused-kinds.ts";
export { labelsMatch, type PolicyTarget, targetsOf } from "./istio/selector.ts";
export type { ServerTls } from "./istio/server-tls.ts";
export type { ServiceEntry } from "./istio/service-entry.ts";
export type { Sidecar } from "./istio/sidecar.ts";
export type { StringMatch } from "./istio/string-match.ts";
export type { Telemetry } from "./istio/telemetry.ts";
export type {
  ClientTls,
  ConnectionPool,
  LoadBalancerSettings,
  LocalityLbSetting,
  OutlierDetectionSettings,
  TrafficPolicy,
} from "./istio/traffic-policy.ts";
export type {
  CorsPolicy,
  Destination,
  HttpFault,
  HttpHeaders,
  HttpMatch,
  HttpRetry,
  HttpRoute,
  TcpRoute,
  TlsRoute,
  VirtualService,
  WeightedDestination,
} from "./istio/virtual-service.ts";
export type { WorkloadEntry, WorkloadEntrySpec } from "./istio/workload-entry.ts";
export type { WorkloadGroup } from "./istio/workload-group.ts";
export { canonicalJson, isObject, type Json, type JsonObject, type StringMap } from "./json.ts";
export {
  type EndpointSliceView,
  readEndpointSlice,
  type SliceEndpoint,
  type SlicePort,
} from "./kube/endpoint-slice.ts";
export {
  type IngressBackend,
  type IngressPath,
  type IngressView,
  readIngress,
  readIngressClass,
} from "./kube/ingress.ts";
export type { LabelSelector } from "./kube/label-selector.ts";
export { type NamespaceView, type NodeView, readNamespace, readNode } from "./kube/namespace.ts";
export {
  asKubeObject,
  groupOf,
  type KubeObject,
  type Meta,
  type ObjectRef,
  type OwnerRef,
  readMeta,
  readNumber,
  readObjects,
  readString,
  refKey,
  refOf,
  refText,
} from "./kube/object.ts";
export { type ContainerPortView, type PodView, readPod } from "./kube/pod.ts";
export { readService, type ServicePortView, type ServiceView } from "./kube/service.ts";
export { type Link, linkDefinition } from "./linkerd/link.ts";
export { alternativesOf, type Literal, type RequestCondition } from "./linkerd/request-condition.ts";
export { type ResponseCondition, statusMeets } from "./linkerd/response-condition.ts";
export type { ProfileRoute, ServiceProfile } from "./linkerd/service-profile.ts";
export type { ExtensionProvider } from "./mesh/extension-provider.ts";
export { defaultInjectorValues, type InjectorValues, parseInjectorValues } from "./mesh/injector-values.ts";
export type { MeshConfig } from "./mesh/mesh-config.ts";
export { type MeshNetworks, parseMeshNetworks } from "./mesh/mesh-networks.ts";
export { defaultMeshConfig, parseMeshConfig, parseProxyConfig } from "./mesh/parse-mesh-config.ts";
export { withHeaderVariables } from "./mesh/provider-headers.ts";
export { type DataPlane, type ProxyConfig, proxyConfigJson } from "./mesh/proxy-config.ts";
export { parseYamlText } from "./mesh/yaml.ts";
export { createProblemSink, formatProblem, type Parsed, type Problem, type ProblemSink } from "./problem.ts";
export {
  ingressKinds,
  isMeshResource,
  type MeshResource,
  parseResource,
  type WatchedKind,
  watchedKinds,
} from "./resources.ts";
export { readResource } from "./schema/resource.ts";
