import type { MetricsRegistry } from "@heddle/std";

/**
 * The control plane's metrics under istiod's names, so that its dashboards and alerts work.
 * Source: Istio `pilot/pkg/xds/monitoring.go`, `security/pkg/server/ca/monitoring.go`, `pkg/kube/inject/monitoring.go`.
 */
export function createTelemetry(metrics: MetricsRegistry) {
  const counter = (name: string, help: string, ...labels: string[]) => {
    const family = metrics.counter({ name, help, labels });
    // Nothing happened is a figure too: panels and alerts need not guess what an absent series means.
    if (labels.length === 0) family.with();
    return family;
  };
  const gauge = (name: string, help: string, ...labels: string[]) => metrics.gauge({ name, help, labels });
  const seconds = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 0.5, 1, 3, 5, 10, 20, 30];
  const histogram = (name: string, help: string, ...labels: string[]) =>
    metrics.histogram({ name, help, labels }, seconds);
  return {
    info: gauge("pilot_info", "Pilot version and build information.", "version"),
    build: gauge("istio_build", "Istio component build info", "component", "tag"),
    uptime: gauge("istiod_uptime_seconds", "Current istiod server uptime in seconds."),
    xds: gauge("pilot_xds", "Number of endpoints connected to this pilot using XDS.", "version"),
    pushes: counter("pilot_xds_pushes", "Pilot build and send errors for lds, rds, cds and eds.", "type"),
    pushTime: histogram(
      "pilot_xds_push_time",
      "Total time in seconds Pilot takes to push lds, rds, cds and eds.",
      "type",
    ),
    queueTime: histogram(
      "pilot_proxy_queue_time",
      "Time in seconds, a proxy is in the push queue before being dequeued.",
    ),
    convergence: histogram(
      "pilot_proxy_convergence_time",
      "Delay in seconds between config change and a proxy receiving all required configuration.",
    ),
    triggers: counter(
      "pilot_push_triggers",
      "Total number of times a push was triggered, labeled by reason for the push.",
      "type",
    ),
    debounce: histogram(
      "pilot_debounce_time",
      "Delay in seconds between the first config enters debouncing and the merged push request is pushed.",
    ),
    inboundUpdates: counter("pilot_inbound_updates", "Total number of updates received by pilot.", "type"),
    registryEvents: counter("pilot_k8s_reg_events", "Events from k8s registry.", "type", "event"),
    configEvents: counter("pilot_k8s_cfg_events", "Events from k8s config.", "type", "event"),
    services: gauge("pilot_services", "Total services known to pilot."),
    configSize: metrics.histogram(
      {
        name: "pilot_xds_config_size_bytes",
        help: "Distribution of configuration sizes pushed to clients.",
        labels: ["type"],
      },
      [1, 10_000, 1_000_000, 4_000_000, 10_000_000, 40_000_000],
    ),
    sendTime: histogram("pilot_xds_send_time", "Time in seconds until a proxy has taken what was written to it."),
    stateTime: histogram(
      "pilot_pushcontext_init_seconds",
      "Total time in seconds Pilot takes to build the state of the mesh that a push is made from.",
    ),
    staleAnswers: counter("pilot_xds_expired_nonce", "Total number of XDS requests with an expired nonce.", "type"),
    largestRequest: gauge("pilot_xds_recv_max", "The maximum size request we have received so far."),
    rejectedConfigs: counter(
      "pilot_total_rejected_configs",
      "Total number of configs that Pilot had to reject or ignore.",
      "type",
      "name",
    ),
    secretErrors: counter(
      "pilot_sds_certificate_errors_total",
      "Total number of failures to fetch SDS key and certificate.",
    ),
    syncErrors: counter("controller_sync_errors_total", "Total number of errors syncing controllers.", "cluster"),
    rejects: counter("pilot_total_xds_rejects", "Total number of XDS responses from pilot rejected by proxy.", "type"),
    rejected: {
      CDS: gauge("pilot_xds_cds_reject", "Pilot rejected CDS configs.", "node", "err"),
      EDS: gauge("pilot_xds_eds_reject", "Pilot rejected EDS.", "node", "err"),
      LDS: gauge("pilot_xds_lds_reject", "Pilot rejected LDS.", "node", "err"),
      RDS: gauge("pilot_xds_rds_reject", "Pilot rejected RDS.", "node", "err"),
    },
    internalErrors: counter("pilot_total_xds_internal_errors", "Total number of internal XDS errors in pilot."),
    denied: counter("pilot_xds_access_denied_total", "Discovery streams that were refused, by reason.", "reason"),
    managedClusters: gauge("istiod_managed_clusters", "Number of clusters managed by istiod", "cluster_type"),
    remoteTimeouts: counter(
      "remote_cluster_sync_timeouts_total",
      "Number of times remote clusters took too long to sync, causing slow startup that excludes remote clusters.",
    ),
    clusterSecrets: counter("remote_cluster_secret_events_total", "Number of remote cluster secret events.", "event"),
    clusterLastSync: gauge(
      "istiod_remote_cluster_last_sync_timestamp_seconds",
      "When a remote cluster was last known to be in sync; 0: never since this control plane started.",
      "cluster_id",
    ),
    clusterSync: gauge(
      "istiod_remote_cluster_sync_status",
      "1 for the state that a remote cluster is in: synced, syncing, timeout or failing.",
      "cluster_id",
      "status",
    ),
    cacheKept: gauge("xds_cache_size", "Current size of xds cache."),
    cacheEvictions: counter("xds_cache_evictions", "Total number of xds cache evictions.", "type"),
    cacheReads: gauge("xds_cache_reads", "Total number of xds cache xdsCacheReads.", "type"),
    csrs: counter("citadel_server_csr_count", "The number of CSRs received by Citadel server."),
    csrParseErrors: counter(
      "citadel_server_csr_parsing_err_count",
      "The number of errors occurred when parsing the CSR.",
    ),
    csrSignErrors: counter(
      "citadel_server_csr_sign_err_count",
      "The number of errors occurred when signing the CSR.",
      "error",
    ),
    idErrors: counter(
      "citadel_server_id_extraction_err_count",
      "The number of errors occurred when extracting the ID from CSR.",
    ),
    authenticationFailures: counter(
      "citadel_server_authentication_failure_count",
      "The number of authentication failures.",
    ),
    issued: counter(
      "citadel_server_success_cert_issuance_count",
      "The number of certificates issuances that have succeeded.",
    ),
    rootExpiry: gauge(
      "citadel_server_root_cert_expiry_timestamp",
      "The unix timestamp, in seconds, when Citadel root cert will expire.",
    ),
    chainExpiry: gauge(
      "citadel_server_cert_chain_expiry_timestamp",
      "The unix timestamp, in seconds, when Citadel cert chain will expire.",
    ),
    rootExpirySeconds: gauge(
      "citadel_server_root_cert_expiry_seconds",
      "The time remaining, in seconds, before Citadel root cert will expire.",
    ),
    chainExpirySeconds: gauge(
      "citadel_server_cert_chain_expiry_seconds",
      "The time remaining, in seconds, before Citadel cert chain will expire.",
    ),
    injections: counter("sidecar_injection_requests_total", "Total number of sidecar injection requests."),
    injected: counter("sidecar_injection_success_total", "Total number of successful sidecar injection requests."),
    injectionFailures: counter("sidecar_injection_failure_total", "Total number of failed sidecar injection requests."),
    injectionSkips: counter("sidecar_injection_skip_total", "Total number of skipped sidecar injection requests."),
    injectionTime: histogram("sidecar_injection_time_seconds", "Total time taken for injection in seconds."),
    validationHttpErrors: counter("galley_validation_http_error", "Resource validation http serve errors.", "status"),
    validationUpdates: counter("galley_validation_config_updates", "k8s webhook configuration updates."),
    validationUpdateErrors: counter(
      "galley_validation_config_update_error",
      "k8s webhook configuration update error.",
      "reason",
    ),
    validationLoadErrors: counter(
      "galley_validation_config_load_error",
      "k8s webhook configuration (re)load error.",
      "reason",
    ),
    patchAttempts: counter("webhook_patch_attempts_total", "Webhook patching attempts.", "name"),
    patchRetries: counter("webhook_patch_retries_total", "Webhook patching retries.", "name"),
    patchFailures: counter("webhook_patch_failures_total", "Webhook patching total failures.", "name", "reason"),
    registrations: counter("auto_registration_success_total", "Total number of successful auto registrations."),
    registrationUpdates: counter("auto_registration_updates_total", "Total number of auto registration updates."),
    unregistrations: counter("auto_registration_unregister_total", "Total number of unregistrations."),
    registrationDeletes: counter(
      "auto_registration_deletes_total",
      "Total number of auto registration cleaned up by periodic timer.",
    ),
    registrationErrors: counter("auto_registration_errors_total", "Total number of auto registration errors."),
    validationPassed: counter("galley_validation_passed", "Resource is valid.", "group", "version", "resource"),
    validationFailed: counter(
      "galley_validation_failed",
      "Resource validation failed.",
      "group",
      "version",
      "resource",
      "reason",
    ),
  };
}

export type Telemetry = ReturnType<typeof createTelemetry>;
