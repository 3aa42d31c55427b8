// Every generated file descriptor; written by generate.ts.
import { file_envoy_admin_v3_certs } from "./envoy/admin/v3/certs_pb.js";
import { file_envoy_admin_v3_clusters } from "./envoy/admin/v3/clusters_pb.js";
import { file_envoy_admin_v3_config_dump } from "./envoy/admin/v3/config_dump_pb.js";
import { file_envoy_admin_v3_config_dump_shared } from "./envoy/admin/v3/config_dump_shared_pb.js";
import { file_envoy_admin_v3_listeners } from "./envoy/admin/v3/listeners_pb.js";
import { file_envoy_admin_v3_metrics } from "./envoy/admin/v3/metrics_pb.js";
import { file_envoy_admin_v3_server_info } from "./envoy/admin/v3/server_info_pb.js";
import { file_envoy_config_accesslog_v3_accesslog } from "./envoy/config/accesslog/v3/accesslog_pb.js";
import { file_envoy_config_bootstrap_v3_bootstrap } from "./envoy/config/bootstrap/v3/bootstrap_pb.js";
import { file_envoy_config_cluster_v3_circuit_breaker } from "./envoy/config/cluster/v3/circuit_breaker_pb.js";
import { file_envoy_config_cluster_v3_cluster } from "./envoy/config/cluster/v3/cluster_pb.js";
import { file_envoy_config_cluster_v3_filter } from "./envoy/config/cluster/v3/filter_pb.js";
import { file_envoy_config_cluster_v3_outlier_detection } from "./envoy/config/cluster/v3/outlier_detection_pb.js";
import { file_envoy_config_common_mutation_rules_v3_mutation_rules } from "./envoy/config/common/mutation_rules/v3/mutation_rules_pb.js";
import { file_envoy_config_core_v3_address } from "./envoy/config/core/v3/address_pb.js";
import { file_envoy_config_core_v3_backoff } from "./envoy/config/core/v3/backoff_pb.js";
import { file_envoy_config_core_v3_base } from "./envoy/config/core/v3/base_pb.js";
import { file_envoy_config_core_v3_config_source } from "./envoy/config/core/v3/config_source_pb.js";
import { file_envoy_config_core_v3_event_service_config } from "./envoy/config/core/v3/event_service_config_pb.js";
import { file_envoy_config_core_v3_extension } from "./envoy/config/core/v3/extension_pb.js";
import { file_envoy_config_core_v3_grpc_method_list } from "./envoy/config/core/v3/grpc_method_list_pb.js";
import { file_envoy_config_core_v3_grpc_service } from "./envoy/config/core/v3/grpc_service_pb.js";
import { file_envoy_config_core_v3_health_check } from "./envoy/config/core/v3/health_check_pb.js";
import { file_envoy_config_core_v3_http_service } from "./envoy/config/core/v3/http_service_pb.js";
import { file_envoy_config_core_v3_http_uri } from "./envoy/config/core/v3/http_uri_pb.js";
import { file_envoy_config_core_v3_protocol } from "./envoy/config/core/v3/protocol_pb.js";
import { file_envoy_config_core_v3_proxy_protocol } from "./envoy/config/core/v3/proxy_protocol_pb.js";
import { file_envoy_config_core_v3_resolver } from "./envoy/config/core/v3/resolver_pb.js";
import { file_envoy_config_core_v3_socket_option } from "./envoy/config/core/v3/socket_option_pb.js";
import { file_envoy_config_core_v3_substitution_format_string } from "./envoy/config/core/v3/substitution_format_string_pb.js";
import { file_envoy_config_core_v3_udp_socket_config } from "./envoy/config/core/v3/udp_socket_config_pb.js";
import { file_envoy_config_endpoint_v3_endpoint_components } from "./envoy/config/endpoint/v3/endpoint_components_pb.js";
import { file_envoy_config_endpoint_v3_endpoint } from "./envoy/config/endpoint/v3/endpoint_pb.js";
import { file_envoy_config_endpoint_v3_load_report } from "./envoy/config/endpoint/v3/load_report_pb.js";
import { file_envoy_config_listener_v3_api_listener } from "./envoy/config/listener/v3/api_listener_pb.js";
import { file_envoy_config_listener_v3_listener_components } from "./envoy/config/listener/v3/listener_components_pb.js";
import { file_envoy_config_listener_v3_listener } from "./envoy/config/listener/v3/listener_pb.js";
import { file_envoy_config_listener_v3_quic_config } from "./envoy/config/listener/v3/quic_config_pb.js";
import { file_envoy_config_listener_v3_udp_listener_config } from "./envoy/config/listener/v3/udp_listener_config_pb.js";
import { file_envoy_config_metrics_v3_metrics_service } from "./envoy/config/metrics/v3/metrics_service_pb.js";
import { file_envoy_config_metrics_v3_stats } from "./envoy/config/metrics/v3/stats_pb.js";
import { file_envoy_config_overload_v3_overload } from "./envoy/config/overload/v3/overload_pb.js";
import { file_envoy_config_ratelimit_v3_rls } from "./envoy/config/ratelimit/v3/rls_pb.js";
import { file_envoy_config_rbac_v3_rbac } from "./envoy/config/rbac/v3/rbac_pb.js";
import { file_envoy_config_route_v3_route_components } from "./envoy/config/route/v3/route_components_pb.js";
import { file_envoy_config_route_v3_route } from "./envoy/config/route/v3/route_pb.js";
import { file_envoy_config_route_v3_scoped_route } from "./envoy/config/route/v3/scoped_route_pb.js";
import { file_envoy_config_trace_v3_http_tracer } from "./envoy/config/trace/v3/http_tracer_pb.js";
import { file_envoy_config_trace_v3_opentelemetry } from "./envoy/config/trace/v3/opentelemetry_pb.js";
import { file_envoy_config_trace_v3_zipkin } from "./envoy/config/trace/v3/zipkin_pb.js";
import { file_envoy_data_accesslog_v3_accesslog } from "./envoy/data/accesslog/v3/accesslog_pb.js";
import { file_envoy_data_cluster_v3_outlier_detection_event } from "./envoy/data/cluster/v3/outlier_detection_event_pb.js";
import { file_envoy_extensions_access_loggers_file_v3_file } from "./envoy/extensions/access_loggers/file/v3/file_pb.js";
import { file_envoy_extensions_access_loggers_filters_cel_v3_cel } from "./envoy/extensions/access_loggers/filters/cel/v3/cel_pb.js";
import { file_envoy_extensions_access_loggers_grpc_v3_als } from "./envoy/extensions/access_loggers/grpc/v3/als_pb.js";
import { file_envoy_extensions_access_loggers_open_telemetry_v3_logs_service } from "./envoy/extensions/access_loggers/open_telemetry/v3/logs_service_pb.js";
import { file_envoy_extensions_access_loggers_stream_v3_stream } from "./envoy/extensions/access_loggers/stream/v3/stream_pb.js";
import { file_envoy_extensions_clusters_aggregate_v3_cluster } from "./envoy/extensions/clusters/aggregate/v3/cluster_pb.js";
import { file_envoy_extensions_clusters_common_dns_v3_dns } from "./envoy/extensions/clusters/common/dns/v3/dns_pb.js";
import { file_envoy_extensions_clusters_dns_v3_dns_cluster } from "./envoy/extensions/clusters/dns/v3/dns_cluster_pb.js";
import { file_envoy_extensions_common_ratelimit_v3_ratelimit } from "./envoy/extensions/common/ratelimit/v3/ratelimit_pb.js";
import { file_envoy_extensions_compression_brotli_compressor_v3_brotli } from "./envoy/extensions/compression/brotli/compressor/v3/brotli_pb.js";
import { file_envoy_extensions_compression_brotli_decompressor_v3_brotli } from "./envoy/extensions/compression/brotli/decompressor/v3/brotli_pb.js";
import { file_envoy_extensions_compression_gzip_compressor_v3_gzip } from "./envoy/extensions/compression/gzip/compressor/v3/gzip_pb.js";
import { file_envoy_extensions_compression_gzip_decompressor_v3_gzip } from "./envoy/extensions/compression/gzip/decompressor/v3/gzip_pb.js";
import { file_envoy_extensions_compression_zstd_compressor_v3_zstd } from "./envoy/extensions/compression/zstd/compressor/v3/zstd_pb.js";
import { file_envoy_extensions_compression_zstd_decompressor_v3_zstd } from "./envoy/extensions/compression/zstd/decompressor/v3/zstd_pb.js";
import { file_envoy_extensions_filters_common_fault_v3_fault } from "./envoy/extensions/filters/common/fault/v3/fault_pb.js";
import { file_envoy_extensions_filters_common_set_filter_state_v3_value } from "./envoy/extensions/filters/common/set_filter_state/v3/value_pb.js";
import { file_envoy_extensions_filters_http_admission_control_v3_admission_control } from "./envoy/extensions/filters/http/admission_control/v3/admission_control_pb.js";
import { file_envoy_extensions_filters_http_api_key_auth_v3_api_key_auth } from "./envoy/extensions/filters/http/api_key_auth/v3/api_key_auth_pb.js";
import { file_envoy_extensions_filters_http_bandwidth_limit_v3_bandwidth_limit } from "./envoy/extensions/filters/http/bandwidth_limit/v3/bandwidth_limit_pb.js";
import { file_envoy_extensions_filters_http_basic_auth_v3_basic_auth } from "./envoy/extensions/filters/http/basic_auth/v3/basic_auth_pb.js";
import { file_envoy_extensions_filters_http_buffer_v3_buffer } from "./envoy/extensions/filters/http/buffer/v3/buffer_pb.js";
import { file_envoy_extensions_filters_http_compressor_v3_compressor } from "./envoy/extensions/filters/http/compressor/v3/compressor_pb.js";
import { file_envoy_extensions_filters_http_cors_v3_cors } from "./envoy/extensions/filters/http/cors/v3/cors_pb.js";
import { file_envoy_extensions_filters_http_credential_injector_v3_credential_injector } from "./envoy/extensions/filters/http/credential_injector/v3/credential_injector_pb.js";
import { file_envoy_extensions_filters_http_csrf_v3_csrf } from "./envoy/extensions/filters/http/csrf/v3/csrf_pb.js";
import { file_envoy_extensions_filters_http_custom_response_v3_custom_response } from "./envoy/extensions/filters/http/custom_response/v3/custom_response_pb.js";
import { file_envoy_extensions_filters_http_decompressor_v3_decompressor } from "./envoy/extensions/filters/http/decompressor/v3/decompressor_pb.js";
import { file_envoy_extensions_filters_http_ext_authz_v3_ext_authz } from "./envoy/extensions/filters/http/ext_authz/v3/ext_authz_pb.js";
import { file_envoy_extensions_filters_http_ext_proc_v3_ext_proc } from "./envoy/extensions/filters/http/ext_proc/v3/ext_proc_pb.js";
import { file_envoy_extensions_filters_http_ext_proc_v3_processing_mode } from "./envoy/extensions/filters/http/ext_proc/v3/processing_mode_pb.js";
import { file_envoy_extensions_filters_http_fault_v3_fault } from "./envoy/extensions/filters/http/fault/v3/fault_pb.js";
import { file_envoy_extensions_filters_http_grpc_http1_bridge_v3_config } from "./envoy/extensions/filters/http/grpc_http1_bridge/v3/config_pb.js";
import { file_envoy_extensions_filters_http_grpc_http1_reverse_bridge_v3_config } from "./envoy/extensions/filters/http/grpc_http1_reverse_bridge/v3/config_pb.js";
import { file_envoy_extensions_filters_http_grpc_stats_v3_config } from "./envoy/extensions/filters/http/grpc_stats/v3/config_pb.js";
import { file_envoy_extensions_filters_http_grpc_web_v3_grpc_web } from "./envoy/extensions/filters/http/grpc_web/v3/grpc_web_pb.js";
import { file_envoy_extensions_filters_http_header_mutation_v3_header_mutation } from "./envoy/extensions/filters/http/header_mutation/v3/header_mutation_pb.js";
import { file_envoy_extensions_filters_http_header_to_metadata_v3_header_to_metadata } from "./envoy/extensions/filters/http/header_to_metadata/v3/header_to_metadata_pb.js";
import { file_envoy_extensions_filters_http_health_check_v3_health_check } from "./envoy/extensions/filters/http/health_check/v3/health_check_pb.js";
import { file_envoy_extensions_filters_http_ip_tagging_v3_ip_tagging } from "./envoy/extensions/filters/http/ip_tagging/v3/ip_tagging_pb.js";
import { file_envoy_extensions_filters_http_json_to_metadata_v3_json_to_metadata } from "./envoy/extensions/filters/http/json_to_metadata/v3/json_to_metadata_pb.js";
import { file_envoy_extensions_filters_http_jwt_authn_v3_config } from "./envoy/extensions/filters/http/jwt_authn/v3/config_pb.js";
import { file_envoy_extensions_filters_http_local_ratelimit_v3_local_rate_limit } from "./envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit_pb.js";
import { file_envoy_extensions_filters_http_lua_v3_lua } from "./envoy/extensions/filters/http/lua/v3/lua_pb.js";
import { file_envoy_extensions_filters_http_ratelimit_v3_rate_limit } from "./envoy/extensions/filters/http/ratelimit/v3/rate_limit_pb.js";
import { file_envoy_extensions_filters_http_rbac_v3_rbac } from "./envoy/extensions/filters/http/rbac/v3/rbac_pb.js";
import { file_envoy_extensions_filters_http_router_v3_router } from "./envoy/extensions/filters/http/router/v3/router_pb.js";
import { file_envoy_extensions_filters_http_set_filter_state_v3_set_filter_state } from "./envoy/extensions/filters/http/set_filter_state/v3/set_filter_state_pb.js";
import { file_envoy_extensions_filters_http_set_metadata_v3_set_metadata } from "./envoy/extensions/filters/http/set_metadata/v3/set_metadata_pb.js";
import { file_envoy_extensions_filters_http_stateful_session_v3_stateful_session } from "./envoy/extensions/filters/http/stateful_session/v3/stateful_session_pb.js";
import { file_envoy_extensions_filters_http_wasm_v3_wasm } from "./envoy/extensions/filters/http/wasm/v3/wasm_pb.js";
import { file_envoy_extensions_filters_listener_http_inspector_v3_http_inspector } from "./envoy/extensions/filters/listener/http_inspector/v3/http_inspector_pb.js";
import { file_envoy_extensions_filters_listener_original_dst_v3_original_dst } from "./envoy/extensions/filters/listener/original_dst/v3/original_dst_pb.js";
import { file_envoy_extensions_filters_listener_original_src_v3_original_src } from "./envoy/extensions/filters/listener/original_src/v3/original_src_pb.js";
import { file_envoy_extensions_filters_listener_proxy_protocol_v3_proxy_protocol } from "./envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol_pb.js";
import { file_envoy_extensions_filters_listener_tls_inspector_v3_tls_inspector } from "./envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.js";
import { file_envoy_extensions_filters_network_connection_limit_v3_connection_limit } from "./envoy/extensions/filters/network/connection_limit/v3/connection_limit_pb.js";
import { file_envoy_extensions_filters_network_direct_response_v3_config } from "./envoy/extensions/filters/network/direct_response/v3/config_pb.js";
import { file_envoy_extensions_filters_network_ext_authz_v3_ext_authz } from "./envoy/extensions/filters/network/ext_authz/v3/ext_authz_pb.js";
import { file_envoy_extensions_filters_network_http_connection_manager_v3_http_connection_manager } from "./envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import { file_envoy_extensions_filters_network_local_ratelimit_v3_local_rate_limit } from "./envoy/extensions/filters/network/local_ratelimit/v3/local_rate_limit_pb.js";
import { file_envoy_extensions_filters_network_ratelimit_v3_rate_limit } from "./envoy/extensions/filters/network/ratelimit/v3/rate_limit_pb.js";
import { file_envoy_extensions_filters_network_rbac_v3_rbac } from "./envoy/extensions/filters/network/rbac/v3/rbac_pb.js";
import { file_envoy_extensions_filters_network_set_filter_state_v3_set_filter_state } from "./envoy/extensions/filters/network/set_filter_state/v3/set_filter_state_pb.js";
import { file_envoy_extensions_filters_network_sni_cluster_v3_sni_cluster } from "./envoy/extensions/filters/network/sni_cluster/v3/sni_cluster_pb.js";
import { file_envoy_extensions_filters_network_tcp_proxy_v3_tcp_proxy } from "./envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js";
import { file_envoy_extensions_formatter_cel_v3_cel } from "./envoy/extensions/formatter/cel/v3/cel_pb.js";
import { file_envoy_extensions_formatter_metadata_v3_metadata } from "./envoy/extensions/formatter/metadata/v3/metadata_pb.js";
import { file_envoy_extensions_formatter_req_without_query_v3_req_without_query } from "./envoy/extensions/formatter/req_without_query/v3/req_without_query_pb.js";
import { file_envoy_extensions_http_custom_response_local_response_policy_v3_local_response_policy } from "./envoy/extensions/http/custom_response/local_response_policy/v3/local_response_policy_pb.js";
import { file_envoy_extensions_http_custom_response_redirect_policy_v3_redirect_policy } from "./envoy/extensions/http/custom_response/redirect_policy/v3/redirect_policy_pb.js";
import { file_envoy_extensions_http_early_header_mutation_header_mutation_v3_header_mutation } from "./envoy/extensions/http/early_header_mutation/header_mutation/v3/header_mutation_pb.js";
import { file_envoy_extensions_http_header_formatters_preserve_case_v3_preserve_case } from "./envoy/extensions/http/header_formatters/preserve_case/v3/preserve_case_pb.js";
import { file_envoy_extensions_http_injected_credentials_generic_v3_generic } from "./envoy/extensions/http/injected_credentials/generic/v3/generic_pb.js";
import { file_envoy_extensions_http_original_ip_detection_xff_v3_xff } from "./envoy/extensions/http/original_ip_detection/xff/v3/xff_pb.js";
import { file_envoy_extensions_http_stateful_session_cookie_v3_cookie } from "./envoy/extensions/http/stateful_session/cookie/v3/cookie_pb.js";
import { file_envoy_extensions_http_stateful_session_header_v3_header } from "./envoy/extensions/http/stateful_session/header/v3/header_pb.js";
import { file_envoy_extensions_internal_redirect_allow_listed_routes_v3_allow_listed_routes_config } from "./envoy/extensions/internal_redirect/allow_listed_routes/v3/allow_listed_routes_config_pb.js";
import { file_envoy_extensions_internal_redirect_previous_routes_v3_previous_routes_config } from "./envoy/extensions/internal_redirect/previous_routes/v3/previous_routes_config_pb.js";
import { file_envoy_extensions_internal_redirect_safe_cross_scheme_v3_safe_cross_scheme_config } from "./envoy/extensions/internal_redirect/safe_cross_scheme/v3/safe_cross_scheme_config_pb.js";
import { file_envoy_extensions_load_balancing_policies_client_side_weighted_round_robin_v3_client_side_weighted_round_robin } from "./envoy/extensions/load_balancing_policies/client_side_weighted_round_robin/v3/client_side_weighted_round_robin_pb.js";
import { file_envoy_extensions_load_balancing_policies_cluster_provided_v3_cluster_provided } from "./envoy/extensions/load_balancing_policies/cluster_provided/v3/cluster_provided_pb.js";
import { file_envoy_extensions_load_balancing_policies_common_v3_common } from "./envoy/extensions/load_balancing_policies/common/v3/common_pb.js";
import { file_envoy_extensions_load_balancing_policies_least_request_v3_least_request } from "./envoy/extensions/load_balancing_policies/least_request/v3/least_request_pb.js";
import { file_envoy_extensions_load_balancing_policies_maglev_v3_maglev } from "./envoy/extensions/load_balancing_policies/maglev/v3/maglev_pb.js";
import { file_envoy_extensions_load_balancing_policies_pick_first_v3_pick_first } from "./envoy/extensions/load_balancing_policies/pick_first/v3/pick_first_pb.js";
import { file_envoy_extensions_load_balancing_policies_random_v3_random } from "./envoy/extensions/load_balancing_policies/random/v3/random_pb.js";
import { file_envoy_extensions_load_balancing_policies_ring_hash_v3_ring_hash } from "./envoy/extensions/load_balancing_policies/ring_hash/v3/ring_hash_pb.js";
import { file_envoy_extensions_load_balancing_policies_round_robin_v3_round_robin } from "./envoy/extensions/load_balancing_policies/round_robin/v3/round_robin_pb.js";
import { file_envoy_extensions_load_balancing_policies_subset_v3_subset } from "./envoy/extensions/load_balancing_policies/subset/v3/subset_pb.js";
import { file_envoy_extensions_load_balancing_policies_wrr_locality_v3_wrr_locality } from "./envoy/extensions/load_balancing_policies/wrr_locality/v3/wrr_locality_pb.js";
import { file_envoy_extensions_matching_common_inputs_network_v3_network_inputs } from "./envoy/extensions/matching/common_inputs/network/v3/network_inputs_pb.js";
import { file_envoy_extensions_matching_common_inputs_ssl_v3_ssl_inputs } from "./envoy/extensions/matching/common_inputs/ssl/v3/ssl_inputs_pb.js";
import { file_envoy_extensions_matching_input_matchers_ip_v3_ip } from "./envoy/extensions/matching/input_matchers/ip/v3/ip_pb.js";
import { file_envoy_extensions_path_match_uri_template_v3_uri_template_match } from "./envoy/extensions/path/match/uri_template/v3/uri_template_match_pb.js";
import { file_envoy_extensions_path_rewrite_uri_template_v3_uri_template_rewrite } from "./envoy/extensions/path/rewrite/uri_template/v3/uri_template_rewrite_pb.js";
import { file_envoy_extensions_rbac_audit_loggers_stream_v3_stream } from "./envoy/extensions/rbac/audit_loggers/stream/v3/stream_pb.js";
import { file_envoy_extensions_request_id_uuid_v3_uuid } from "./envoy/extensions/request_id/uuid/v3/uuid_pb.js";
import { file_envoy_extensions_retry_host_omit_canary_hosts_v3_omit_canary_hosts } from "./envoy/extensions/retry/host/omit_canary_hosts/v3/omit_canary_hosts_pb.js";
import { file_envoy_extensions_retry_host_omit_host_metadata_v3_omit_host_metadata_config } from "./envoy/extensions/retry/host/omit_host_metadata/v3/omit_host_metadata_config_pb.js";
import { file_envoy_extensions_retry_host_previous_hosts_v3_previous_hosts } from "./envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb.js";
import { file_envoy_extensions_retry_priority_previous_priorities_v3_previous_priorities_config } from "./envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config_pb.js";
import { file_envoy_extensions_stat_sinks_open_telemetry_v3_open_telemetry } from "./envoy/extensions/stat_sinks/open_telemetry/v3/open_telemetry_pb.js";
import { file_envoy_extensions_tracers_opentelemetry_resource_detectors_v3_dynatrace_resource_detector } from "./envoy/extensions/tracers/opentelemetry/resource_detectors/v3/dynatrace_resource_detector_pb.js";
import { file_envoy_extensions_tracers_opentelemetry_resource_detectors_v3_environment_resource_detector } from "./envoy/extensions/tracers/opentelemetry/resource_detectors/v3/environment_resource_detector_pb.js";
import { file_envoy_extensions_tracers_opentelemetry_resource_detectors_v3_static_config_resource_detector } from "./envoy/extensions/tracers/opentelemetry/resource_detectors/v3/static_config_resource_detector_pb.js";
import { file_envoy_extensions_tracers_opentelemetry_samplers_v3_always_on_sampler } from "./envoy/extensions/tracers/opentelemetry/samplers/v3/always_on_sampler_pb.js";
import { file_envoy_extensions_tracers_opentelemetry_samplers_v3_dynatrace_sampler } from "./envoy/extensions/tracers/opentelemetry/samplers/v3/dynatrace_sampler_pb.js";
import { file_envoy_extensions_transport_sockets_internal_upstream_v3_internal_upstream } from "./envoy/extensions/transport_sockets/internal_upstream/v3/internal_upstream_pb.js";
import { file_envoy_extensions_transport_sockets_proxy_protocol_v3_upstream_proxy_protocol } from "./envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol_pb.js";
import { file_envoy_extensions_transport_sockets_raw_buffer_v3_raw_buffer } from "./envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer_pb.js";
import { file_envoy_extensions_transport_sockets_starttls_v3_starttls } from "./envoy/extensions/transport_sockets/starttls/v3/starttls_pb.js";
import { file_envoy_extensions_transport_sockets_tls_v3_cert } from "./envoy/extensions/transport_sockets/tls/v3/cert_pb.js";
import { file_envoy_extensions_transport_sockets_tls_v3_common } from "./envoy/extensions/transport_sockets/tls/v3/common_pb.js";
import { file_envoy_extensions_transport_sockets_tls_v3_secret } from "./envoy/extensions/transport_sockets/tls/v3/secret_pb.js";
import { file_envoy_extensions_transport_sockets_tls_v3_tls } from "./envoy/extensions/transport_sockets/tls/v3/tls_pb.js";
import { file_envoy_extensions_transport_sockets_tls_v3_tls_spiffe_validator_config } from "./envoy/extensions/transport_sockets/tls/v3/tls_spiffe_validator_config_pb.js";
import { file_envoy_extensions_upstreams_http_v3_http_protocol_options } from "./envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js";
import { file_envoy_extensions_wasm_v3_wasm } from "./envoy/extensions/wasm/v3/wasm_pb.js";
import { file_envoy_service_accesslog_v3_als } from "./envoy/service/accesslog/v3/als_pb.js";
import { file_envoy_service_auth_v3_attribute_context } from "./envoy/service/auth/v3/attribute_context_pb.js";
import { file_envoy_service_auth_v3_external_auth } from "./envoy/service/auth/v3/external_auth_pb.js";
import { file_envoy_service_discovery_v3_ads } from "./envoy/service/discovery/v3/ads_pb.js";
import { file_envoy_service_discovery_v3_discovery } from "./envoy/service/discovery/v3/discovery_pb.js";
import { file_envoy_service_ext_proc_v3_external_processor } from "./envoy/service/ext_proc/v3/external_processor_pb.js";
import { file_envoy_service_health_v3_hds } from "./envoy/service/health/v3/hds_pb.js";
import { file_envoy_service_load_stats_v3_lrs } from "./envoy/service/load_stats/v3/lrs_pb.js";
import { file_envoy_service_metrics_v3_metrics_service } from "./envoy/service/metrics/v3/metrics_service_pb.js";
import { file_envoy_service_ratelimit_v3_rls } from "./envoy/service/ratelimit/v3/rls_pb.js";
import { file_envoy_service_runtime_v3_rtds } from "./envoy/service/runtime/v3/rtds_pb.js";
import { file_envoy_service_secret_v3_sds } from "./envoy/service/secret/v3/sds_pb.js";
import { file_envoy_service_status_v3_csds } from "./envoy/service/status/v3/csds_pb.js";
import { file_envoy_type_http_v3_cookie } from "./envoy/type/http/v3/cookie_pb.js";
import { file_envoy_type_http_v3_path_transformation } from "./envoy/type/http/v3/path_transformation_pb.js";
import { file_envoy_type_matcher_v3_filter_state } from "./envoy/type/matcher/v3/filter_state_pb.js";
import { file_envoy_type_matcher_v3_http_inputs } from "./envoy/type/matcher/v3/http_inputs_pb.js";
import { file_envoy_type_matcher_v3_metadata } from "./envoy/type/matcher/v3/metadata_pb.js";
import { file_envoy_type_matcher_v3_node } from "./envoy/type/matcher/v3/node_pb.js";
import { file_envoy_type_matcher_v3_number } from "./envoy/type/matcher/v3/number_pb.js";
import { file_envoy_type_matcher_v3_path } from "./envoy/type/matcher/v3/path_pb.js";
import { file_envoy_type_matcher_v3_regex } from "./envoy/type/matcher/v3/regex_pb.js";
import { file_envoy_type_matcher_v3_string } from "./envoy/type/matcher/v3/string_pb.js";
import { file_envoy_type_matcher_v3_struct } from "./envoy/type/matcher/v3/struct_pb.js";
import { file_envoy_type_matcher_v3_value } from "./envoy/type/matcher/v3/value_pb.js";
import { file_envoy_type_metadata_v3_metadata } from "./envoy/type/metadata/v3/metadata_pb.js";
import { file_envoy_type_tracing_v3_custom_tag } from "./envoy/type/tracing/v3/custom_tag_pb.js";
import { file_envoy_type_v3_hash_policy } from "./envoy/type/v3/hash_policy_pb.js";
import { file_envoy_type_v3_http } from "./envoy/type/v3/http_pb.js";
import { file_envoy_type_v3_http_status } from "./envoy/type/v3/http_status_pb.js";
import { file_envoy_type_v3_percent } from "./envoy/type/v3/percent_pb.js";
import { file_envoy_type_v3_range } from "./envoy/type/v3/range_pb.js";
import { file_envoy_type_v3_ratelimit_unit } from "./envoy/type/v3/ratelimit_unit_pb.js";
import { file_envoy_type_v3_semantic_version } from "./envoy/type/v3/semantic_version_pb.js";
import { file_envoy_type_v3_token_bucket } from "./envoy/type/v3/token_bucket_pb.js";
import { file_google_api_expr_v1alpha1_checked } from "./google/api/expr/v1alpha1/checked_pb.js";
import { file_google_api_expr_v1alpha1_syntax } from "./google/api/expr/v1alpha1/syntax_pb.js";
import { file_google_rpc_code } from "./google/rpc/code_pb.js";
import { file_google_rpc_status } from "./google/rpc/status_pb.js";
import { file_io_prometheus_client_metrics } from "./io/prometheus/client/metrics_pb.js";
import { file_istio_networking_nds_v1_nds } from "./istio/networking/nds/v1/nds_pb.js";
import { file_istio_v1_auth_ca } from "./istio/v1/auth/ca_pb.js";
import { file_opentelemetry_proto_collector_logs_v1_logs_service } from "./opentelemetry/proto/collector/logs/v1/logs_service_pb.js";
import { file_opentelemetry_proto_collector_metrics_v1_metrics_service } from "./opentelemetry/proto/collector/metrics/v1/metrics_service_pb.js";
import { file_opentelemetry_proto_collector_trace_v1_trace_service } from "./opentelemetry/proto/collector/trace/v1/trace_service_pb.js";
import { file_opentelemetry_proto_common_v1_common } from "./opentelemetry/proto/common/v1/common_pb.js";
import { file_opentelemetry_proto_logs_v1_logs } from "./opentelemetry/proto/logs/v1/logs_pb.js";
import { file_opentelemetry_proto_metrics_v1_metrics } from "./opentelemetry/proto/metrics/v1/metrics_pb.js";
import { file_opentelemetry_proto_resource_v1_resource } from "./opentelemetry/proto/resource/v1/resource_pb.js";
import { file_opentelemetry_proto_trace_v1_trace } from "./opentelemetry/proto/trace/v1/trace_pb.js";
import { file_udpa_type_v1_typed_struct } from "./udpa/type/v1/typed_struct_pb.js";
import { file_xds_core_v3_authority } from "./xds/core/v3/authority_pb.js";
import { file_xds_core_v3_cidr } from "./xds/core/v3/cidr_pb.js";
import { file_xds_core_v3_collection_entry } from "./xds/core/v3/collection_entry_pb.js";
import { file_xds_core_v3_context_params } from "./xds/core/v3/context_params_pb.js";
import { file_xds_core_v3_extension } from "./xds/core/v3/extension_pb.js";
import { file_xds_core_v3_resource_locator } from "./xds/core/v3/resource_locator_pb.js";
import { file_xds_type_matcher_v3_cel } from "./xds/type/matcher/v3/cel_pb.js";
import { file_xds_type_matcher_v3_domain } from "./xds/type/matcher/v3/domain_pb.js";
import { file_xds_type_matcher_v3_http_inputs } from "./xds/type/matcher/v3/http_inputs_pb.js";
import { file_xds_type_matcher_v3_ip } from "./xds/type/matcher/v3/ip_pb.js";
import { file_xds_type_matcher_v3_matcher } from "./xds/type/matcher/v3/matcher_pb.js";
import { file_xds_type_matcher_v3_range } from "./xds/type/matcher/v3/range_pb.js";
import { file_xds_type_matcher_v3_regex } from "./xds/type/matcher/v3/regex_pb.js";
import { file_xds_type_matcher_v3_string } from "./xds/type/matcher/v3/string_pb.js";
import { file_xds_type_v3_cel } from "./xds/type/v3/cel_pb.js";
import { file_xds_type_v3_range } from "./xds/type/v3/range_pb.js";
import { file_xds_type_v3_typed_struct } from "./xds/type/v3/typed_struct_pb.js";

