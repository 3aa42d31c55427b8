import {
  AdminSchema,
  Bootstrap_DynamicResourcesSchema,
  Bootstrap_StaticResourcesSchema,
  BootstrapSchema,
} from "@heddle/xds-api/envoy/config/bootstrap/v3/bootstrap";
import { shape } from "../config/shape.ts";

export const BOOTSTRAP_SHAPE = shape(
  BootstrapSchema,
  ["node", "static_resources", "dynamic_resources", "admin", "overload_manager", "tracing", "stats_config"],
  {
    "cluster_manager stats_flush_interval stats_flush_on_admin deferred_stat_options enable_dispatcher_stats stats_server_version_override":
      "statistics are kept and shown on demand",
    "watchdog watchdogs memory_allocator_manager perf_tracing_file_path": "watches over Envoy's own threads and memory",
    "node_context_params config_sources default_config_source": "only for xDS resource locators",
    layered_runtime:
      "of the runtime only overload.global_downstream_max_connections of static layers is read; elsewhere the defaults that stand in the fields hold",
    flags_path: "only for runtime flags",
    "use_tcp_for_dns_lookups dns_resolution_config typed_dns_resolver_config": "names are resolved by the system",
    "default_regex_engine default_socket_interface listener_manager":
      "there is one of each: RE2 semantics, Linux sockets",
    inline_headers: "tuning of Envoy's header maps",
    application_log_config: "LOG_AS_JSON chooses the form of the log",
    grpc_async_client_manager_config: "tuning of Envoy's gRPC clients",
    fatal_actions: "what Envoy does when it crashes",
  },
  {
    hds_config: "health discovery is not implemented; use health_checks of clusters",
    stats_sinks: "statistics are pulled from /stats/prometheus; nothing is pushed",
    bootstrap_extensions: "there are no bootstrap extensions",
    header_prefix: "headers always begin with x-envoy-",
    certificate_provider_instances: "certificates come inline, from files or over SDS",
    "xds_delegate_extension xds_config_tracker_extension": "there are no xDS extensions",
  },
);

export const STATIC_RESOURCES_SHAPE = shape(Bootstrap_StaticResourcesSchema, ["listeners", "clusters", "secrets"]);

export const DYNAMIC_RESOURCES_SHAPE = shape(
  Bootstrap_DynamicResourcesSchema,
  ["lds_config", "cds_config", "ads_config"],
  {},
  { "lds_resources_locator cds_resources_locator": "xdstp resource locators are not implemented" },
);

export const ADMIN_SHAPE = shape(AdminSchema, ["address"], {
  "access_log access_log_path": "requests to the admin port are not logged",
  profile_path: "profiles are taken by the runtime's own tools",
  socket_options: "tuning",
  ignore_global_conn_limit: "connections to the admin port never count towards the limit",
});
