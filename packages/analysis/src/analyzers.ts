import type { Analyzer } from "./analyzer.ts";
import { annotations } from "./analyzers/annotations.ts";
import { applicationUid } from "./analyzers/application-uid.ts";
import { authorizationNamespaces } from "./analyzers/authorization-namespaces.ts";
import { collectorPorts } from "./analyzers/collector-ports.ts";
import { conflictingGateways } from "./analyzers/conflicting-gateways.ts";
import { destinationRuleHosts } from "./analyzers/destination-rule-hosts.ts";
import { destinationRuleTls } from "./analyzers/destination-rule-tls.ts";
import { envoyPatches } from "./analyzers/envoy-patches.ts";
import { exportTo } from "./analyzers/export-to.ts";
import { externalNames } from "./analyzers/external-names.ts";
import { gatewayApiVersion } from "./analyzers/gateway-api-version.ts";
import { gatewayCertificates } from "./analyzers/gateway-certificates.ts";
import { gatewayCredentials } from "./analyzers/gateway-credentials.ts";
import { gatewayPorts } from "./analyzers/gateway-ports.ts";
import { imageAuto } from "./analyzers/image-auto.ts";
import { ineffectivePolicies } from "./analyzers/ineffective-policies.ts";
import { ingressReferences } from "./analyzers/ingress-references.ts";
import { ingressSubsets } from "./analyzers/ingress-subsets.ts";
import { injection } from "./analyzers/injection.ts";
import { injectionImage } from "./analyzers/injection-image.ts";
import { jwksUris } from "./analyzers/jwks-uris.ts";
import { jwtClaimRoutes } from "./analyzers/jwt-claim-routes.ts";
import { kubernetesVersion } from "./analyzers/kubernetes-version.ts";
import { localhostListeners } from "./analyzers/localhost-listeners.ts";
import { localityFailover } from "./analyzers/locality-failover.ts";
import { meshGatewayHosts } from "./analyzers/mesh-gateway-hosts.ts";
import { meshNetworks } from "./analyzers/mesh-networks.ts";
import { mtlsConflicts } from "./analyzers/mtls-conflicts.ts";
import { multiClusterServices } from "./analyzers/multi-cluster-services.ts";
import { policySelectors } from "./analyzers/policy-selectors.ts";
import { portNames } from "./analyzers/port-names.ts";
import { schema } from "./analyzers/schema.ts";
import { serviceAssociation } from "./analyzers/service-association.ts";
import { serviceEntryAddresses } from "./analyzers/service-entry-addresses.ts";
import { serviceEntryProtocols } from "./analyzers/service-entry-protocols.ts";
import { serviceProfiles } from "./analyzers/service-profiles.ts";
import { sidecarSelectors } from "./analyzers/sidecar-selectors.ts";
import { statusConditions } from "./analyzers/status-conditions.ts";
import { telemetryProviders } from "./analyzers/telemetry-providers.ts";
import { telemetrySelectors } from "./analyzers/telemetry-selectors.ts";
import { unreachableRules } from "./analyzers/unreachable-rules.ts";
import { upgrade } from "./analyzers/upgrade.ts";
import { virtualServiceDestinations } from "./analyzers/virtual-service-destinations.ts";
import { virtualServiceGateways } from "./analyzers/virtual-service-gateways.ts";
import { webhooks } from "./analyzers/webhooks.ts";

/** Every analyzer, in the order of their names. */
export const analyzers: readonly Analyzer[] = [
  annotations,
  mtlsConflicts,
  authorizationNamespaces,
  statusConditions,
  applicationUid,
  serviceAssociation,
  destinationRuleTls,
  destinationRuleHosts,
  localityFailover,
  envoyPatches,
  gatewayCertificates,
  conflictingGateways,
  gatewayPorts,
  gatewayCredentials,
  ingressReferences,
  injection,
  imageAuto,
  injectionImage,
  gatewayApiVersion,
  kubernetesVersion,
  meshNetworks,
  exportTo,
  schema,
  ineffectivePolicies,
  jwksUris,
  localhostListeners,
  policySelectors,
  externalNames,
  portNames,
  serviceEntryProtocols,
  serviceEntryAddresses,
  serviceProfiles,
  multiClusterServices,
  sidecarSelectors,
  collectorPorts,
  telemetryProviders,
  telemetrySelectors,
  upgrade,
  meshGatewayHosts,
  virtualServiceDestinations,
  virtualServiceGateways,
  ingressSubsets,
  jwtClaimRoutes,
  unreachableRules,
  webhooks,
];
