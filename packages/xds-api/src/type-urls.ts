/** Type URLs of the resources that the discovery protocol carries. Source: Envoy's `api/envoy/config/*` and Istio's NDS. */
export const typeUrls = {
  cluster: "type.googleapis.com/envoy.config.cluster.v3.Cluster",
  endpoint: "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
  listener: "type.googleapis.com/envoy.config.listener.v3.Listener",
  route: "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
  scopedRoute: "type.googleapis.com/envoy.config.route.v3.ScopedRouteConfiguration",
  virtualHost: "type.googleapis.com/envoy.config.route.v3.VirtualHost",
  secret: "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
  extensionConfig: "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
  runtime: "type.googleapis.com/envoy.service.runtime.v3.Runtime",
  nameTable: "type.googleapis.com/istio.networking.nds.v1.NameTable",
} as const;

/** One of the well-known resource types. */
export type TypeUrl = (typeof typeUrls)[keyof typeof typeUrls];

const shortNames: Readonly<Record<string, string>> = {
  [typeUrls.cluster]: "CDS",
  [typeUrls.endpoint]: "EDS",
  [typeUrls.listener]: "LDS",
  [typeUrls.route]: "RDS",
  [typeUrls.scopedRoute]: "SRDS",
  [typeUrls.virtualHost]: "VHDS",
  [typeUrls.secret]: "SDS",
  [typeUrls.extensionConfig]: "ECDS",
  [typeUrls.runtime]: "RTDS",
  [typeUrls.nameTable]: "NDS",
};

/** `CDS`, `EDS`, … for logs, metrics and `proxy-status`; an unknown type URL is returned without its prefix. */
export function shortTypeName(typeUrl: string): string {
  return shortNames[typeUrl] ?? typeUrl.slice(typeUrl.lastIndexOf("/") + 1);
}
