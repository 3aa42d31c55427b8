/** Statistics of Envoy's that are not kept, and why. `NAME` stands for the name of a cluster, listener, stat prefix; `*` for anything. */
export const ABSENT_STATS: readonly (readonly [reason: string, names: readonly string[]])[] = [
  ["there is no HTTP/3", ["*http3*", "*0rtt*", "*0_rtt"]],
  [
    "the codecs bound what they keep, and pause the other side; neither is counted",
    ["*_bytes_buffered", "*flow_control_*", "tcp.NAME.upstream_flush_*"],
  ],
  [
    "endpoints that discovery sent stay until it sends others",
    ["cluster.NAME.assignment_*", "cluster.NAME.update_empty", "cluster.NAME.update_no_rebuild"],
  ],
  ["discovery is counted for listeners and clusters; scopes are in /config_dump", ["http.NAME.scoped_rds.*"]],
  ["an assigned version is a text, in /config_dump", ["cluster.NAME.version", "server.version"]],
  ["a source address that can't be bound counts as upstream_cx_connect_fail", ["cluster.NAME.bind_errors"]],
  ["pools are bounded by the endpoints", ["*cx_pool*", "cluster.NAME.upstream_queue_overloaded"]],
  ["only connections that are made ahead are counted", ["cluster.NAME.upstream_cx_preconnect_skipped"]],
  ["Envoy does not count it any more", ["cluster.NAME.lb_zone_number_differs"]],
  [
    "subsets are made when they are first used and go with their cluster",
    ["cluster.NAME.lb_subsets_active", "cluster.NAME.lb_subsets_created", "cluster.NAME.lb_subsets_removed"],
  ],
  ["a fallback counts as lb_subsets_fallback whatever it leads to", ["cluster.NAME.lb_subsets_fallback_panic"]],
  [
    "internals of Envoy's balancers and endpoint matching",
    ["cluster.NAME.max_host_weight", "cluster.NAME.default.total_match_count", "cluster.NAME.membership_excluded"],
  ],
  ["such requests have no host: upstream_cx_none_healthy", ["cluster.NAME.original_dst_host_invalid"]],
  [
    "hosts are checked actively only; the name of the server is part of the check",
    ["*passive_failure", "*verify_cluster"],
  ],
  ["degraded hosts are told by health checks and discovery", ["*ejections_detected_degradation"]],
  ["old names of ejections_enforced_…", ["*ejections_success_rate", "*ejections_consecutive_5xx"]],
  ["a request whose body is too long to be kept is sent once", ["cluster.NAME.retry_or_shadow_abandoned"]],
  ["there is no maintenance mode", ["cluster.NAME.upstream_rq_maintenance_mode"]],
  ["counted as upstream_rq_rx_reset", ["cluster.NAME.upstream_rq_rx_reset_no_error"]],
  ["counted as upstream_cx_destroy_remote", ["cluster.NAME.upstream_cx_close_notify"]],
  [
    "the runtime does not tell: key exchange, cipher, signature, OCSP; certificates are in /certs",
    ["*.ssl.ciphers.*", "*.ssl.curves.*", "*.ssl.sigalgs.*", "*.ssl.ocsp_*", "*.ssl.certificate.*"],
  ],
  ["a wrong pin counts as ssl.fail_verify_error", ["*.ssl.fail_verify_cert_hash"]],
  ["servers always have a certificate", ["cluster.NAME.ssl.no_certificate"]],
  ["secrets that are missing show as failed connections with their reason", ["*ssl_socket_factory.*"]],
  [
    "what breaks the protocol counts as cx_protocol_error; Envoy's header tuning has no counterpart",
    ["*http1.*", "*http2.*"],
  ],
  ["changes take effect at once and are not merged", ["cluster_manager.cluster_updated*", "cluster_manager.update_*"]],
  ["access logs are files and streams of ours, without counts", ["filesystem.*", "access_logs.*"]],
  ["streams are not reset for their memory", ["envoy.overload_actions.*", "overload.refresh_interval_delay"]],
  ["requests pass with filter_enforced below 100 %, and count as rate_limited without enforced", ["*.shadow_mode"]],
  ["a drain counts as downstream_cx_drain_close", ["http.NAME.downstream_cx_http1_soft_drain"]],
  ["absolute and relative targets are both taken", ["http.NAME.downstream_rq_non_relative_path"]],
  ["there is one way to find the client's address", ["http.NAME.downstream_rq_rejected_via_ip_detection"]],
  ["such connections count as downstream_cx_protocol_error", ["http.NAME.downstream_rq_too_many_premature_resets"]],
  ["counted as upstream_internal_redirect_failed_total of the cluster", ["*passthrough_internal_redirect_*"]],
  ["counted as rq_direct_response, which is where Envoy counts redirects of routes too", ["http.NAME.rq_redirect"]],
  [
    "counted as downstream_rq_overload_close",
    ["http.NAME.rq_overload_local_reply", "tcp.NAME.downstream_cx_overload_close"],
  ],
  ["answers have the codec's own limits", ["http.NAME.rs_too_large"]],
  ["faults under way are not limited over all routes", ["http.NAME.fault.active_faults"]],
  ["the admin port is no listener", ["http.admin.*", "listener.admin.*"]],
  ["requests of the proxy itself count under their clusters", ["http.async-client.*"]],
  ["there is one accept for each event", ["listener.NAME.connections_accepted_per_socket_event"]],
  ["a wrong PROXY header is in the log", ["listener.NAME.downstream_listener_filter_error"]],
  ["configuration is complete when it is applied", ["*extension_config_missing"]],
  [
    "listeners are replaced in place and without warming; drained chains are counted",
    [
      "listener_manager.listener_in_place_updated",
      "listener_manager.listener_stopped",
      "listener_manager.total_listeners_warming",
      "listener_manager.workers_pinned",
    ],
  ],
  [
    "of Envoy's threads, hot restart and build",
    [
      "*watchdog*",
      "server.hot_restart_*",
      "server.parent_connections",
      "server.compilation_settings.*",
      "server.debug_assertion_failures",
      "server.envoy_*",
      "server.wip_protos",
      "server.initialization_time_ms",
      "thread_local_cluster_manager.*",
    ],
  ],
  ["unknown fields are refused", ["server.dynamic_unknown_fields", "server.static_unknown_fields"]],
  [
    "names are made when they are asked for, and nothing is flushed",
    ["server.stats_recent_lookups", "server.dropped_stat_flushes"],
  ],
  ["there is no OCSP", ["server.seconds_until_first_ocsp_response_expiring"]],
  [
    "deprecated fields are refused where they are not as good as their successors",
    ["runtime.deprecated_feature_seen_since_process_start", "runtime.deprecated_feature_use"],
  ],
  [
    "connections of TCP proxies stay until they end, and their route is known at once",
    ["tcp.NAME.downstream_cx_drain_close", "tcp.NAME.early_data_received_count_total", "tcp.NAME.route_delayed_total"],
  ],
  ["not measured", ["tls_inspector.bytes_processed", "tls_inspector.client_hello_too_large"]],
];

/** Why there is no such statistic; undefined: there should be one. */
export function whyAbsent(name: string): string | undefined {
  return PATTERNS.find(([, patterns]) => patterns.some((pattern) => pattern.test(name)))?.[0];
}

const PATTERNS = ABSENT_STATS.map(
  ([reason, names]) => [reason, names.map((name) => new RegExp(`^${asExpression(name)}$`))] as const,
);

function asExpression(name: string): string {
  return name.replaceAll(".", "\\.").replaceAll("NAME", ".+").replaceAll("*", ".*");
}
