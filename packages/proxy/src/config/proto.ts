/** The generated messages that the decoders read, in one place: the rest of the package never sees protobuf. */

export type { AccessLogFilter } from "@heddle/xds-api/envoy/config/accesslog/v3/accesslog";
export {
  type AccessLog,
  AccessLogSchema,
  ComparisonFilter_Op,
} from "@heddle/xds-api/envoy/config/accesslog/v3/accesslog";
export { type Bootstrap, BootstrapSchema } from "@heddle/xds-api/envoy/config/bootstrap/v3/bootstrap";
export { type CircuitBreakers, CircuitBreakersSchema } from "@heddle/xds-api/envoy/config/cluster/v3/circuit_breaker";
export {
  type Cluster,
  Cluster_DiscoveryType,
  Cluster_DnsLookupFamily,
  Cluster_LbPolicy,
  ClusterSchema,
} from "@heddle/xds-api/envoy/config/cluster/v3/cluster";
export { type Address, type CidrRange, SocketAddress_Protocol } from "@heddle/xds-api/envoy/config/core/v3/address";
export {
  type DataSource,
  type HeaderValueOption,
  HeaderValueOption_HeaderAppendAction,
  type Metadata,
  RoutingPriority,
  TrafficDirection,
} from "@heddle/xds-api/envoy/config/core/v3/base";
export type { TypedExtensionConfig } from "@heddle/xds-api/envoy/config/core/v3/extension";
export { HealthStatus } from "@heddle/xds-api/envoy/config/core/v3/health_check";
export {
  Http1ProtocolOptionsSchema,
  type Http2ProtocolOptions,
  Http2ProtocolOptionsSchema,
  type HttpProtocolOptions as CommonHttpProtocolOptions,
  HttpProtocolOptions_HeadersWithUnderscoresAction,
  HttpProtocolOptionsSchema as CommonHttpProtocolOptionsSchema,
} from "@heddle/xds-api/envoy/config/core/v3/protocol";
export type { SubstitutionFormatString } from "@heddle/xds-api/envoy/config/core/v3/substitution_format_string";
export {
  type ClusterLoadAssignment,
  ClusterLoadAssignmentSchema,
} from "@heddle/xds-api/envoy/config/endpoint/v3/endpoint";
export {
  EndpointSchema,
  type LbEndpoint,
  LbEndpointSchema,
  type LocalityLbEndpoints,
  LocalityLbEndpointsSchema,
} from "@heddle/xds-api/envoy/config/endpoint/v3/endpoint_components";
export { type Listener, ListenerSchema } from "@heddle/xds-api/envoy/config/listener/v3/listener";
export {
  type Filter,
  type FilterChain,
  type FilterChainMatch,
  FilterChainMatch_ConnectionSourceType,
  FilterChainMatchSchema,
  FilterChainSchema,
  type ListenerFilter,
} from "@heddle/xds-api/envoy/config/listener/v3/listener_components";
export { DogStatsdSinkSchema, StatsdSinkSchema } from "@heddle/xds-api/envoy/config/metrics/v3/stats";
export { type RouteConfiguration, RouteConfigurationSchema } from "@heddle/xds-api/envoy/config/route/v3/route";
export {
  type DirectResponseAction,
  type HeaderMatcher,
  type HedgePolicy,
  HedgePolicySchema,
  type QueryParameterMatcher,
  type RedirectAction,
  RedirectAction_RedirectResponseCode,
  type RetryPolicy,
  RetryPolicySchema,
  type Route,
  type RouteAction,
  RouteAction_ClusterNotFoundResponseCode,
  RouteActionSchema,
  type RouteMatch,
  RouteMatchSchema,
  RouteSchema,
  type VirtualHost,
  VirtualHost_TlsRequirementType,
  VirtualHostSchema,
  type WeightedCluster,
  WeightedCluster_ClusterWeightSchema,
  WeightedClusterSchema,
} from "@heddle/xds-api/envoy/config/route/v3/route_components";
export { FileAccessLogSchema } from "@heddle/xds-api/envoy/extensions/access_loggers/file/v3/file";
export {
  StderrAccessLogSchema,
  StdoutAccessLogSchema,
} from "@heddle/xds-api/envoy/extensions/access_loggers/stream/v3/stream";
export {
  type FilterStateValue,
  FilterStateValue_SharedWithUpstream,
} from "@heddle/xds-api/envoy/extensions/filters/common/set_filter_state/v3/value";
export { CorsSchema } from "@heddle/xds-api/envoy/extensions/filters/http/cors/v3/cors";
export { HTTPFaultSchema } from "@heddle/xds-api/envoy/extensions/filters/http/fault/v3/fault";
export { FilterConfigSchema as GrpcStatsSchema } from "@heddle/xds-api/envoy/extensions/filters/http/grpc_stats/v3/config";
export { RouterSchema } from "@heddle/xds-api/envoy/extensions/filters/http/router/v3/router";
export { ConfigSchema as HttpSetFilterStateSchema } from "@heddle/xds-api/envoy/extensions/filters/http/set_filter_state/v3/set_filter_state";
export {
  type HttpConnectionManager,
  HttpConnectionManager_CodecType,
  HttpConnectionManager_ForwardClientCertDetails,
  HttpConnectionManager_HcmAccessLogOptionsSchema,
  HttpConnectionManager_PathWithEscapedSlashesAction,
  HttpConnectionManager_ServerHeaderTransformation,
  HttpConnectionManagerSchema,
  type HttpFilter,
} from "@heddle/xds-api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager";
export { ConfigSchema as NetworkSetFilterStateSchema } from "@heddle/xds-api/envoy/extensions/filters/network/set_filter_state/v3/set_filter_state";
export {
  type TcpProxy,
  TcpProxy_TcpAccessLogOptionsSchema,
  type TcpProxy_TunnelingConfig,
  TcpProxy_TunnelingConfigSchema,
  TcpProxySchema,
} from "@heddle/xds-api/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy";
export { RawBufferSchema } from "@heddle/xds-api/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer";
export {
  type CertificateValidationContext,
  CertificateValidationContextSchema,
  SubjectAltNameMatcher_SanType,
  type TlsCertificate,
  TlsCertificateSchema,
  type TlsParameters,
  TlsParameters_TlsProtocol,
  TlsParametersSchema,
} from "@heddle/xds-api/envoy/extensions/transport_sockets/tls/v3/common";
export {
  type SdsSecretConfig,
  type Secret,
  SecretSchema,
} from "@heddle/xds-api/envoy/extensions/transport_sockets/tls/v3/secret";
export {
  type CommonTlsContext,
  CommonTlsContextSchema,
  type DownstreamTlsContext,
  DownstreamTlsContextSchema,
  type UpstreamTlsContext,
  UpstreamTlsContextSchema,
} from "@heddle/xds-api/envoy/extensions/transport_sockets/tls/v3/tls";
export {
  type SPIFFECertValidatorConfig,
  SPIFFECertValidatorConfig_TrustDomainSchema,
  SPIFFECertValidatorConfigSchema,
} from "@heddle/xds-api/envoy/extensions/transport_sockets/tls/v3/tls_spiffe_validator_config";
export {
  type HttpProtocolOptions,
  HttpProtocolOptionsSchema,
} from "@heddle/xds-api/envoy/extensions/upstreams/http/v3/http_protocol_options";
export { RuntimeSchema } from "@heddle/xds-api/envoy/service/runtime/v3/rtds";
export type { StringMatcher } from "@heddle/xds-api/envoy/type/matcher/v3/string";
export type { FractionalPercent } from "@heddle/xds-api/envoy/type/v3/percent";
export { FractionalPercent_DenominatorType } from "@heddle/xds-api/envoy/type/v3/percent";
export { TypedStructSchema as UdpaTypedStructSchema } from "@heddle/xds-api/udpa/type/v1/typed_struct";
export { TypedStructSchema as XdsTypedStructSchema } from "@heddle/xds-api/xds/type/v3/typed_struct";
