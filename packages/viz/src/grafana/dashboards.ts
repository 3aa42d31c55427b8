import type { Dashboard, Panel } from "./panel.ts";
import {
  latency,
  quantileOf,
  quantiles,
  rateOf,
  requestRate,
  securedShare,
  successShare,
  tcpBytes,
} from "./queries.ts";

const RECEIVED = 'reporter="destination"';
const SENT = 'reporter="source"';
const NAMESPACE = { name: "namespace", query: "label_values(istio_requests_total, destination_workload_namespace)" };
const WORKLOAD = "destination_workload";

const lines = (title: string, unit: Panel["unit"], ...queries: Panel["queries"]): Panel => ({
  title,
  kind: "timeseries",
  unit,
  queries,
});
const figure = (title: string, unit: Panel["unit"], query: string): Panel => ({
  title,
  kind: "stat",
  unit,
  queries: [["", query]],
  width: 6,
});

function golden(selector: string, label: string): readonly Panel[] {
  const legend = `{{${label}}}`;
  return [
    lines("Requests per second", "reqps", [legend, requestRate(selector, label)]),
    lines("Success rate", "percentunit", [legend, successShare(selector, label)]),
    lines("P95 latency", "ms", [legend, latency(0.95, selector, label)]),
    lines("P99 latency", "ms", [legend, latency(0.99, selector, label)]),
  ];
}

const tcp = (selector: string, label: string): Panel =>
  lines(
    "TCP bytes per second",
    "Bps",
    [`received {{${label}}}`, tcpBytes("received", selector, label)],
    [`sent {{${label}}}`, tcpBytes("sent", selector, label)],
  );

function figures(selector: string): readonly Panel[] {
  return [
    figure("Requests per second", "reqps", requestRate(selector)),
    figure("Success rate", "percentunit", successShare(selector)),
    figure("P99 latency", "ms", latency(0.99, selector)),
    figure("Secured by mutual TLS", "percentunit", securedShare(selector)),
  ];
}

const inNamespace = `${RECEIVED},destination_workload_namespace="$namespace"`;
const ofWorkload = `${inNamespace},destination_workload="$workload"`;
const fromWorkload = `${SENT},source_workload_namespace="$namespace",source_workload="$workload"`;
const ofService = `${RECEIVED},destination_service_namespace="$namespace",destination_service_name="$service"`;

const ROUTE = 'dst="$dst"';
const ROUTE_FAILED = `${ROUTE},classification="failure"`;
const routeRate = (metric: string, selector: string) => rateOf(metric, selector, "rt_route");

