/** How bad a finding is. Order matters for thresholds: Info < Warning < Error. */
export type Level = "Info" | "Warning" | "Error";

/** Every code that an analyzer may give. Source: Istio's configuration analysis messages; the sentences are ours. */
export const codes = {
  IST0001: { name: "InternalError", level: "Error" },
  IST0002: { name: "Deprecated", level: "Warning" },
  IST0101: { name: "ReferencedResourceNotFound", level: "Error" },
  IST0102: { name: "NamespaceNotInjected", level: "Info" },
  IST0103: { name: "PodMissingProxy", level: "Warning" },
  IST0106: { name: "SchemaValidationError", level: "Error" },
  IST0107: { name: "MisplacedAnnotation", level: "Warning" },
  IST0108: { name: "UnknownAnnotation", level: "Warning" },
  IST0109: { name: "ConflictingMeshGatewayVirtualServiceHosts", level: "Error" },
  IST0110: { name: "ConflictingSidecarWorkloadSelectors", level: "Error" },
  IST0111: { name: "MultipleSidecarsWithoutWorkloadSelectors", level: "Error" },
  IST0112: { name: "VirtualServiceDestinationPortSelectorRequired", level: "Error" },
  IST0113: { name: "MTLSPolicyConflict", level: "Error" },
  IST0116: { name: "DeploymentAssociatedToMultipleServices", level: "Warning" },
  IST0118: { name: "PortNameIsNotUnderNamingConvention", level: "Info" },
  IST0123: { name: "NamespaceMultipleInjectionLabels", level: "Warning" },
  IST0125: { name: "InvalidAnnotation", level: "Warning" },
  IST0126: { name: "UnknownMeshNetworksServiceRegistry", level: "Error" },
  IST0127: { name: "NoMatchingWorkloadsFound", level: "Warning" },
  IST0128: { name: "NoServerCertificateVerificationDestinationLevel", level: "Warning" },
  IST0129: { name: "NoServerCertificateVerificationPortLevel", level: "Warning" },
  IST0130: { name: "VirtualServiceUnreachableRule", level: "Warning" },
  IST0131: { name: "VirtualServiceIneffectiveMatch", level: "Info" },
  IST0132: { name: "VirtualServiceHostNotFoundInGateway", level: "Warning" },
  IST0133: { name: "SchemaWarning", level: "Warning" },
  IST0134: { name: "ServiceEntryAddressesRequired", level: "Warning" },
  IST0135: { name: "DeprecatedAnnotation", level: "Info" },
  IST0136: { name: "AlphaAnnotation", level: "Info" },
  IST0137: { name: "DeploymentConflictingPorts", level: "Warning" },
  IST0138: { name: "GatewayDuplicateCertificate", level: "Warning" },
  IST0139: { name: "InvalidWebhook", level: "Error" },
  IST0140: { name: "IngressRouteRulesNotAffected", level: "Warning" },
  IST0141: { name: "InsufficientPermissions", level: "Error" },
  IST0142: { name: "UnsupportedKubernetesVersion", level: "Error" },
  IST0143: { name: "LocalhostListener", level: "Error" },
  IST0144: { name: "InvalidApplicationUID", level: "Warning" },
  IST0145: { name: "ConflictingGateways", level: "Error" },
  IST0146: { name: "ImageAutoWithoutInjectionWarning", level: "Warning" },
  IST0147: { name: "ImageAutoWithoutInjectionError", level: "Error" },
  IST0148: { name: "NamespaceInjectionEnabledByDefault", level: "Info" },
  IST0149: { name: "JwtClaimBasedRoutingWithoutRequestAuthN", level: "Error" },
  IST0150: { name: "ExternalNameServiceTypeInvalidPortName", level: "Warning" },
  IST0151: { name: "EnvoyFilterUsesRelativeOperation", level: "Warning" },
  IST0152: { name: "EnvoyFilterUsesReplaceOperationIncorrectly", level: "Error" },
  IST0153: { name: "EnvoyFilterUsesAddOperationIncorrectly", level: "Error" },
  IST0154: { name: "EnvoyFilterUsesRemoveOperationIncorrectly", level: "Error" },
  IST0155: { name: "EnvoyFilterUsesRelativeOperationWithProxyVersion", level: "Warning" },
  IST0156: { name: "UnsupportedGatewayAPIVersion", level: "Error" },
  IST0157: { name: "InvalidTelemetryProvider", level: "Warning" },
  IST0158: { name: "PodsIstioProxyImageMismatchInNamespace", level: "Warning" },
  IST0159: { name: "ConflictingTelemetryWorkloadSelectors", level: "Error" },
  IST0160: { name: "MultipleTelemetriesWithoutWorkloadSelectors", level: "Error" },
  IST0161: { name: "InvalidGatewayCredential", level: "Error" },
  IST0162: { name: "GatewayPortNotDefinedOnService", level: "Warning" },
  IST0163: { name: "InvalidExternalControlPlaneConfig", level: "Warning" },
  IST0164: { name: "ExternalControlPlaneAddressIsNotAHostname", level: "Info" },
  IST0165: { name: "ReferencedInternalGateway", level: "Warning" },
  IST0166: { name: "IneffectiveSelector", level: "Warning" },
  IST0167: { name: "IneffectivePolicy", level: "Warning" },
  IST0168: { name: "UnknownUpgradeCompatibility", level: "Warning" },
  IST0169: { name: "UpdateIncompatibility", level: "Warning" },
  IST0170: { name: "MultiClusterInconsistentService", level: "Warning" },
  IST0171: { name: "NegativeConditionStatus", level: "Warning" },
  IST0172: { name: "FutureUnsupportedGatewayAPIVersion", level: "Warning" },
  IST0173: { name: "DestinationRuleSubsetNotSelectPods", level: "Error" },
  IST0174: { name: "UnknownDestinationRuleHost", level: "Warning" },
  IST0175: { name: "JwksUriFetchUnrestricted", level: "Warning" },
  IST0176: { name: "GatewayAPICRDVersionBelowMinimum", level: "Warning" },
  IST0177: { name: "ConflictingServiceEntryProtocol", level: "Warning" },
} as const satisfies Readonly<Record<string, { readonly name: string; readonly level: Level }>>;

export type Code = keyof typeof codes;

const order: readonly Level[] = ["Info", "Warning", "Error"];

/** True when `level` is `threshold` or worse. */
export function atLeast(level: Level, threshold: Level): boolean {
  return order.indexOf(level) >= order.indexOf(threshold);
}

/** Reads a level as a user writes it, in any case. */
export function levelNamed(text: string): Level | undefined {
  return order.find((level) => level.toLowerCase() === text.toLowerCase());
}
