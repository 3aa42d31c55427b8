import { expect, test } from "bun:test";
import { createMetricsRegistry } from "@heddle/std";
import { registerLinkerdFamilies } from "./linkerd-families.ts";
import { type CountedExchange, type CountedTcp, createLinkerdStats } from "./linkerd-stats.ts";
import { workloadOfMetadata } from "./workload.ts";

const WEB = "spiffe://cluster.local/ns/emojivoto/sa/web";
const VOTING = "spiffe://cluster.local/ns/emojivoto/sa/voting";

function start() {
  const registry = createMetricsRegistry();
  const self = workloadOfMetadata({ WORKLOAD_NAME: "web", NAMESPACE: "emojivoto" });
  const stats = createLinkerdStats({ families: registerLinkerdFamilies(registry), self, localUri: () => WEB });
  return { stats, lines: () => registry.expose().split("\n") };
}

const connection = { direction: "outbound", principal: "", localUri: "", tls: undefined, allowedBy: "" } as const;
const TO_VOTING: CountedExchange = {
  connection,
  upstreamSecure: true,
  upstreamPrincipal: VOTING,
  clusterName: "outbound|8080||voting-svc.emojivoto.svc.cluster.local",
  cluster: {
    config: {
      services: [{ host: "voting-svc.emojivoto.svc.cluster.local", name: "voting-svc", namespace: "emojivoto" }],
    },
  },
  host: {
    workload: {
      workload: "voting",
      namespace: "emojivoto",
      canonicalName: "voting",
      canonicalRevision: "v11",
      cluster: "Kubernetes",
    },
  },
  metadata: undefined,
  request: { authority: "voting-svc.emojivoto:8080" },
  status: 200,
  details: "via_upstream",
  grpc: true,
  grpcStatus: 0,
  startMs: 100,
  firstByteMs: 104.5,
  endMs: 900,
};

test("requests and answers, with Linkerd's labels", () => {
  const { stats, lines } = start();
  stats.onExchangeDone(TO_VOTING);
  stats.onExchangeDone({ ...TO_VOTING, grpcStatus: 2 });
  const labels = `direction="outbound",authority="voting-svc.emojivoto.svc.cluster.local:8080",tls="true",no_tls_reason="",client_id="${WEB}",server_id="${VOTING}",dst_namespace="emojivoto",dst_service="voting-svc",dst_deployment="voting",dst_serviceaccount="voting"`;
  expect(lines()).toContain(`request_total{${labels}} 2`);
  expect(lines()).toContain(`response_total{${labels},status_code="200",classification="success",grpc_status="0"} 1`);
  expect(lines()).toContain(`response_total{${labels},status_code="200",classification="failure",grpc_status="2"} 1`);
  // Until the first byte, not until the end.
  expect(lines()).toContain(`response_latency_ms_bucket{${labels},status_code="200",le="4"} 0`);
  expect(lines()).toContain(`response_latency_ms_bucket{${labels},status_code="200",le="5"} 2`);
});

test("an inbound proxy names itself, and nothing that clients choose", () => {
  const { stats, lines } = start();
  const cluster = { config: { services: [] } };
  const inbound = { ...TO_VOTING, cluster, connection: { ...connection, direction: "inbound" as const }, grpc: false };
  for (let i = 0; i < 500; i++) stats.onExchangeDone({ ...inbound, request: { authority: `h${i}` } });
  expect(lines().filter((line) => line.startsWith("request_total"))).toEqual([
    'request_total{direction="inbound",authority="",tls="no_identity",no_tls_reason="no_tls_from_remote",client_id="",server_id="",dst_namespace="emojivoto",dst_service="",dst_deployment="web",dst_serviceaccount=""} 500',
  ]);
});

test("inbound requests that a policy let through, and those that one refused, by its name", () => {
  const { stats, lines } = start();
  const inbound = { ...TO_VOTING, connection: { ...connection, direction: "inbound" as const } };
  const refused = (policy: string) => ({ ...inbound, details: `rbac_access_denied_matched_policy[${policy}]` });
  const byPolicy = { ...inbound, metadata: new Map([["heddle.allowed_by", "ns[a]-policy[web-may]-rule[1]"]]) };
  for (const record of [
    inbound,
    inbound,
    byPolicy,
    refused("ns[a]-policy[only-web]-rule[0]"),
    refused("none"),
    TO_VOTING,
  ])
    stats.onExchangeDone(record);
  const tls = 'tls="no_identity",no_tls_reason="no_tls_from_remote",client_id="",server_id=""';
  const denied = (by: string) => `inbound_http_authz_deny_total{${tls},${by}} 1`;
  expect(lines().filter((line) => line.startsWith("inbound_http_authz"))).toEqual([
    `inbound_http_authz_allow_total{${tls},authz_group="",authz_kind="",authz_name=""} 2`,
    `inbound_http_authz_allow_total{${tls},authz_group="security.istio.io",authz_kind="authorizationpolicy",authz_name="web-may"} 1`,
    denied('authz_group="security.istio.io",authz_kind="authorizationpolicy",authz_name="only-web"'),
    denied('authz_group="",authz_kind="default",authz_name="deny"'),
  ]);
});

