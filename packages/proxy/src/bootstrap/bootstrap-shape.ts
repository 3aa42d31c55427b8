import {
  AdminSchema,
  Bootstrap_DynamicResourcesSchema,
  Bootstrap_StaticResourcesSchema,
  BootstrapSchema,
  ClusterManager_OutlierDetectionSchema,
  ClusterManagerSchema,
} from "@heddle/xds-api/envoy/config/bootstrap/v3/bootstrap";
import { shape } from "../config/shape.ts";

export const BOOTSTRAP_SHAPE = shape(
  BootstrapSchema,
  [
    "node",
    "static_resources",
    "dynamic_resources",
    "admin",
    "layered_runtime",
    "overload_manager",
    "tracing",
    "stats_config",
    "cluster_manager",
    "typed_dns_resolver_config",
    "default_regex_engine",
    "listener_manager",
    "stats_flush_interval",
    "stats_flush_on_admin",
    "bootstrap_extensions",
  ],
  {
    deferred_stat_options: "when Envoy makes its statistics, to save memory",
    "watchdog watchdogs memory_allocator_manager perf_tracing_file_path": "watches over Envoy's own threads and memory",
    inline_headers: "tuning of Envoy's header maps",
    grpc_async_client_manager_config: "how long Envoy keeps gRPC clients that nobody uses",
    fatal_actions: "what Envoy does when it crashes",
  },
  {
    "node_context_params config_sources default_config_source": "xdstp resource locators are not implemented",
    flags_path: "there are no flag files; use the admin port's /drain_listeners and /healthcheck/fail",
    "use_tcp_for_dns_lookups dns_resolution_config": "names are resolved by the system",
    default_socket_interface: "there is one: the system's sockets",
    application_log_config: "LOG_AS_JSON and the log level of the command line choose the form of the log",
    hds_config: "health discovery is not implemented; use health_checks of clusters",
    stats_server_version_override: "there is no statistic server.version; /server_info says the version",
    header_prefix: "headers always begin with x-envoy-",
    certificate_provider_instances: "certificates come inline, from files or over SDS",
    "xds_delegate_extension xds_config_tracker_extension": "there are no xDS extensions",
  },
  {
    only: { enable_dispatcher_stats: { values: ["false"], reason: "there are no dispatchers to measure" } },
    differs: {
      stats_sinks:
        "values of histograms go with the others every stats_flush_interval, from 100 on with two digits; more than 1000 of one histogram as a sample with its rate",
    },
  },
);

export const EJECTION_LOG_SHAPE = shape(
  ClusterManager_OutlierDetectionSchema,
  ["event_log_path"],
  {},
  { event_service: "Envoy does not implement it either; use event_log_path" },
);

export const CLUSTER_MANAGER_SHAPE = shape(
  ClusterManagerSchema,
  ["local_cluster_name", "outlier_detection", "load_stats_config"],
  { enable_deferred_cluster_creation: "when Envoy's threads make their part of a cluster, to save memory" },
  {
    upstream_bind_config: "write it into each cluster",
  },
  { inside: { outlier_detection: EJECTION_LOG_SHAPE } },
);

export const STATIC_RESOURCES_SHAPE = shape(Bootstrap_StaticResourcesSchema, ["listeners", "clusters", "secrets"]);

export const DYNAMIC_RESOURCES_SHAPE = shape(
  Bootstrap_DynamicResourcesSchema,
  ["lds_config", "cds_config", "ads_config"],
  {},
  { "lds_resources_locator cds_resources_locator": "xdstp resource locators are not implemented" },
);

export const ADMIN_SHAPE = shape(
  AdminSchema,
  ["address", "access_log", "access_log_path"],
  {},
  { socket_options: "the runtime gives no access to these options of its sockets" },
  {
    differs: {
      profile_path: "there is no page that writes a profile; /heap_dump answers with what it finds",
      ignore_global_conn_limit: "connections to the admin port never count towards the limit, as with true",
    },
  },
);
