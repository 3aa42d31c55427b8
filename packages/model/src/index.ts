export type { LoggedMesh } from "./access-logging.ts";
export type { AddressAllocation } from "./allocate-addresses.ts";
export { type Applied, applyEvents, applySettings, type MeshChange } from "./apply.ts";
export type { Authorization } from "./authorization.ts";
export { hostnameOf, isVisible } from "./build-service.ts";
export { canonicalName, canonicalRevision, ownerOf, spiffeId, type WorkloadOwner } from "./build-workload.ts";
export { clusterLocalTest } from "./cluster-local.ts";
export { type ClusterName, formatClusterName, formatSni, parseClusterName } from "./cluster-name.ts";
export type { DestinationPolicy } from "./destination-policy.ts";
export { encodeEndpointRequest } from "./endpoint-request.ts";
export type { SourceEvent } from "./events.ts";
export type { ExternalAuthorizer } from "./external-authorizer.ts";
export { type GatewayServer, gatewayServers } from "./gateway-servers.ts";
export { contentHash, createHashMemo, type HashMemo } from "./hash.ts";
export { ingressGatewayName, isFromIngress } from "./ingress-resources.ts";
export { ingressGatewayLabels, isMeshIngress } from "./ingress-review.ts";
export { byLocality, type EndpointGroup } from "./locality-order.ts";
export { localityRequest, localitySetting } from "./locality-request.ts";
export { type ClusterMerge, createClusterMerge, type MergedClusters, type RemoteRegistry } from "./merge-clusters.ts";
export { METRIC_NAMES, type MetricOverride, type WorkloadMetrics } from "./metrics.ts";
export { isMirror, type MirrorChanges, mirrorChanges } from "./mirror/changes.ts";
export type {
  ClusterContent,
  LinkedCluster,
  MirrorInput,
  MirrorObject,
  MirrorPlan,
  MirrorStatus,
} from "./mirror/mirror-input.ts";
export * as mirrorNames from "./mirror/names.ts";
export { planMirrors } from "./mirror/plan-mirrors.ts";
export { hostMatches } from "./namespace-scope.ts";
export { type ClientOrigin, type NetworkGateway, weightOf } from "./networks.ts";
export { readProxyNode } from "./node.ts";
export { targetLabels } from "./policy-targets.ts";
export { isHttp2, type Protocol, protocolNamed, wireOf } from "./protocol.ts";
export { meshWithProxyConfig } from "./proxy-settings.ts";
export type {
  EffectiveMtls,
  EndpointsView,
  HeadlessEndpoint,
  InboundPort,
  InboundView,
  OutboundView,
  ProxyNode,
  ProxyView,
} from "./proxy-view.ts";
export type { ResourcePatch } from "./resource-patches.ts";
export type { LeftOut, RoutedHttp, RoutingRule } from "./routing-rules.ts";
export type { DnsTarget, MeshPort, MeshService, Resolution } from "./service.ts";
export type { MeshSettings } from "./settings.ts";
export { sidecarScope } from "./sidecar-scope.ts";
export { emptyMesh, type MeshOptions, type MeshState, type ServiceEndpoints } from "./state.ts";
export { type CollectorService, collectorService, type TraceTag, type Tracing } from "./tracing.ts";
export { createViews, endpointsFor, type Views } from "./views.ts";
export type { Endpoint, Locality, Workload } from "./workload.ts";
export type { Located, WrittenAt } from "./written-at.ts";
