import { expect } from "bun:test";
import { echoOf, versions } from "./call.ts";
import { both, subsets, type TrafficCase, to, virtualService } from "./traffic-case.ts";

/** What DestinationRules, TCP routes and ServiceEntries do. */
export const upstreamCases: readonly TrafficCase[] = [
  {
    name: "hashed",
    proves: "requests with one value of a header stay with one pod, values are spread",
    resources: subsets(
      "hashed",
      "{loadBalancer: {consistentHash: {httpHeaderName: x-id, ringHash: {minimumRingSize: 512}}}}",
    ),
    async check({ url, call }) {
      const used = new Set<string>();
      // That all of forty go to one of two pods is no chance.
      for (let id = 0; id < 40; id++) {
        const answers = await call({ url: `${url}/`, headers: { "x-id": `user-${id}` } }, 3);
        const pods = new Set(answers.map((answer) => echoOf(answer)?.pod ?? `status ${answer.status}`));
        expect(pods.size).toBe(1);
        for (const pod of pods) used.add(pod);
      }
      expect(used.size).toBeGreaterThan(1);
    },
  },
  {
    name: "hash-cookie",
    proves: "a client without the cookie gets one with its attributes, and with it stays at the pod",
    resources: subsets(
      "hash-cookie",
      "{loadBalancer: {consistentHash: {httpCookie: {name: shop, path: /, ttl: 60s, attributes: [{name: SameSite, value: Strict}, {name: Secure}]}}}}",
    ),
    async check({ url, call }) {
      const [first] = await call({ url: `${url}/` });
      const cookie = first?.headers["set-cookie"] ?? "";
      expect(cookie).toMatch(/^shop="?\w+"?; Max-Age=60; Path=\/; SameSite=Strict; Secure; HttpOnly$/);
      const [pair = ""] = cookie.split(";");
      const pods = (await call({ url: `${url}/`, headers: { cookie: pair } }, 5)).map((answer) => echoOf(answer)?.pod);
      expect(pods).toEqual(Array(5).fill(echoOf(first)?.pod));
    },
  },
  {
    name: "outlier",
    proves: "a pod that fails again and again gets no more requests",
    resources: subsets(
      "outlier",
      "{outlierDetection: {consecutive5xxErrors: 3, interval: 500ms, baseEjectionTime: 60s, maxEjectionPercent: 100}}",
    ),
    async check({ url, call }) {
      await call({ url: `${url}/sick?version=v2` }, 40);
      const after = await call({ url: `${url}/sick?version=v2` }, 30);
      expect(after.map((answer) => answer.status).filter((status) => status !== 200)).toEqual([]);
      expect(versions(after)["v1"]).toBe(30);
    },
  },
  {
    name: "breaker",
    proves: "what exceeds the connection pool is refused at once",
    resources: subsets("breaker", "{connectionPool: {tcp: {maxConnections: 1}, http: {http1MaxPendingRequests: 1}}}"),
    async check({ url, call }) {
      const answers = await call({ url: `${url}/slow?ms=600` }, 12, true);
      const refused = answers.filter((answer) => answer.status === 503);
      expect(refused.length).toBeGreaterThan(3);
      expect(answers.filter((answer) => answer.status === 200).length).toBeGreaterThan(0);
      expect(Math.min(...refused.map((answer) => answer.ms))).toBeLessThan(500);
      expect((await call({ url: `${url}/` }))[0]?.status).toBe(200);
    },
  },
  {
    name: "shift-tcp",
    proves: "connections that are not HTTP are routed by TCP rules",
    resources: both(
      subsets("shift-tcp"),
      virtualService("shift-tcp", `tcp: [{match: [{port: 9000}], route: [${to("shift-tcp", "v2")}]}]`),
    ),
    async check({ call }) {
      const answers = await call({ url: "tcp://shift-tcp:9000" }, 5);
      expect(answers.map((answer) => answer.text)).toEqual(Array.from({ length: 5 }, () => "v2\n"));
    },
  },
  {
    name: "access",
    proves: "the called workload refuses what an AuthorizationPolicy denies to this caller",
    resources: `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: access, namespace: traffic}
spec:
  selector: {matchLabels: {app: echo}}
  action: DENY
  rules:
    - {from: [{source: {namespaces: [traffic]}}], to: [{operation: {ports: ["8080"], paths: ["/forbidden/*"], notMethods: [POST]}}]}
    - {from: [{source: {principals: [cluster.local/ns/other/sa/default]}}], to: [{operation: {ports: ["8080"], paths: ["/others/*"]}}]}
`,
    async check({ url, call }) {
      const [denied] = await call({ url: `${url}/forbidden/a` });
      expect([denied?.status, denied?.text]).toEqual([403, "RBAC: access denied"]);
      expect((await call({ url: `${url}/forbidden/a`, method: "POST" }))[0]?.status).toBe(200);
      expect((await call({ url: `${url}/others/a` }))[0]?.status).toBe(200);
    },
  },
  {
    name: "custom",
    proves: "an external authorizer decides about the requests that an AuthorizationPolicy with action CUSTOM selects",
    // Checks carry no header x-ask, so the authorizer's own sidecar asks nobody.
    resources: `
apiVersion: v1
kind: Service
metadata: {name: asked, namespace: traffic}
spec: {selector: {app: echo}, ports: [{name: http, port: 8000, targetPort: 8080}]}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: custom, namespace: traffic}
spec:
  selector: {matchLabels: {app: echo}}
  action: CUSTOM
  provider: {name: asked}
  rules: [{when: [{key: "request.headers[x-ask]", values: ["*"]}]}]
`,
    async check({ url, call }) {
      const ask = { "x-ask": "yes" };
      const [denied] = await call({ url: `${url}/status/403`, headers: ask });
      expect([denied?.status, echoOf(denied)?.headers["x-asked-by"]]).toEqual([403, "mesh"]);
      const [allowed] = await call({ url: `${url}/status/200`, headers: ask });
      expect([allowed?.status, echoOf(allowed)?.headers["x-asked-by"]]).toEqual([200, undefined]);
      const [unasked] = await call({ url: `${url}/status/403` });
      expect([unasked?.status, echoOf(unasked)?.headers["x-asked-by"]]).toEqual([403, undefined]);
    },
  },
  {
    name: "entry",
    proves: "a ServiceEntry's host is routed to the workloads that it selects",
    resources: `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: entry, namespace: traffic}
spec:
  hosts: [entry.example.com]
  addresses: [10.199.0.1]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP, targetPort: 8080}]
  workloadSelector: {labels: {app: echo, version: v2}}
`,
    async check({ call }) {
      const answers = await call({ url: "http://10.199.0.1/", headers: { host: "entry.example.com" } }, 5);
      expect(versions(answers)).toEqual({ v2: 5 });
      expect(echoOf(answers[0])?.headers["x-forwarded-client-cert"]).toContain("ns/traffic/sa/default");
    },
  },
];
