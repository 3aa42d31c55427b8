import type { Sample } from "@heddle/std";

/** Label of the connection manager that a statistic belongs to. */
const PREFIX_LABEL = "envoy_http_conn_manager_prefix";
const ACTIVE = /^envoy_http_(\w+)_downstream_cx_active$/;
const DECIDED = /^envoy_http_(\w+)_rbac$/;

/**
 * Statistics of a sidecar under the names of a plain Envoy. Istio's bootstrap leaves the connection manager's name in that of the metric and makes
 * the decision a label: `envoy_http_inbound_0_0_0_0_8080_rbac{authz_enforce_result="denied"}`.
 */
export function plainMetric(sample: Sample): Sample {
  const active = ACTIVE.exec(sample.name);
  if (active !== null) return named("envoy_http_downstream_cx_active", active[1] ?? "", sample);
  const decided = DECIDED.exec(sample.name);
  if (decided === null || sample.labels.get("authz_enforce_result") !== "denied") return sample;
  return named("envoy_http_rbac_denied", decided[1] ?? "", sample);
}

function named(name: string, prefix: string, sample: Sample): Sample {
  return { ...sample, name, labels: new Map([[PREFIX_LABEL, prefix]]) };
}