export const files = [
  file_envoy_admin_v3_certs,
  file_envoy_admin_v3_clusters,
  file_envoy_admin_v3_config_dump,
  file_envoy_admin_v3_config_dump_shared,
  file_envoy_admin_v3_listeners,
  file_envoy_admin_v3_metrics,
  file_envoy_admin_v3_server_info,
  file_envoy_config_accesslog_v3_accesslog,
  file_envoy_config_bootstrap_v3_bootstrap,
  file_envoy_config_cluster_v3_circuit_breaker,
  file_envoy_config_cluster_v3_cluster,
  file_envoy_config_cluster_v3_filter,
  file_envoy_config_cluster_v3_outlier_detection,
  file_envoy_config_common_mutation_rules_v3_mutation_rules,
  file_envoy_config_core_v3_address,
  file_envoy_config_core_v3_backoff,
  file_envoy_config_core_v3_base,
  file_envoy_config_core_v3_config_source,
  file_envoy_config_core_v3_event_service_config,
  file_envoy_config_core_v3_extension,
  file_envoy_config_core_v3_grpc_method_list,
  file_envoy_config_core_v3_grpc_service,
  file_envoy_config_core_v3_health_check,
  file_envoy_config_core_v3_http_service,
  file_envoy_config_core_v3_http_uri,
  file_envoy_config_core_v3_protocol,
  file_envoy_config_core_v3_proxy_protocol,
  file_envoy_config_core_v3_resolver,
  file_envoy_config_core_v3_socket_option,
  file_envoy_config_core_v3_substitution_format_string,
  file_envoy_config_core_v3_udp_socket_config,
  file_envoy_config_endpoint_v3_endpoint_components,
  file_envoy_config_endpoint_v3_endpoint,
  file_envoy_config_endpoint_v3_load_report,
  file_envoy_config_listener_v3_api_listener,
  file_envoy_config_listener_v3_listener_components,
  file_envoy_config_listener_v3_listener,
  file_envoy_config_listener_v3_quic_config,
  file_envoy_config_listener_v3_udp_listener_config,
  file_envoy_config_metrics_v3_metrics_service,
  file_envoy_config_metrics_v3_stats,
  file_envoy_config_overload_v3_overload,
  file_envoy_config_ratelimit_v3_rls,
  file_envoy_config_rbac_v3_rbac,
  file_envoy_config_route_v3_route_components,
  file_envoy_config_route_v3_route,
  file_envoy_config_route_v3_scoped_route,
  file_envoy_config_trace_v3_http_tracer,
  file_envoy_config_trace_v3_opentelemetry,
  file_envoy_config_trace_v3_zipkin,
  file_envoy_data_accesslog_v3_accesslog,
  file_envoy_data_cluster_v3_outlier_detection_event,
  file_envoy_extensions_access_loggers_file_v3_file,
  file_envoy_extensions_access_loggers_filters_cel_v3_cel,
  file_envoy_extensions_access_loggers_grpc_v3_als,
  file_envoy_extensions_access_loggers_open_telemetry_v3_logs_service,
  file_envoy_extensions_access_loggers_stream_v3_stream,
  file_envoy_extensions_clusters_aggregate_v3_cluster,
  file_envoy_extensions_clusters_common_dns_v3_dns,
  file_envoy_extensions_clusters_dns_v3_dns_cluster,
  file_envoy_extensions_common_ratelimit_v3_ratelimit,
  file_envoy_extensions_compression_brotli_compressor_v3_brotli,
  file_envoy_extensions_compression_brotli_decompressor_v3_brotli,
  file_envoy_extensions_compression_gzip_compressor_v3_gzip,
  file_envoy_extensions_compression_gzip_decompressor_v3_gzip,
  file_envoy_extensions_compression_zstd_compressor_v3_zstd,
  file_envoy_extensions_compression_zstd_decompressor_v3_zstd,
  file_envoy_extensions_filters_common_fault_v3_fault,
  file_envoy_extensions_filters_common_set_filter_state_v3_value,
  file_envoy_extensions_filters_http_admission_control_v3_admission_control,
  file_envoy_extensions_filters_http_api_key_auth_v3_api_key_auth,
  file_envoy_extensions_filters_http_bandwidth_limit_v3_bandwidth_limit,
  file_envoy_extensions_filters_http_basic_auth_v3_basic_auth,
  file_envoy_extensions_filters_http_buffer_v3_buffer,
  file_envoy_extensions_filters_http_compressor_v3_compressor,
  file_envoy_extensions_filters_http_cors_v3_cors,
  file_envoy_extensions_filters_http_credential_injector_v3_credential_injector,
  file_envoy_extensions_filters_http_csrf_v3_csrf,
  file_envoy_extensions_filters_http_custom_response_v3_custom_response,
  file_envoy_extensions_filters_http_decompressor_v3_decompressor,
  file_envoy_extensions_filters_http_ext_authz_v3_ext_authz,
  file_envoy_extensions_filters_http_ext_proc_v3_ext_proc,
  file_envoy_extensions_filters_http_ext_proc_v3_processing_mode,
  file_envoy_extensions_filters_http_fault_v3_fault,
  file_envoy_extensions_filters_http_grpc_http1_bridge_v3_config,
  file_envoy_extensions_filters_http_grpc_http1_reverse_bridge_v3_config,
  file_envoy_extensions_filters_http_grpc_stats_v3_config,
  file_envoy_extensions_filters_http_grpc_web_v3_grpc_web,
  file_envoy_extensions_filters_http_header_mutation_v3_header_mutation,
  file_envoy_extensions_filters_http_header_to_metadata_v3_header_to_metadata,
  file_envoy_extensions_filters_http_health_check_v3_health_check,
  file_envoy_extensions_filters_http_ip_tagging_v3_ip_tagging,
  file_envoy_extensions_filters_http_json_to_metadata_v3_json_to_metadata,
  file_envoy_extensions_filters_http_jwt_authn_v3_config,
  file_envoy_extensions_filters_http_local_ratelimit_v3_local_rate_limit,
  file_envoy_extensions_filters_http_lua_v3_lua,
  file_envoy_extensions_filters_http_ratelimit_v3_rate_limit,
  file_envoy_extensions_filters_http_rbac_v3_rbac,
  file_envoy_extensions_filters_http_router_v3_router,
  file_envoy_extensions_filters_http_set_filter_state_v3_set_filter_state,
  file_envoy_extensions_filters_http_set_metadata_v3_set_metadata,
  file_envoy_extensions_filters_http_stateful_session_v3_stateful_session,
  file_envoy_extensions_filters_http_wasm_v3_wasm,
  file_envoy_extensions_filters_listener_http_inspector_v3_http_inspector,
  file_envoy_extensions_filters_listener_original_dst_v3_original_dst,
  file_envoy_extensions_filters_listener_original_src_v3_original_src,
  file_envoy_extensions_filters_listener_proxy_protocol_v3_proxy_protocol,
  file_envoy_extensions_filters_listener_tls_inspector_v3_tls_inspector,
  file_envoy_extensions_filters_network_connection_limit_v3_connection_limit,
  file_envoy_extensions_filters_network_direct_response_v3_config,
  file_envoy_extensions_filters_network_ext_authz_v3_ext_authz,
  file_envoy_extensions_filters_network_http_connection_manager_v3_http_connection_manager,
  file_envoy_extensions_filters_network_local_ratelimit_v3_local_rate_limit,
  file_envoy_extensions_filters_network_ratelimit_v3_rate_limit,
  file_envoy_extensions_filters_network_rbac_v3_rbac,
  file_envoy_extensions_filters_network_set_filter_state_v3_set_filter_state,
  file_envoy_extensions_filters_network_sni_cluster_v3_sni_cluster,
  file_envoy_extensions_filters_network_tcp_proxy_v3_tcp_proxy,
  file_envoy_extensions_formatter_cel_v3_cel,
  file_envoy_extensions_formatter_metadata_v3_metadata,
  file_envoy_extensions_formatter_req_without_query_v3_req_without_query,
  file_envoy_extensions_http_custom_response_local_response_policy_v3_local_response_policy,
  file_envoy_extensions_http_custom_response_redirect_policy_v3_redirect_policy,
  file_envoy_extensions_http_early_header_mutation_header_mutation_v3_header_mutation,
  file_envoy_extensions_http_header_formatters_preserve_case_v3_preserve_case,
  file_envoy_extensions_http_injected_credentials_generic_v3_generic,
  file_envoy_extensions_http_original_ip_detection_xff_v3_xff,
  file_envoy_extensions_http_stateful_session_cookie_v3_cookie,
  file_envoy_extensions_http_stateful_session_header_v3_header,
  file_envoy_extensions_internal_redirect_allow_listed_routes_v3_allow_listed_routes_config,
  file_envoy_extensions_internal_redirect_previous_routes_v3_previous_routes_config,
  file_envoy_extensions_internal_redirect_safe_cross_scheme_v3_safe_cross_scheme_config,
  file_envoy_extensions_load_balancing_policies_client_side_weighted_round_robin_v3_client_side_weighted_round_robin,
  file_envoy_extensions_load_balancing_policies_cluster_provided_v3_cluster_provided,
  file_envoy_extensions_load_balancing_policies_common_v3_common,
  file_envoy_extensions_load_balancing_policies_least_request_v3_least_request,
  file_envoy_extensions_load_balancing_policies_maglev_v3_maglev,
  file_envoy_extensions_load_balancing_policies_pick_first_v3_pick_first,
  file_envoy_extensions_load_balancing_policies_random_v3_random,
  file_envoy_extensions_load_balancing_policies_ring_hash_v3_ring_hash,
  file_envoy_extensions_load_balancing_policies_round_robin_v3_round_robin,
  file_envoy_extensions_load_balancing_policies_subset_v3_subset,
  file_envoy_extensions_load_balancing_policies_wrr_locality_v3_wrr_locality,
  file_envoy_extensions_matching_common_inputs_network_v3_network_inputs,
  file_envoy_extensions_matching_common_inputs_ssl_v3_ssl_inputs,
  file_envoy_extensions_matching_input_matchers_ip_v3_ip,
  file_envoy_extensions_path_match_uri_template_v3_uri_template_match,
  file_envoy_extensions_path_rewrite_uri_template_v3_uri_template_rewrite,
  file_envoy_extensions_rbac_audit_loggers_stream_v3_stream,
  file_envoy_extensions_request_id_uuid_v3_uuid,
  file_envoy_extensions_retry_host_omit_canary_hosts_v3_omit_canary_hosts,
  file_envoy_extensions_retry_host_omit_host_metadata_v3_omit_host_metadata_config,
  file_envoy_extensions_retry_host_previous_hosts_v3_previous_hosts,
  file_envoy_extensions_retry_priority_previous_priorities_v3_previous_priorities_config,
  file_envoy_extensions_stat_sinks_open_telemetry_v3_open_telemetry,
  file_envoy_extensions_tracers_opentelemetry_resource_detectors_v3_dynatrace_resource_detector,
  file_envoy_extensions_tracers_opentelemetry_resource_detectors_v3_environment_resource_detector,
  file_envoy_extensions_tracers_opentelemetry_resource_detectors_v3_static_config_resource_detector,
  file_envoy_extensions_tracers_opentelemetry_samplers_v3_always_on_sampler,
  file_envoy_extensions_tracers_opentelemetry_samplers_v3_dynatrace_sampler,
  file_envoy_extensions_transport_sockets_internal_upstream_v3_internal_upstream,
  file_envoy_extensions_transport_sockets_proxy_protocol_v3_upstream_proxy_protocol,
  file_envoy_extensions_transport_sockets_raw_buffer_v3_raw_buffer,
  file_envoy_extensions_transport_sockets_starttls_v3_starttls,
  file_envoy_extensions_transport_sockets_tls_v3_cert,
  file_envoy_extensions_transport_sockets_tls_v3_common,
  file_envoy_extensions_transport_sockets_tls_v3_secret,
  file_envoy_extensions_transport_sockets_tls_v3_tls,
  file_envoy_extensions_transport_sockets_tls_v3_tls_spiffe_validator_config,
  file_envoy_extensions_upstreams_http_v3_http_protocol_options,
  file_envoy_extensions_wasm_v3_wasm,
  file_envoy_service_accesslog_v3_als,
  file_envoy_service_auth_v3_attribute_context,
  file_envoy_service_auth_v3_external_auth,
  file_envoy_service_discovery_v3_ads,
  file_envoy_service_discovery_v3_discovery,
  file_envoy_service_ext_proc_v3_external_processor,
  file_envoy_service_health_v3_hds,
  file_envoy_service_load_stats_v3_lrs,
  file_envoy_service_metrics_v3_metrics_service,
  file_envoy_service_ratelimit_v3_rls,
  file_envoy_service_runtime_v3_rtds,
  file_envoy_service_secret_v3_sds,
  file_envoy_service_status_v3_csds,
  file_envoy_type_http_v3_cookie,
  file_envoy_type_http_v3_path_transformation,
  file_envoy_type_matcher_v3_filter_state,
  file_envoy_type_matcher_v3_http_inputs,
  file_envoy_type_matcher_v3_metadata,
  file_envoy_type_matcher_v3_node,
  file_envoy_type_matcher_v3_number,
  file_envoy_type_matcher_v3_path,
  file_envoy_type_matcher_v3_regex,
  file_envoy_type_matcher_v3_string,
  file_envoy_type_matcher_v3_struct,
  file_envoy_type_matcher_v3_value,
  file_envoy_type_metadata_v3_metadata,
  file_envoy_type_tracing_v3_custom_tag,
  file_envoy_type_v3_hash_policy,
  file_envoy_type_v3_http,
  file_envoy_type_v3_http_status,
  file_envoy_type_v3_percent,
  file_envoy_type_v3_range,
  file_envoy_type_v3_ratelimit_unit,
  file_envoy_type_v3_semantic_version,
  file_envoy_type_v3_token_bucket,
  file_google_api_expr_v1alpha1_checked,
  file_google_api_expr_v1alpha1_syntax,
  file_google_rpc_code,
  file_google_rpc_status,
  file_io_prometheus_client_metrics,
  file_istio_networking_nds_v1_nds,
  file_istio_v1_auth_ca,
  file_opentelemetry_proto_collector_logs_v1_logs_service,
  file_opentelemetry_proto_collector_metrics_v1_metrics_service,
  file_opentelemetry_proto_collector_trace_v1_trace_service,
  file_opentelemetry_proto_common_v1_common,
  file_opentelemetry_proto_logs_v1_logs,
  file_opentelemetry_proto_metrics_v1_metrics,
  file_opentelemetry_proto_resource_v1_resource,
  file_opentelemetry_proto_trace_v1_trace,
  file_udpa_type_v1_typed_struct,
  file_xds_core_v3_authority,
  file_xds_core_v3_cidr,
  file_xds_core_v3_collection_entry,
  file_xds_core_v3_context_params,
  file_xds_core_v3_extension,
  file_xds_core_v3_resource_locator,
  file_xds_type_matcher_v3_cel,
  file_xds_type_matcher_v3_domain,
  file_xds_type_matcher_v3_http_inputs,
  file_xds_type_matcher_v3_ip,
  file_xds_type_matcher_v3_matcher,
  file_xds_type_matcher_v3_range,
  file_xds_type_matcher_v3_regex,
  file_xds_type_matcher_v3_string,
  file_xds_type_v3_cel,
  file_xds_type_v3_range,
  file_xds_type_v3_typed_struct,
];
