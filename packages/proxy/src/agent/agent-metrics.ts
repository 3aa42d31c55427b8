import type { Clock, MetricsRegistry } from "@heddle/std";
import { speaksLinkerd } from "../telemetry/dialect.ts";
import type { StreamTraffic } from "../xds/discovery-stream.ts";
import type { WorkloadCertificate } from "./workload-certificate.ts";

export interface AgentMetricsDeps {
  readonly registry: MetricsRegistry;
  readonly clock: Clock;
  readonly certificate: Pick<WorkloadCertificate, "current" | "asked">;
  /** `host:port` of who signs, and of who configures. */
  readonly addresses: { readonly authority: string; readonly discovery: string };
  /** What went over our own discovery stream; undefined before it, and where Envoy has one of its own. */
  discovery(): StreamTraffic | undefined;
  variable(name: string): string | undefined;
}

export interface AgentMetrics {
  /** The same answer; the first one without a reason is the end of the start. */
  watchReady(notReady: () => string | undefined): () => string | undefined;
}

/** What an agent counts of itself under pilot-agent's names, and under linkerd2-proxy's where that dialect is asked for. Source: istio pkg/istio-agent/metrics, security/pkg/nodeagent/cache. */
export function registerAgentMetrics(deps: AgentMetricsDeps): AgentMetrics {
  const { registry, clock, certificate } = deps;
  const gauge = (name: string, help: string, labels: readonly string[] = []) => registry.gauge({ name, help, labels });
  const counter = (name: string, help: string, labels: readonly string[] = []) =>
    registry.counter({ name, help, labels });
  const expiry = gauge("istio_agent_cert_expiry_seconds", "Seconds until the workload's certificate expires.", [
    "resource_name",
  ]).with("default");
  const ofSigning = ["request_type"];
  const asked = counter("istio_agent_num_outgoing_requests", "Requests for a certificate.", ofSigning).with("csr");
  const failed = counter(
    "istio_agent_num_failed_outgoing_requests",
    "Requests for a certificate that failed.",
    ofSigning,
  ).with("csr");
  const latency = counter("istio_agent_outgoing_latency", "Time spent waiting for certificates. Units: ms.", ofSigning);
  const sent = counter("istio_agent_xds_proxy_requests", "Discovery requests to the control plane.").with();
  const received = counter("istio_agent_xds_proxy_responses", "Discovery responses of the control plane.").with();
  const startup = gauge("istio_agent_startup_duration_seconds", "Time from the process's start until it was ready.");
  const linkerd = speaksLinkerd(deps.variable) ? registerLinkerd(deps) : undefined;
  const startedMs = clock.monotonic();
  registry.onCollect(() => {
    expiry.value = ((certificate.current?.notAfterMs ?? clock.now()) - clock.now()) / 1000;
    asked.value = certificate.asked.times;
    failed.value = certificate.asked.failed;
    latency.with("csr").value = certificate.asked.waitedMs;
    const traffic = deps.discovery();
    sent.value = traffic?.requests ?? 0;
    received.value = traffic?.responses ?? 0;
    linkerd?.();
  });
  let ready = false;
  return {
    watchReady: (notReady) => () => {
      const reason = notReady();
      if (reason === undefined && !ready) {
        ready = true;
        startup.with().value = (clock.monotonic() - startedMs) / 1000;
      }
      return reason;
    },
  };
}

/** Gives what brings the values up to date. A stream counts as one request, answered when something came over it. Source: linkerd2-proxy. */
function registerLinkerd({ registry, certificate, addresses, discovery }: AgentMetricsDeps): () => void {
  const expires = registry.gauge({
    name: "identity_cert_expiration_timestamp_seconds",
    help: "When the workload's certificate expires, in seconds since 1970.",
  });
  const refreshed = registry.counter({ name: "identity_cert_refresh_count", help: "Certificates that were issued." });
  const requests = registry.counter({
    name: "control_request_total",
    help: "Requests to the control plane.",
    labels: ["addr", "direction"],
  });
  const responses = registry.counter({
    name: "control_response_total",
    help: "Responses of the control plane.",
    labels: ["addr", "direction", "classification"],
  });
  return () => {
    const { times, failed } = certificate.asked;
    expires.with().value = (certificate.current?.notAfterMs ?? 0) / 1000;
    refreshed.with().value = times - failed;
    const asked = new Map([[addresses.authority, { requests: times, success: times - failed, failure: failed }]]);
    const streams = discovery();
    if (streams !== undefined) {
      const same = asked.get(addresses.discovery) ?? { requests: 0, success: 0, failure: 0 };
      asked.set(addresses.discovery, {
        requests: same.requests + streams.opened,
        success: same.success + streams.answered,
        failure: same.failure + streams.lost,
      });
    }
    for (const [addr, { requests: made, success, failure }] of asked) {
      requests.with(addr, "outbound").value = made;
      responses.with(addr, "outbound", "success").value = success;
      responses.with(addr, "outbound", "failure").value = failure;
    }
  };
}
