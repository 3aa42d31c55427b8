import { expect, test } from "bun:test";
import { createMetricsRegistry } from "@heddle/std";
import { createLinkerdRoutes, type RoutedRequest, registerLinkerdRoutes } from "./linkerd-routes.ts";

const service = { host: "web-v2.x.svc.cluster.local", name: "web-v2", namespace: "x" };
const ref = (kind: string, name: string) => ({ group: "networking.istio.io", kind, namespace: "x", name });
const request: RoutedRequest = {
  connection: { direction: "outbound" },
  cluster: { config: { services: [service] } },
  clusterName: "outbound|8080||web-v2.x.svc.cluster.local",
  route: {
    host: { name: "web.x.svc.cluster.local:80" },
    route: { metadata: { heddle: { sources: [ref("Service", "web"), ref("VirtualService", "canary")] } } },
  },
  status: 200,
  grpc: false,
  grpcStatus: -1,
  attempts: 1,
  flags: "-",
  startMs: 0,
  endMs: 60,
};
const PARENT =
  'parent_group="core",parent_kind="Service",parent_namespace="x",parent_name="web",parent_port="80",parent_section_name=""';
const ROUTE = 'route_group="networking.istio.io",route_kind="VirtualService",route_namespace="x",route_name="canary"';
const BACKEND =
  'backend_group="core",backend_kind="Service",backend_namespace="x",backend_name="web-v2",backend_port="8080",backend_section_name=""';

function linesOf(...requests: readonly RoutedRequest[]): readonly string[] {
  const registry = createMetricsRegistry();
  const routes = createLinkerdRoutes(registerLinkerdRoutes(registry, { times: 0 }));
  for (const one of requests) routes.onExchangeDone(one);
  return registry.expose().split("\n");
}

test("a request is counted with the Service that was called, the resource that decided, and the Service that answered", () => {
  const lines = linesOf(
    request,
    { ...request, status: 503, attempts: 3, flags: "URX" },
    { ...request, status: 504, flags: "UT" },
  );
  const http = (name: string, labels: string) => `outbound_http_route_${name}{${labels}}`;
  for (const line of [
    `${http("request_statuses_total", `${PARENT},${ROUTE},http_status="200",error=""`)} 1`,
    `${http("request_statuses_total", `${PARENT},${ROUTE},http_status="503",error=""`)} 1`,
    `${http("request_statuses_total", `${PARENT},${ROUTE},http_status="504",error="REQUEST_TIMEOUT"`)} 1`,
    `${http("retry_requests_total", `${PARENT},${ROUTE}`)} 2`,
    `${http("backend_requests_total", `${PARENT},${ROUTE},${BACKEND}`)} 5`,
    `${http("backend_response_statuses_total", `${PARENT},${ROUTE},${BACKEND},http_status="200",error=""`)} 1`,
    `${http("request_duration_seconds_bucket", `${PARENT},${ROUTE},le="0.05"`)} 0`,
    `${http("request_duration_seconds_bucket", `${PARENT},${ROUTE},le="0.5"`)} 3`,
  ])
    expect(lines).toContain(line);
});

test("gRPC has families and words of its own; without a rule the route is the default one", () => {
  const route = { host: { name: "api.example.com:443" }, route: { metadata: {} } };
  const lines = linesOf({ ...request, route, grpc: true, grpcStatus: 4 });
  const parent =
    'parent_group="networking.istio.io",parent_kind="ServiceEntry",parent_namespace="x",parent_name="api.example.com",parent_port="443",parent_section_name=""';
  const undecided = 'route_group="",route_kind="default",route_namespace="",route_name="http"';
  expect(lines).toContain(
    `outbound_grpc_route_request_statuses_total{${parent},${undecided},grpc_status="DEADLINE_EXCEEDED",error=""} 1`,
  );
  expect(lines.filter((line) => line.startsWith("outbound_http_route"))).toEqual([]);
});

test("what is inbound, met no route, or goes nowhere that the mesh knows makes no series", () => {
  const lines = linesOf(
    { ...request, connection: { direction: "inbound" } },
    { ...request, route: undefined },
    { ...request, cluster: undefined },
  );
  expect(lines.filter((line) => line !== "")).toEqual([]);
});
