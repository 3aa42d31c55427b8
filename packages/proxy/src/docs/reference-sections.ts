import {
  ADMIN_SHAPE,
  BOOTSTRAP_SHAPE,
  CLUSTER_MANAGER_SHAPE,
  DYNAMIC_RESOURCES_SHAPE,
  EJECTION_LOG_SHAPE,
  STATIC_RESOURCES_SHAPE,
} from "../bootstrap/bootstrap-shape.ts";
import { ACCESS_LOG_TYPES, HTTP_GRPC_LOG_SHAPE } from "../config/access-log.ts";
import { BIND_CONFIG_SHAPE, EXTRA_SOURCE_SHAPE } from "../config/bind-config.ts";
import { CHAIN_MATCH_SHAPE } from "../config/chain-match.ts";
import { CIRCUIT_BREAKERS_SHAPE, THRESHOLDS_SHAPE } from "../config/circuit-breakers.ts";
import {
  CLUSTER_SHAPE,
  LEAST_REQUEST_SHAPE,
  ORIGINAL_DST_SHAPE,
  PROXY_PROTOCOL_SHAPE,
  UPSTREAM_CONNECTION_SHAPE,
  UPSTREAM_TRANSPORT_TYPES,
} from "../config/cluster.ts";
import { CLUSTER_TYPES, DNS_CLUSTER_SHAPE } from "../config/cluster-type.ts";
import {
  API_SOURCE_SHAPE,
  CONFIG_SOURCE_SHAPE,
  ENVOY_GRPC_SHAPE,
  GRPC_SERVICE_SHAPE,
  PATH_SOURCE_SHAPE,
} from "../config/config-origin.ts";
import { EARLY_MUTATION_SHAPE, EARLY_MUTATION_TYPES } from "../config/early-mutations.ts";
import {
  ENDPOINT_ADDRESS_SHAPE,
  ENDPOINT_SHAPE,
  LB_ENDPOINT_SHAPE,
  LOAD_ASSIGNMENT_SHAPE,
  LOAD_POLICY_SHAPE,
  LOCALITY_SHAPE,
} from "../config/endpoints.ts";
import { BUFFER_ROUTE_SHAPE, BUFFER_SHAPE } from "../config/filters/buffer.ts";
import {
  BROTLI_BACK_SHAPE,
  BROTLI_SHAPE,
  COMPRESSION_LIBRARY_TYPES,
  GZIP_BACK_SHAPE,
  GZIP_SHAPE,
  ZSTD_BACK_SHAPE,
  ZSTD_SHAPE,
} from "../config/filters/compression-library.ts";
import {
  COMPRESSED_DIRECTION_SHAPE,
  COMPRESSED_REQUEST_SHAPE,
  COMPRESSED_RESPONSE_OVERRIDES_SHAPE,
  COMPRESSED_RESPONSE_SHAPE,
  COMPRESSOR_OVERRIDES_SHAPE,
  COMPRESSOR_ROUTE_SHAPE,
  COMPRESSOR_SHAPE,
} from "../config/filters/compressor.ts";
import { CORS_SHAPE, ROUTE_CORS_SHAPE } from "../config/filters/cors.ts";
import {
  DECOMPRESSED_DIRECTION_SHAPE,
  DECOMPRESSED_REQUEST_SHAPE,
  DECOMPRESSED_RESPONSE_SHAPE,
  DECOMPRESSOR_SHAPE,
} from "../config/filters/decompressor.ts";
import { AUTHORIZATION_RESPONSE_SHAPE, EXT_AUTHZ_SHAPE } from "../config/filters/ext-authz.ts";
import {
  EXT_PROC_OVERRIDES_SHAPE,
  EXT_PROC_ROUTE_SHAPE,
  EXT_PROC_SHAPE,
  FORWARD_RULES_SHAPE,
  METADATA_NAMESPACES_SHAPE,
  METADATA_OPTIONS_SHAPE,
} from "../config/filters/ext-proc.ts";
import { FAULT_ABORT_SHAPE, FAULT_SHAPE } from "../config/filters/fault.ts";
import { HEADER_MUTATION_SHAPE, MUTATIONS_SHAPE } from "../config/filters/header-mutation.ts";
import { JWT_AUTHN_SHAPE, JWT_PROVIDER_SHAPE, REMOTE_JWKS_SHAPE } from "../config/filters/jwt-authn.ts";
import { LAYERED_SHAPES } from "../config/filters/layered-shapes.ts";
import { LOCAL_RATE_LIMIT_SHAPE } from "../config/filters/local-rate-limit.ts";
import { ROUTE_FILTER_SHAPE, ROUTE_FILTER_TYPES } from "../config/filters/per-route.ts";
import { PROCESSING_MODE_SHAPE } from "../config/filters/processing-mode.ts";
import { RATE_LIMIT_FILTER_SHAPE, RATE_LIMIT_ROUTE_SHAPE } from "../config/filters/rate-limit.ts";
import { RBAC_FILTER_SHAPE, RBAC_PER_ROUTE_SHAPE } from "../config/filters/rbac.ts";
import { SESSION_STATE_TYPES } from "../config/filters/stateful-session.ts";
import { GRPC_LOG_SHAPE, STREAM_RETRY_SHAPE } from "../config/grpc-log-target.ts";
import { CALLED_CLUSTER_SHAPE, CALLED_SERVICE_SHAPE } from "../config/grpc-service.ts";
import { HAPPY_EYEBALLS_SHAPE } from "../config/happy-eyeballs.ts";
import { HASH_POLICY_SHAPE } from "../config/hash-policy.ts";
import { HEALTH_CHECK_SHAPE, HTTP_HEALTH_SHAPE, TCP_HEALTH_SHAPE } from "../config/health-check.ts";
import { HTTP_FILTER_TYPES, ROUTER_SHAPE } from "../config/http-filters.ts";
import { COMMON_HTTP_SHAPE, HTTP_MANAGER_SHAPE, MANAGER_UPGRADE_SHAPE, SCHEME_SHAPE } from "../config/http-manager.ts";
import { HTTP1_SHAPE, HTTP2_SHAPE } from "../config/http-protocol.ts";
import { INTERNAL_ADDRESS_SHAPE } from "../config/internal-addresses.ts";
import { INTERNAL_REDIRECT_SHAPE } from "../config/internal-redirect.ts";
import { KEEPALIVE_SHAPE } from "../config/keep-alive-pings.ts";
import {
  CONSISTENT_HASHING_SHAPE,
  LEAST_REQUEST_POLICY_SHAPE,
  LOCALITY_LB_SHAPE,
  MAGLEV_POLICY_SHAPE,
  PICK_FIRST_POLICY_SHAPE,
  RANDOM_POLICY_SHAPE,
  RING_HASH_POLICY_SHAPE,
  ROUND_ROBIN_POLICY_SHAPE,
  WRR_LOCALITY_POLICY_SHAPE,
} from "../config/lb-policy-shapes.ts";
import { LEFT_OUT_BOOTSTRAP, LEFT_OUT_HTTP, LEFT_OUT_LISTENERS } from "../config/left-out.ts";
import {
  ADDITIONAL_ADDRESS_SHAPE,
  DOWNSTREAM_TRANSPORT_TYPES,
  FILTER_CHAIN_SHAPE,
  LISTENER_SHAPE,
} from "../config/listener.ts";
import {
  LISTENER_FILTER_TYPES,
  PROXY_PROTOCOL_FILTER_SHAPE,
  TLS_INSPECTOR_SHAPE,
  TLV_RULE_SHAPE,
} from "../config/listener-filters.ts";
import { COMMON_LB_SHAPE, LOAD_BALANCING_TYPES } from "../config/load-balancing.ts";
import { LOCAL_REPLY_SHAPE, RESPONSE_MAPPER_SHAPE } from "../config/local-reply.ts";
import { FORMAT_STRING_SHAPE } from "../config/log-line.ts";
import { HTTP_LOG_OPTIONS_SHAPE, TCP_LOG_OPTIONS_SHAPE } from "../config/log-timing.ts";
import {
  CUSTOM_TREE_TYPES,
  DOMAINS_SHAPE,
  FIELD_MATCHER_SHAPE,
  IP_RANGES_SHAPE,
  MATCHER_SHAPE,
  MATCHER_TREE_SHAPE,
  ON_MATCH_SHAPE,
} from "../config/matcher/decode-matcher.ts";
import {
  CUSTOM_CONDITION_TYPES,
  IP_INPUT_MATCHER_SHAPE,
  PREDICATE_SHAPE,
  SINGLE_PREDICATE_SHAPE,
} from "../config/matcher/decode-predicate.ts";
import { CHAIN_INPUTS, CONNECTION_INPUTS, REQUEST_INPUTS, ROUTE_INPUTS } from "../config/matcher/matcher-inputs.ts";
import { MIRROR_SHAPE } from "../config/mirror.ts";
import { MUTATION_RULES_SHAPE } from "../config/mutation-rules.ts";
import { NETWORK_FILTER_TYPES, TCP_PROXY_SHAPE, TUNNELING_SHAPE } from "../config/network-filters.ts";
import {
  CONNECTION_LIMIT_SHAPE,
  DIRECT_RESPONSE_SHAPE,
  NETWORK_RATE_LIMIT_SHAPE,
  NETWORK_RBAC_SHAPE,
} from "../config/network-gates.ts";
import { ORIGINAL_IP_TYPES, XFF_SHAPE } from "../config/original-ip.ts";
import { OTEL_LOG_SHAPE } from "../config/otel-log.ts";
import { OUTLIER_SHAPE } from "../config/outlier-detection.ts";
import { PRECONNECT_SHAPE } from "../config/preconnect.ts";
import { PROXY_HEADER_SHAPE } from "../config/proxy-header.ts";
import { PROXY_STATUS_SHAPE } from "../config/proxy-status.ts";
import { RATE_LIMIT_ACTION_SHAPE, RATE_LIMIT_SHAPE } from "../config/rate-limits.ts";
import {
  RBAC_ACTION_SHAPE,
  RBAC_PERMISSION_SHAPE,
  RBAC_POLICY_SHAPE,
  RBAC_PRINCIPAL_SHAPE,
  RBAC_RULES_SHAPE,
} from "../config/rbac.ts";
import { RETRY_POLICY_SHAPE } from "../config/retry-policy.ts";
import { DECORATOR_SHAPE, ROUTE_SHAPE } from "../config/route.ts";
import {
  CLUSTER_WEIGHT_SHAPE,
  CONNECT_CONFIG_SHAPE,
  HEDGE_POLICY_SHAPE,
  MAX_STREAM_SHAPE,
  ROUTE_ACTION_SHAPE,
  ROUTE_UPGRADE_SHAPE,
  WEIGHTED_CLUSTER_SHAPE,
} from "../config/route-action.ts";
import { ROUTE_MATCH_SHAPE, ROUTE_TLS_SHAPE } from "../config/route-match.ts";
import { ROUTE_LIST_SHAPE, ROUTE_TABLE_SHAPE, VIRTUAL_HOST_SHAPE } from "../config/route-table.ts";
import { ROUTE_SCOPE_SHAPE, SCOPED_RDS_SHAPE, SCOPED_ROUTES_SHAPE } from "../config/scoped-routes.ts";
import { SECRET_SHAPE } from "../config/secret.ts";
import type { Shape } from "../config/shape.ts";
import {
  HISTOGRAM_BUCKETS_SHAPE,
  STATS_CONFIG_SHAPE,
  STATS_MATCHER_SHAPE,
  STATS_TAG_SHAPE,
} from "../config/stats-config.ts";
import { METRICS_SERVICE_SHAPE, OTLP_STATS_SHAPE } from "../config/stats-services.ts";
import { DOG_STATSD_SHAPE, STATS_SINK_TYPES, STATSD_SHAPE } from "../config/stats-sinks.ts";
import { SUBSET_SELECTOR_SHAPE, SUBSET_SHAPE } from "../config/subsets.ts";
import {
  COMBINED_VALIDATION_SHAPE,
  COMMON_TLS_SHAPE,
  DOWNSTREAM_TLS_SHAPE,
  SAN_MATCHER_SHAPE,
  TLS_CERTIFICATE_SHAPE,
  TLS_PARAMETERS_SHAPE,
  UPSTREAM_TLS_SHAPE,
  VALIDATION_SHAPE,
} from "../config/tls-context.ts";
import { TOKEN_BUCKET_SHAPE } from "../config/token-bucket.ts";
import { OPEN_TELEMETRY_SHAPE, TRACE_PROVIDER_TYPES, ZIPKIN_SHAPE } from "../config/trace-provider.ts";
import { TRACING_SHAPE } from "../config/tracing.ts";
import { SPIFFE_TRUST_DOMAIN_SHAPE, SPIFFE_VALIDATOR_SHAPE } from "../config/trust-bundles.ts";
import { UPSTREAM_COMMON_SHAPE, UPSTREAM_HTTP_SHAPE, UPSTREAM_SERVER_NAME_SHAPE } from "../config/upstream-http.ts";
import { UPSTREAM_LOG_OPTIONS_SHAPE } from "../config/upstream-log.ts";
import { ZONE_AWARE_POLICY_SHAPE, ZONE_AWARE_SHAPE } from "../config/zone-aware.ts";
import { OVERLOAD_ACTION_SHAPE, OVERLOAD_MANAGER_SHAPE } from "../overload/decode-overload.ts";
import { DISK_LAYER_SHAPE, RTDS_LAYER_SHAPE, RUNTIME_LAYER_SHAPE } from "../runtime/decode-runtime.ts";

