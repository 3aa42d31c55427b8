import { expect } from "bun:test";
import { echoOf, versions } from "./call.ts";
import { both, type TrafficCase } from "./traffic-case.ts";

const types = "type.googleapis.com/envoy.extensions.filters";

/** A Service of the echo application with a port of its own, so that a patch meets nobody else. */
const service = (name: string, port: number) => `
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: traffic}
spec: {selector: {app: echo}, ports: [{name: http, port: ${port}, targetPort: 8080}, {name: tcp, port: ${port + 50}, targetPort: 9000}]}
`;

/** A filter that leaves its name in the request's header `x-trail`: its place is seen by the application. */
export const mark = (name: string, header = "x-trail") =>
  `{name: ${name}, typed_config: {"@type": ${types}.http.header_mutation.v3.HeaderMutation, mutations: {request_mutations: [{append: {header: {key: ${header}, value: ${name}}, append_action: APPEND_IF_EXISTS_OR_ADD}}]}}}`;

/** A network filter that refuses every connection. */
const refuse = `{name: refuse, typed_config: {"@type": ${types}.network.rbac.v3.RBAC, stat_prefix: refuse, rules: {action: DENY, policies: {all: {permissions: [{any: true}], principals: [{any: true}]}}}}}`;

/** To another port than the one that was called: the server of namespace elsewhere, which names its port. */
const elsewhere = `{name: envoy.filters.network.tcp_proxy, typed_config: {"@type": ${types}.network.tcp_proxy.v3.TcpProxy, stat_prefix: moved, cluster: "outbound|9001||outside.elsewhere.svc.cluster.local"}}`;

/** One of an EnvoyFilter's `configPatches`; `match` and `value` are YAML. */
export interface Patch {
  readonly applyTo: string;
  readonly context?: string;
  readonly match?: string;
  readonly operation: string;
  readonly value?: string;
}

/** Default of a patch's context: SIDECAR_OUTBOUND. */
export function envoyFilter(name: string, patches: readonly Patch[], selector = ""): string {
  const items = patches.map(
    ({ applyTo, context = "SIDECAR_OUTBOUND", match = "", operation, value }) =>
      `    - {applyTo: ${applyTo}, match: {context: ${context}${match === "" ? "" : `, ${match}`}}, patch: {operation: ${operation}${value === undefined ? "" : `, value: ${value}`}}}`,
  );
  return `
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: ${name}, namespace: traffic}
spec:
  ${selector}
  configPatches:
${items.join("\n")}
`;
}

export const subFilter = (port: number, name?: string) =>
  `listener: {portNumber: ${port}, filterChain: {filter: {name: envoy.filters.network.http_connection_manager${name === undefined ? "" : `, subFilter: {name: ${name}}`}}}}`;
const vhost = (host: string, port: number, route = "") =>
  `routeConfiguration: {name: "${port}", vhost: {name: "${host}.traffic.svc.cluster.local:${port}"${route === "" ? "" : `, route: ${route}`}}}`;
const answer = (name: string, path: string, status: number) =>
  `{name: ${name}, match: {path: ${path}}, direct_response: {status: ${status}}}`;
const tcp = (port: number) =>
  `listener: {portNumber: ${port}, filterChain: {filter: {name: envoy.filters.network.tcp_proxy}}}`;