test("authorities of unknown hosts are a limited number", () => {
  const { stats, lines } = start();
  const unknown = { ...TO_VOTING, cluster: undefined, host: undefined, upstreamSecure: false, upstreamPrincipal: "" };
  for (let i = 0; i < 500; i++) stats.onExchangeDone({ ...unknown, request: { authority: `h${i}` } });
  const requests = lines().filter((line) => line.startsWith("request_total"));
  expect(requests.length).toBe(101);
  expect(requests.some((line) => line.includes('authority=""') && line.endsWith(" 400"))).toBe(true);
});

test("TCP: both sides of a connection, open while it lasts", () => {
  const { stats, lines } = start();
  const record: { -readonly [K in keyof CountedTcp]: CountedTcp[K] } = {
    connection,
    upstreamSecure: true,
    upstreamPrincipal: VOTING,
    upstreamLocal: "10.0.0.1:4000",
    bytesReceived: 0,
    bytesSent: 0,
  };
  stats.onTcpOpened(record);
  record.bytesReceived = 10;
  stats.onTcpProgress(record);
  const source = 'direction="outbound",peer="src",tls="no_identity",no_tls_reason="loopback",client_id="",server_id=""';
  const destination = `direction="outbound",peer="dst",tls="true",no_tls_reason="",client_id="${WEB}",server_id="${VOTING}"`;
  expect(lines()).toContain(`tcp_open_connections{${source}} 1`);
  expect(lines()).toContain(`tcp_read_bytes_total{${source}} 10`);
  record.bytesSent = 7;
  stats.onTcpDone(record);
  stats.onTcpDone(record);
  for (const line of [
    `tcp_open_total{${source}} 1`,
    `tcp_close_total{${source},errno=""} 1`,
    `tcp_close_total{${destination},errno=""} 1`,
    `tcp_open_connections{${source}} 0`,
    `tcp_read_bytes_total{${source}} 10`,
    `tcp_write_bytes_total{${source}} 7`,
    `tcp_open_connections{${destination}} 0`,
    `tcp_read_bytes_total{${destination}} 7`,
    `tcp_write_bytes_total{${destination}} 10`,
  ])
    expect(lines()).toContain(line);
  // Its server was never reached.
  stats.onTcpOpened({ ...record, upstreamLocal: "" });
  expect(lines()).toContain(`tcp_open_total{${source}} 2`);
  expect(lines()).toContain(`tcp_open_total{${destination}} 1`);
});

test("inbound connections that a policy let in, and those that one refused; outbound ones are nobody's to refuse", () => {
  const { stats, lines } = start();
  const inbound = { ...connection, direction: "inbound" as const };
  const record = { ...TO_VOTING, connection: inbound, upstreamLocal: "10.0.0.1:4000", bytesReceived: 0, bytesSent: 0 };
  const policy = (name: string) => `ns[a]-policy[${name}]-rule[0]`;
  stats.onTcpOpened({ ...record });
  stats.onTcpOpened({ ...record, connection: { ...inbound, allowedBy: policy("db-may") } });
  stats.onRefused({ ...record }, `rbac_access_denied_matched_policy[${policy("no-db")}]`);
  stats.onRefused({ ...record }, "rbac_access_denied_matched_policy[none]");
  stats.onTcpOpened({ ...record, connection });
  stats.onRefused({ ...record, connection }, "rbac_access_denied_matched_policy[none]");
  const tls = 'tls="no_identity",no_tls_reason="no_tls_from_remote",client_id="",server_id=""';
  const by = (name: string) => `authz_group="security.istio.io",authz_kind="authorizationpolicy",authz_name="${name}"`;
  expect(lines().filter((line) => line.startsWith("inbound_tcp_authz"))).toEqual([
    `inbound_tcp_authz_allow_total{${tls},authz_group="",authz_kind="",authz_name=""} 1`,
    `inbound_tcp_authz_allow_total{${tls},${by("db-may")}} 1`,
    `inbound_tcp_authz_deny_total{${tls},${by("no-db")}} 1`,
    `inbound_tcp_authz_deny_total{${tls},authz_group="",authz_kind="default",authz_name="deny"} 1`,
  ]);
});