/** All of ours; the files under `dashboards/grafana` are written from it. */
export const dashboards: readonly Dashboard[] = [
  {
    uid: "heddle-mesh",
    title: "Heddle / Mesh",
    variables: [],
    panels: [
      ...figures(RECEIVED),
      ...golden(RECEIVED, "destination_workload_namespace"),
      tcp(RECEIVED, "destination_workload_namespace"),
      {
        title: "Workloads by requests",
        kind: "table",
        unit: "reqps",
        queries: [["", `topk(50, ${requestRate(RECEIVED, `destination_workload_namespace, ${WORKLOAD}`)})`]],
      },
    ],
  },
  {
    uid: "heddle-namespace",
    title: "Heddle / Namespace",
    variables: [NAMESPACE],
    panels: [...figures(inNamespace), ...golden(inNamespace, WORKLOAD), tcp(inNamespace, WORKLOAD)],
  },
  {
    uid: "heddle-workload",
    title: "Heddle / Workload",
    variables: [
      NAMESPACE,
      {
        name: "workload",
        query: 'label_values(istio_requests_total{destination_workload_namespace="$namespace"}, destination_workload)',
      },
    ],
    panels: [
      ...figures(ofWorkload),
      lines("Received by caller", "reqps", ["{{source_workload}}", requestRate(ofWorkload, "source_workload")]),
      lines("Received by status", "reqps", [
        "{{response_code}} {{response_flags}}",
        requestRate(ofWorkload, "response_code, response_flags"),
      ]),
      lines("Latency", "ms", ...quantiles(ofWorkload)),
      lines("Success rate by caller", "percentunit", [
        "{{source_workload}}",
        successShare(ofWorkload, "source_workload"),
      ]),
      lines("Sent by Service", "reqps", [
        "{{destination_service_name}}",
        requestRate(fromWorkload, "destination_service_name"),
      ]),
      lines("Success rate of what is sent", "percentunit", [
        "{{destination_service_name}}",
        successShare(fromWorkload, "destination_service_name"),
      ]),
      tcp(ofWorkload, "source_workload"),
      lines(
        "Body bytes per second",
        "Bps",
        ["requests", rateOf("istio_request_bytes_sum", ofWorkload)],
        ["responses", rateOf("istio_response_bytes_sum", ofWorkload)],
      ),
    ],
  },
  {
    uid: "heddle-service",
    title: "Heddle / Service",
    variables: [
      {
        name: "namespace",
        query: "label_values(istio_requests_total, destination_service_namespace)",
      },
      {
        name: "service",
        query:
          'label_values(istio_requests_total{destination_service_namespace="$namespace"}, destination_service_name)',
      },
    ],
    panels: [
      ...figures(ofService),
      ...golden(ofService, WORKLOAD),
      lines("By caller", "reqps", ["{{source_workload}}", requestRate(ofService, "source_workload")]),
      lines("By version", "reqps", ["{{destination_version}}", requestRate(ofService, "destination_version")]),
    ],
  },
  {
    uid: "heddle-route",
    title: "Heddle / Route",
    variables: [{ name: "dst", query: "label_values(route_request_total, dst)" }],
    panels: [
      lines("Requests per second", "reqps", ["{{rt_route}}", routeRate("route_request_total", ROUTE)]),
      lines("With retries", "reqps", ["{{rt_route}}", routeRate("route_actual_request_total", ROUTE)]),
      lines("Success rate", "percentunit", [
        "{{rt_route}}",
        `1 - (${routeRate("route_response_total", ROUTE_FAILED)} or 0 * ${routeRate("route_response_total", ROUTE)}) / (${routeRate("route_response_total", ROUTE)} > 0)`,
      ]),
      lines("P95 latency", "ms", [
        "{{rt_route}}",
        `histogram_quantile(0.95, ${rateOf("route_response_latency_ms_bucket", ROUTE, "le, rt_route")})`,
      ]),
    ],
  },
  {
    uid: "heddle-control-plane",
    title: "Heddle / Control plane",
    variables: [],
    panels: [
      figure("Proxies connected", "short", "sum(pilot_xds)"),
      figure("Services", "short", "max(pilot_services)"),
      figure("Root certificate expires in", "s", "min(citadel_server_root_cert_expiry_seconds)"),
      figure("Certificates issued per second", "reqps", rateOf("citadel_server_success_cert_issuance_count")),
      lines("Pushes per second", "reqps", ["{{type}}", rateOf("pilot_xds_pushes", "", "type")]),
      lines("Refused by proxies", "short", ["{{type}}", "sum by (type) (pilot_total_xds_rejects) or vector(0)"]),
      lines(
        "From a change to all proxies",
        "s",
        ["P50", quantileOf(0.5, "pilot_proxy_convergence_time")],
        ["P99", quantileOf(0.99, "pilot_proxy_convergence_time")],
      ),
      lines("Events", "reqps", ["{{type}} {{event}}", rateOf("pilot_k8s_reg_events", "", "type, event")]),
      lines(
        "Injection",
        "reqps",
        ["injected", rateOf("sidecar_injection_success_total")],
        ["failed", `${rateOf("sidecar_injection_failure_total")} or vector(0)`],
      ),
      lines(
        "Validation",
        "reqps",
        ["passed", `${rateOf("galley_validation_passed")} or vector(0)`],
        ["failed", `${rateOf("galley_validation_failed")} or vector(0)`],
      ),
      lines("Memory", "bytes", ["{{pod}}", 'process_resident_memory_bytes{app="istiod"}']),
      lines("Processor", "short", ["{{pod}}", 'rate(process_cpu_seconds_total{app="istiod"}[$__rate_interval])']),
    ],
  },
];