/** Each operation of EnvoyFilters on each kind of object, as traffic shows it. */
export const envoyFilterCases: readonly TrafficCase[] = [
  {
    name: "ef-http-filters",
    proves: "HTTP filters are inserted, added, replaced, merged and removed, in the order that is asked for",
    resources: both(
      service("ef-http", 8801),
      envoyFilter("ef-http", [
        { applyTo: "HTTP_FILTER", match: subFilter(8801), operation: "INSERT_FIRST", value: mark("first") },
        {
          applyTo: "HTTP_FILTER",
          match: subFilter(8801, "envoy.filters.http.router"),
          operation: "INSERT_BEFORE",
          value: mark("last"),
        },
        { applyTo: "HTTP_FILTER", match: subFilter(8801, "first"), operation: "INSERT_AFTER", value: mark("second") },
        { applyTo: "HTTP_FILTER", match: subFilter(8801, "last"), operation: "INSERT_BEFORE", value: mark("doomed") },
        { applyTo: "HTTP_FILTER", match: subFilter(8801, "last"), operation: "INSERT_BEFORE", value: mark("old") },
        { applyTo: "HTTP_FILTER", match: subFilter(8801, "doomed"), operation: "REMOVE" },
        { applyTo: "HTTP_FILTER", match: subFilter(8801, "old"), operation: "REPLACE", value: mark("new") },
        {
          applyTo: "HTTP_FILTER",
          match: subFilter(8801, "second"),
          operation: "MERGE",
          value: mark("merged").replace("name: merged", "name: second"),
        },
      ]),
    ),
    async check({ call }) {
      const [got] = await call({ url: "http://ef-http:8801/" });
      expect(echoOf(got)?.headers["x-trail"]?.replaceAll(" ", "")).toBe("first,second,merged,new,last");
    },
  },
  {
    name: "ef-contexts",
    proves: "contexts: the caller's side, the called side, both; a workload's labels",
    resources: both(
      service("ef-contexts", 8802),
      envoyFilter("ef-inbound", [
        {
          applyTo: "HTTP_FILTER",
          context: "SIDECAR_INBOUND",
          match: subFilter(8080, "envoy.filters.http.router"),
          operation: "INSERT_BEFORE",
          value: mark("inbound", "x-side"),
        },
        {
          applyTo: "HTTP_FILTER",
          context: "ANY",
          match:
            "listener: {filterChain: {filter: {name: envoy.filters.network.http_connection_manager, subFilter: {name: envoy.filters.http.router}}}}",
          operation: "INSERT_BEFORE",
          value: mark("any", "x-any"),
        },
        {
          applyTo: "HTTP_FILTER",
          context: "GATEWAY",
          match: subFilter(8802),
          operation: "INSERT_FIRST",
          value: mark("gateway", "x-side"),
        },
      ]),
      envoyFilter(
        "ef-selected",
        [
          {
            applyTo: "HTTP_FILTER",
            match: subFilter(8802),
            operation: "INSERT_FIRST",
            value: mark("nobody", "x-side"),
          },
        ],
        "workloadSelector: {labels: {app: nobody}}",
      ),
    ),
    async check({ call }) {
      const [got] = await call({ url: "http://ef-contexts:8802/" });
      const { "x-side": side, "x-any": any } = echoOf(got)?.headers ?? {};
      expect(side).toBe("inbound");
      expect(any?.replaceAll(" ", "")).toBe("any,any");
    },
  },
  {
    name: "ef-routes",
    proves: "route configurations, virtual hosts and routes are merged, added, inserted and removed",
    resources: both(
      service("ef-routes", 8803),
      service("ef-unhosted", 8803).replace("8853", "8863"),
      envoyFilter("ef-routes", [
        {
          applyTo: "ROUTE_CONFIGURATION",
          match: 'routeConfiguration: {name: "8803"}',
          operation: "MERGE",
          value: "{request_headers_to_add: [{header: {key: x-config, value: merged}}]}",
        },
        {
          applyTo: "VIRTUAL_HOST",
          match: vhost("ef-routes", 8803),
          operation: "MERGE",
          value: "{request_headers_to_add: [{header: {key: x-host, value: merged}}]}",
        },
        {
          applyTo: "VIRTUAL_HOST",
          match: 'routeConfiguration: {name: "8803"}',
          operation: "ADD",
          value:
            "{name: added, domains: [added.example], routes: [{name: a, match: {prefix: /}, direct_response: {status: 203}}]}",
        },
        { applyTo: "VIRTUAL_HOST", match: vhost("ef-unhosted", 8803), operation: "REMOVE" },
        {
          applyTo: "HTTP_ROUTE",
          match: vhost("ef-routes", 8803),
          operation: "INSERT_FIRST",
          value: answer("ping", "/ping", 201),
        },
        {
          applyTo: "HTTP_ROUTE",
          match: vhost("ef-routes", 8803, "{name: ping}"),
          operation: "INSERT_BEFORE",
          value: answer("before", "/ping", 202),
        },
        {
          applyTo: "HTTP_ROUTE",
          match: vhost("ef-routes", 8803, "{name: ping}"),
          operation: "INSERT_AFTER",
          value: answer("after", "/after", 206),
        },
        {
          applyTo: "HTTP_ROUTE",
          match: vhost("ef-routes", 8803, "{name: before}"),
          operation: "MERGE",
          value: "{direct_response: {status: 418}}",
        },
        {
          applyTo: "HTTP_ROUTE",
          match: vhost("ef-routes", 8803),
          operation: "INSERT_FIRST",
          value: answer("gone", "/after", 500),
        },
        { applyTo: "HTTP_ROUTE", match: vhost("ef-routes", 8803, "{name: gone}"), operation: "REMOVE" },
        {
          applyTo: "HTTP_ROUTE",
          match: vhost("ef-routes", 8803, "{action: ROUTE}"),
          operation: "MERGE",
          value: "{request_headers_to_add: [{header: {key: x-route, value: merged}}]}",
        },
      ]),
    ),
    async check({ call }) {
      const ask = async (path: string, headers = {}) =>
        (await call({ url: `http://ef-routes:8803${path}`, headers }))[0];
      expect((await ask("/ping"))?.status).toBe(418);
      expect((await ask("/after"))?.status).toBe(206);
      expect((await ask("/", { host: "added.example" }))?.status).toBe(203);
      expect(echoOf(await ask("/"))?.headers).toMatchObject({
        "x-config": "merged",
        "x-host": "merged",
        "x-route": "merged",
      });
      expect((await call({ url: "http://ef-unhosted:8803/" }))[0]?.status).toBe(502);
    },
  },
  {
    name: "ef-clusters",
    proves: "clusters are merged (lists added to or replaced), added and removed",
    resources: both(
      service("ef-full", 8804),
      service("ef-gone", 8805),
      envoyFilter("ef-clusters", [
        {
          applyTo: "CLUSTER",
          match: "cluster: {service: ef-full.traffic.svc.cluster.local, portNumber: 8804}",
          operation: "MERGE_AND_REPLACE_LIST",
          value: "{circuit_breakers: {thresholds: [{max_requests: 0}]}}",
        },
        {
          applyTo: "CLUSTER",
          match: "cluster: {service: ef-gone.traffic.svc.cluster.local, portNumber: 8805}",
          operation: "REMOVE",
        },
        {
          applyTo: "CLUSTER",
          operation: "ADD",
          value:
            "{name: ef-added, type: STRICT_DNS, connect_timeout: 5s, load_assignment: {cluster_name: ef-added, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: outside.elsewhere.svc.cluster.local, port_value: 8080}}}}]}]}}",
        },
        {
          applyTo: "HTTP_ROUTE",
          match: vhost("ef-gone", 8805),
          operation: "INSERT_FIRST",
          value: "{name: added, match: {prefix: /added}, route: {cluster: ef-added}}",
        },
      ]),
    ),
    async check({ call }) {
      const [full] = await call({ url: "http://ef-full:8804/" });
      expect([full?.status, full?.headers["x-envoy-overloaded"]]).toEqual([503, "true"]);
      expect((await call({ url: "http://ef-gone:8805/" }))[0]?.status).toBe(503);
      expect(versions(await call({ url: "http://ef-gone:8805/added" }))).toEqual({ "port-8080": 1 });
    },
  },
  {
    name: "ef-listeners",
    proves: "network filters and filter chains are inserted, replaced and removed; listeners added and removed",
    resources: both(
      ...[8806, 8807, 8808, 8809, 8810].map((port) => service(`ef-tcp-${port}`, port)),
      envoyFilter("ef-listeners", [
        { applyTo: "NETWORK_FILTER", match: tcp(8856), operation: "INSERT_BEFORE", value: refuse },
        { applyTo: "NETWORK_FILTER", match: tcp(8857), operation: "INSERT_FIRST", value: refuse },
        {
          applyTo: "NETWORK_FILTER",
          match: "listener: {portNumber: 8857, filterChain: {filter: {name: refuse}}}",
          operation: "REMOVE",
        },
        { applyTo: "NETWORK_FILTER", match: tcp(8858), operation: "REPLACE", value: elsewhere },
        { applyTo: "FILTER_CHAIN", match: "listener: {portNumber: 8859}", operation: "REMOVE" },
        {
          applyTo: "FILTER_CHAIN",
          match: "listener: {portNumber: 8859}",
          operation: "ADD",
          value: `{name: added, filters: [${elsewhere}]}`,
        },
        { applyTo: "LISTENER", match: "listener: {portNumber: 8860}", operation: "REMOVE" },
        {
          applyTo: "LISTENER",
          operation: "ADD",
          value: `{name: ef-added, address: {socket_address: {address: 127.0.0.1, port_value: 8899}}, filter_chains: [{filters: [${elsewhere}]}]}`,
        },
      ]),
    ),
    async check({ call }) {
      const said = async (host: string, port: number) => (await call({ url: `tcp://${host}:${port}` }))[0]?.text ?? "";
      expect(await said("ef-tcp-8806", 8856)).not.toMatch(/v\d/);
      expect(await said("ef-tcp-8807", 8857)).toMatch(/^v\d\n$/);
      expect(await said("ef-tcp-8808", 8858)).toBe("outside 9001\n");
      expect(await said("ef-tcp-8809", 8859)).toBe("outside 9001\n");
      expect(await said("ef-tcp-8810", 8860)).not.toMatch(/v\d/);
      expect(await said("127.0.0.1", 8899)).toBe("outside 9001\n");
    },
  },
];