/** A chapter of the reference. */
export interface ReferenceSection {
  readonly title: string;
  /** What stands in `typed_config` fields of the chapter: a label and full message names. */
  readonly extensions: readonly (readonly [label: string, types: readonly string[]])[];
  /** Extensions that the proxy leaves out, by the package of their messages, with the reason. */
  readonly leftOut?: Readonly<Record<string, string>>;
  readonly shapes: readonly Shape[];
}

/** Everything that the decoders check, in reading order. */
export const REFERENCE_SECTIONS: readonly ReferenceSection[] = [
  {
    title: "Bootstrap",
    extensions: [["Sinks of statistics", STATS_SINK_TYPES]],
    leftOut: LEFT_OUT_BOOTSTRAP,
    shapes: [
      BOOTSTRAP_SHAPE,
      RUNTIME_LAYER_SHAPE,
      DISK_LAYER_SHAPE,
      RTDS_LAYER_SHAPE,
      OVERLOAD_MANAGER_SHAPE,
      OVERLOAD_ACTION_SHAPE,
      STATS_CONFIG_SHAPE,
      STATS_MATCHER_SHAPE,
      STATS_TAG_SHAPE,
      HISTOGRAM_BUCKETS_SHAPE,
      STATIC_RESOURCES_SHAPE,
      DYNAMIC_RESOURCES_SHAPE,
      STATSD_SHAPE,
      DOG_STATSD_SHAPE,
      OTLP_STATS_SHAPE,
      METRICS_SERVICE_SHAPE,
      CONFIG_SOURCE_SHAPE,
      PATH_SOURCE_SHAPE,
      API_SOURCE_SHAPE,
      GRPC_SERVICE_SHAPE,
      ENVOY_GRPC_SHAPE,
      ADMIN_SHAPE,
      CLUSTER_MANAGER_SHAPE,
      EJECTION_LOG_SHAPE,
    ],
  },
  {
    title: "Listeners",
    extensions: [
      ["Listener filters", LISTENER_FILTER_TYPES],
      ["Network filters", NETWORK_FILTER_TYPES],
      ["Transport sockets", DOWNSTREAM_TRANSPORT_TYPES],
      ["Access loggers", ACCESS_LOG_TYPES],
    ],
    leftOut: LEFT_OUT_LISTENERS,
    shapes: [
      LISTENER_SHAPE,
      ADDITIONAL_ADDRESS_SHAPE,
      FILTER_CHAIN_SHAPE,
      CHAIN_MATCH_SHAPE,
      PROXY_PROTOCOL_FILTER_SHAPE,
      TLV_RULE_SHAPE,
      TLS_INSPECTOR_SHAPE,
      TCP_PROXY_SHAPE,
      TUNNELING_SHAPE,
      TCP_LOG_OPTIONS_SHAPE,
      CONNECTION_LIMIT_SHAPE,
      NETWORK_RBAC_SHAPE,
      NETWORK_RATE_LIMIT_SHAPE,
      DIRECT_RESPONSE_SHAPE,
      GRPC_LOG_SHAPE,
      STREAM_RETRY_SHAPE,
      HTTP_GRPC_LOG_SHAPE,
      OTEL_LOG_SHAPE,
      FORMAT_STRING_SHAPE,
    ],
  },
  {
    title: "HTTP",
    extensions: [
      ["HTTP filters", HTTP_FILTER_TYPES],
      ["Filter configuration of routes", ROUTE_FILTER_TYPES],
      ["Compressors and decompressors", COMPRESSION_LIBRARY_TYPES],
      ["Sessions of `stateful_session`", SESSION_STATE_TYPES],
      ["Tracers", TRACE_PROVIDER_TYPES],
      ["Detection of the client's address", ORIGINAL_IP_TYPES],
      ["Early changes of headers", EARLY_MUTATION_TYPES],
    ],
    leftOut: LEFT_OUT_HTTP,
    shapes: [
      HTTP_MANAGER_SHAPE,
      MANAGER_UPGRADE_SHAPE,
      HTTP_LOG_OPTIONS_SHAPE,
      SCHEME_SHAPE,
      XFF_SHAPE,
      INTERNAL_ADDRESS_SHAPE,
      EARLY_MUTATION_SHAPE,
      PROXY_STATUS_SHAPE,
      TRACING_SHAPE,
      OPEN_TELEMETRY_SHAPE,
      ZIPKIN_SHAPE,
      LOCAL_REPLY_SHAPE,
      RESPONSE_MAPPER_SHAPE,
      COMMON_HTTP_SHAPE,
      HTTP1_SHAPE,
      HTTP2_SHAPE,
      KEEPALIVE_SHAPE,
      ROUTER_SHAPE,
      UPSTREAM_LOG_OPTIONS_SHAPE,
      ROUTE_FILTER_SHAPE,
      CALLED_SERVICE_SHAPE,
      CALLED_CLUSTER_SHAPE,
      BUFFER_SHAPE,
      BUFFER_ROUTE_SHAPE,
      COMPRESSOR_SHAPE,
      COMPRESSED_DIRECTION_SHAPE,
      COMPRESSED_REQUEST_SHAPE,
      COMPRESSED_RESPONSE_SHAPE,
      COMPRESSOR_ROUTE_SHAPE,
      COMPRESSOR_OVERRIDES_SHAPE,
      COMPRESSED_RESPONSE_OVERRIDES_SHAPE,
      GZIP_SHAPE,
      BROTLI_SHAPE,
      ZSTD_SHAPE,
      DECOMPRESSOR_SHAPE,
      DECOMPRESSED_DIRECTION_SHAPE,
      DECOMPRESSED_REQUEST_SHAPE,
      DECOMPRESSED_RESPONSE_SHAPE,
      GZIP_BACK_SHAPE,
      BROTLI_BACK_SHAPE,
      ZSTD_BACK_SHAPE,
      CORS_SHAPE,
      ROUTE_CORS_SHAPE,
      FAULT_SHAPE,
      FAULT_ABORT_SHAPE,
      LOCAL_RATE_LIMIT_SHAPE,
      RATE_LIMIT_FILTER_SHAPE,
      RATE_LIMIT_ROUTE_SHAPE,
      TOKEN_BUCKET_SHAPE,
      HEADER_MUTATION_SHAPE,
      MUTATIONS_SHAPE,
      JWT_AUTHN_SHAPE,
      JWT_PROVIDER_SHAPE,
      REMOTE_JWKS_SHAPE,
      EXT_AUTHZ_SHAPE,
      AUTHORIZATION_RESPONSE_SHAPE,
      EXT_PROC_SHAPE,
      EXT_PROC_ROUTE_SHAPE,
      EXT_PROC_OVERRIDES_SHAPE,
      PROCESSING_MODE_SHAPE,
      MUTATION_RULES_SHAPE,
      FORWARD_RULES_SHAPE,
      METADATA_OPTIONS_SHAPE,
      METADATA_NAMESPACES_SHAPE,
      RBAC_FILTER_SHAPE,
      RBAC_PER_ROUTE_SHAPE,
      RBAC_RULES_SHAPE,
      RBAC_POLICY_SHAPE,
      RBAC_PERMISSION_SHAPE,
      RBAC_PRINCIPAL_SHAPE,
      RBAC_ACTION_SHAPE,
      ...LAYERED_SHAPES,
    ],
  },
  {
    title: "Routes",
    extensions: [],
    shapes: [
      SCOPED_ROUTES_SHAPE,
      SCOPED_RDS_SHAPE,
      ROUTE_SCOPE_SHAPE,
      ROUTE_TABLE_SHAPE,
      VIRTUAL_HOST_SHAPE,
      ROUTE_LIST_SHAPE,
      ROUTE_SHAPE,
      DECORATOR_SHAPE,
      ROUTE_MATCH_SHAPE,
      ROUTE_TLS_SHAPE,
      ROUTE_ACTION_SHAPE,
      ROUTE_UPGRADE_SHAPE,
      CONNECT_CONFIG_SHAPE,
      MAX_STREAM_SHAPE,
      WEIGHTED_CLUSTER_SHAPE,
      CLUSTER_WEIGHT_SHAPE,
      RETRY_POLICY_SHAPE,
      HEDGE_POLICY_SHAPE,
      HASH_POLICY_SHAPE,
      MIRROR_SHAPE,
      INTERNAL_REDIRECT_SHAPE,
      RATE_LIMIT_SHAPE,
      RATE_LIMIT_ACTION_SHAPE,
    ],
  },
  {
    title: "Matchers",
    extensions: [
      ["Inputs of `filter_chain_matcher`", Object.keys(CHAIN_INPUTS)],
      ["Inputs of network RBAC", Object.keys(CONNECTION_INPUTS)],
      ["Inputs of HTTP RBAC", Object.keys(REQUEST_INPUTS)],
      ["Inputs of virtual hosts", Object.keys(ROUTE_INPUTS)],
      ["Trees (`custom_match`)", CUSTOM_TREE_TYPES],
      ["Conditions (`custom_match`)", CUSTOM_CONDITION_TYPES],
    ],
    shapes: [
      MATCHER_SHAPE,
      ON_MATCH_SHAPE,
      FIELD_MATCHER_SHAPE,
      PREDICATE_SHAPE,
      SINGLE_PREDICATE_SHAPE,
      MATCHER_TREE_SHAPE,
      IP_RANGES_SHAPE,
      DOMAINS_SHAPE,
      IP_INPUT_MATCHER_SHAPE,
    ],
  },
  {
    title: "Clusters",
    extensions: [
      ["Kinds of clusters", CLUSTER_TYPES],
      ["Load balancing policies", LOAD_BALANCING_TYPES],
      ["Transport sockets", UPSTREAM_TRANSPORT_TYPES],
    ],
    shapes: [
      CLUSTER_SHAPE,
      DNS_CLUSTER_SHAPE,
      BIND_CONFIG_SHAPE,
      EXTRA_SOURCE_SHAPE,
      UPSTREAM_CONNECTION_SHAPE,
      HAPPY_EYEBALLS_SHAPE,
      LEAST_REQUEST_SHAPE,
      ROUND_ROBIN_POLICY_SHAPE,
      LEAST_REQUEST_POLICY_SHAPE,
      RANDOM_POLICY_SHAPE,
      PICK_FIRST_POLICY_SHAPE,
      RING_HASH_POLICY_SHAPE,
      MAGLEV_POLICY_SHAPE,
      WRR_LOCALITY_POLICY_SHAPE,
      LOCALITY_LB_SHAPE,
      ZONE_AWARE_SHAPE,
      ZONE_AWARE_POLICY_SHAPE,
      CONSISTENT_HASHING_SHAPE,
      PRECONNECT_SHAPE,
      ORIGINAL_DST_SHAPE,
      COMMON_LB_SHAPE,
      SUBSET_SHAPE,
      SUBSET_SELECTOR_SHAPE,
      CIRCUIT_BREAKERS_SHAPE,
      THRESHOLDS_SHAPE,
      OUTLIER_SHAPE,
      HEALTH_CHECK_SHAPE,
      HTTP_HEALTH_SHAPE,
      TCP_HEALTH_SHAPE,
      UPSTREAM_HTTP_SHAPE,
      UPSTREAM_SERVER_NAME_SHAPE,
      UPSTREAM_COMMON_SHAPE,
      PROXY_PROTOCOL_SHAPE,
      PROXY_HEADER_SHAPE,
      LOAD_ASSIGNMENT_SHAPE,
      LOAD_POLICY_SHAPE,
      LOCALITY_SHAPE,
      LB_ENDPOINT_SHAPE,
      ENDPOINT_SHAPE,
      ENDPOINT_ADDRESS_SHAPE,
    ],
  },
  {
    title: "TLS",
    extensions: [],
    shapes: [
      DOWNSTREAM_TLS_SHAPE,
      UPSTREAM_TLS_SHAPE,
      COMMON_TLS_SHAPE,
      COMBINED_VALIDATION_SHAPE,
      TLS_PARAMETERS_SHAPE,
      TLS_CERTIFICATE_SHAPE,
      VALIDATION_SHAPE,
      SAN_MATCHER_SHAPE,
      SPIFFE_VALIDATOR_SHAPE,
      SPIFFE_TRUST_DOMAIN_SHAPE,
      SECRET_SHAPE,
    ],
  },
];
