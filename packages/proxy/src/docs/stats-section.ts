import { HEADER_TO_METADATA_STATS } from "../filters/header-to-metadata-filter.ts";
import { ABSENT_STATS } from "../telemetry/stats/absent.ts";
import {
  CHECK_ROWS,
  CLUSTER_ROWS,
  KEEP_ALIVE_ROWS,
  REMAINING_ROWS,
  TLS_ROWS,
} from "../telemetry/stats/cluster-stats.ts";
import { HTTP_ROWS, ROUTE_ROWS, TCP_ROWS } from "../telemetry/stats/http-stats.ts";
import {
  INSPECTOR_ROWS,
  LISTENER_HTTP_ROWS,
  LISTENER_ROWS,
  LISTENER_TLS_ROWS,
} from "../telemetry/stats/listener-stats.ts";
import { PROCESS_ROWS, SERVER_NAMES } from "../telemetry/stats/process-stats.ts";
import { OUTLIER_KINDS } from "../upstream/outlier-detector.ts";

const names = (rows: readonly (readonly [name: string, ...rest: readonly unknown[]])[]) => rows.map(([name]) => name);

const ANSWERS = ["upstream_rq_<code>", "upstream_rq_<class>xx", "upstream_rq_completed"];

const LAYERED_STATS = [
  "admission_control.*",
  "api_key_auth.*",
  "basic_auth.*",
  "csrf.*",
  "health_check.*",
  "ip_tagging.*",
  "set_metadata.overwrite_denied",
  "stateful_session.*",
];

/** Names by what is in front of them. */
const KEPT: readonly (readonly [prefix: string, note: string, names: readonly string[]])[] = [
  ["cluster.NAME.", "", [...names(CLUSTER_ROWS), ...ANSWERS]],
  [
    "cluster.NAME.",
    "histograms",
    ["upstream_cx_connect_ms", "upstream_cx_length_ms", "upstream_rq_per_cx", "upstream_rq_time"],
  ],
  ["cluster.NAME.{external,internal,canary}.", "once there are such answers", [...ANSWERS, "upstream_rq_time"]],
  ["cluster.NAME.retry.", "answers that were followed by another try", ANSWERS],
  ["cluster.NAME.circuit_breakers.default.", "with `track_remaining`", names(REMAINING_ROWS)],
  ["cluster.NAME.", "with TLS", [...names(TLS_ROWS), "ssl.versions.<version>"]],
  ["cluster.NAME.", "with `connection_keepalive`", names(KEEP_ALIVE_ROWS)],
  ["cluster.NAME.", "with active health checks", names(CHECK_ROWS)],
  [
    "cluster.NAME.outlier_detection.ejections_",
    "with outlier detection",
    [
      "active",
      "overflow",
      "total",
      "enforced_total",
      ...OUTLIER_KINDS.flatMap((kind) => [`detected_${kind}`, `enforced_${kind}`]),
    ],
  ],
  [
    "cluster.NAME.{ratelimit,ext_authz}.",
    "once such a filter decided over a request to it",
    ["ok", "denied", "error", "over_limit", "failure_mode_allowed"],
  ],
  ["http.NAME.", "", names(HTTP_ROWS)],
  ["http.NAME.", "histograms", ["downstream_rq_time", "downstream_cx_length_ms"]],
  [
    "http.NAME.",
    "with the filter",
    [
      "cors.*",
      "fault.*",
      "rbac.*",
      "ext_authz.*",
      "ext_proc.*",
      "jwt_authn.*",
      "compressor.*",
      "decompressor.*",
      "tracing.*",
      ...LAYERED_STATS,
    ],
  ],
  ["NAME.http_local_rate_limit.", "with the filter", ["enabled", "enforced", "rate_limited", "ok"]],
  ["http_filter_name.PREFIX.", "`header_to_metadata` with `stat_prefix`", HEADER_TO_METADATA_STATS],
  ["vhost.NAME.route.NAME.", "routes with `stat_prefix`", [...names(ROUTE_ROWS), ...ANSWERS, "upstream_rq_time"]],
  ["vhost.NAME.vcluster.NAME.", "virtual clusters", [...names(ROUTE_ROWS), ...ANSWERS, "upstream_rq_time"]],
  ["tcp.NAME.", "", names(TCP_ROWS)],
  [
    "listener.ADDRESS_PORT.",
    "",
    [...names(LISTENER_ROWS), "downstream_cx_length_ms", "worker_<number>.downstream_cx_{active,total}"],
  ],
  ["listener.ADDRESS_PORT.", "with TLS", [...names(LISTENER_TLS_ROWS), "ssl.versions.<version>"]],
  ["listener.ADDRESS_PORT.http.NAME.", "", names(LISTENER_HTTP_ROWS)],
  ["tls_inspector.", "connections whose chain depends on their first bytes", names(INSPECTOR_ROWS)],
  ["", "", [...names(PROCESS_ROWS), ...SERVER_NAMES]],
  [
    "",
    "with a discovery server",
    [
      "control_plane.connected_state",
      "cluster_manager.cds.update_{attempt,success,rejected}",
      "listener_manager.lds.update_{attempt,success,rejected}",
    ],
  ],
];

const HEAD = `## Statistics

\`/stats\`, \`/stats/prometheus\` and \`/reset_counters\` of the admin port, under Envoy's names; \`stats_config\` chooses, and makes labels of parts of names.
A test drives the same traffic through Envoy and through this proxy and compares names and values. Differences that remain: who ended a connection
(\`destroy_local\`, \`destroy_remote\`) where both sides do at once; quantiles have no last interval (\`nan\`); with several workers gauges of health are those of
the first; counts of endpoints that active health checks changed are each worker's own. In a sidecar the admin page shows all, and what Prometheus gets
is chosen by \`proxyStatsMatcher\` (Istio's defaults, with Istio's labels).`;

/** The chapter on statistics, from the tables that they are read with. */
export function statsSection(): string {
  const kept = KEPT.map(
    ([prefix, note, list]) => `| \`${prefix || "–"}\` | ${note} | ${list.map((name) => `\`${name}\``).join(" ")} |`,
  );
  const absent = ABSENT_STATS.map(([reason, list]) => `| ${list.map((name) => `\`${name}\``).join(" ")} | ${reason} |`);
  return [
    HEAD,
    ["| names begin with | | and go on with |", "|---|---|---|", ...kept].join("\n"),
    ["| of Envoy's, not kept | because |", "|---|---|", ...absent].join("\n"),
  ].join("\n\n");
}
