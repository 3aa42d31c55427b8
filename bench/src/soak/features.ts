import type { SidecarExtras } from "../pair/proxy-config.ts";

const TYPE = "type.googleapis.com/envoy.extensions";

/** What a busy operator would switch on in a sidecar, beside mTLS, routes, retries and standard metrics. `version` makes each update a change. */
export function soakFeatures(role: "client" | "server", version: number, listenerFile: string): SidecarExtras {
  return {
    listenerFile,
    cluster: {
      outlier_detection: { consecutive_5xx: 1000, interval: "1s", base_ejection_time: "1s", max_ejection_percent: 50 },
      ...(role === "server"
        ? {
            health_checks: [
              {
                timeout: "5s",
                interval: "1s",
                unhealthy_threshold: 3,
                healthy_threshold: 1,
                http_health_check: { path: "/health" },
              },
            ],
          }
        : {}),
    },
    manager: {
      stat_prefix: role === "client" ? "outbound_8080" : "inbound_8080",
      server_name: `soak-${version}`,
      stream_idle_timeout: "20s",
      common_http_protocol_options: { idle_timeout: "10s" },
      access_log: [
        {
          name: "envoy.access_loggers.file",
          typed_config: {
            "@type": `${TYPE}.access_loggers.file.v3.FileAccessLog`,
            path: "/dev/null",
            log_format: {
              json_format: {
                start_time: "%START_TIME%",
                path: "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
                code: "%RESPONSE_CODE%",
                flags: "%RESPONSE_FLAGS%",
                duration: "%DURATION%",
                upstream: "%UPSTREAM_HOST%",
              },
            },
          },
        },
      ],
    },
    httpFilters: [
      {
        name: "envoy.filters.http.rbac",
        typed_config: {
          "@type": `${TYPE}.filters.http.rbac.v3.RBAC`,
          rules: {
            action: "DENY",
            policies: {
              admin: { permissions: [{ url_path: { path: { prefix: "/admin" } } }], principals: [{ any: true }] },
            },
          },
        },
      },
      {
        name: "envoy.filters.http.local_ratelimit",
        typed_config: {
          "@type": `${TYPE}.filters.http.local_ratelimit.v3.LocalRateLimit`,
          stat_prefix: "soak",
          token_bucket: { max_tokens: 100_000, tokens_per_fill: 100_000, fill_interval: "1s" },
          filter_enabled: { default_value: { numerator: 100 } },
          filter_enforced: { default_value: { numerator: 100 } },
        },
      },
      {
        name: "envoy.filters.http.fault",
        typed_config: {
          "@type": `${TYPE}.filters.http.fault.v3.HTTPFault`,
          delay: { fixed_delay: "0.020s", percentage: { numerator: 2 } },
        },
      },
    ],
  };
}
