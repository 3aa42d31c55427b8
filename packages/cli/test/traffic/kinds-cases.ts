import { expect } from "bun:test";
import { echoOf, versions } from "./call.ts";
import { both, type TrafficCase } from "./traffic-case.ts";

/** Ports of one Service, each with another way to say what is spoken there; the program behind all is HTTP. */
const spoken = [
  { port: 8701, name: "http-shop", http: true },
  { port: 8702, name: "http2", http: true },
  { port: 8703, name: "tcp-shop", http: false },
  { port: 8704, name: "shop", http: true },
  { port: 8705, name: "tcp-http", appProtocol: "http", http: true },
  { port: 8706, name: "http-tcp", appProtocol: "tcp", http: false },
  { port: 8707, name: "other", appProtocol: "kubernetes.io/h2c", http: true },
] as const;

const text = (object: object) => `\n${JSON.stringify(object)}\n`;

/** Answers requests itself, so that it shows where HTTP rules count. */
const aborts = (name: string, host: string, more = "") => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ${name}, namespace: traffic}
spec:
  hosts: [${host}]
  ${more}
  http: [{fault: {abort: {httpStatus: 418, percentage: {value: 100}}}, route: [{destination: {host: ${host}}}]}]
`;

/** What kinds of Services and ports there are, and whose rules count for them. */
export const kindsCases: readonly TrafficCase[] = [
  {
    name: "spoken",
    proves: "a port's appProtocol, then its name, then what comes decides whether HTTP rules count",
    resources: both(
      text({
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: "spoken-here", namespace: "traffic" },
        spec: {
          selector: { app: "echo" },
          ports: spoken.map(({ http: _http, ...port }) => ({ ...port, targetPort: 8080 })),
        },
      }),
      aborts("spoken-here", "spoken-here"),
    ),
    async check({ call }) {
      for (const { port, http } of spoken) {
        const [answer] = await call({ url: `http://spoken-here:${port}/` });
        expect([port, answer?.status]).toEqual([port, http ? 418 : 200]);
      }
    },
  },
  {
    name: "stateful",
    proves: "a headless Service leads to its pods, a pod's name to this one, with mTLS",
    resources: both(
      text({
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: "set", namespace: "traffic" },
        spec: { clusterIP: "None", selector: { app: "set" }, ports: [{ name: "http", port: 8080 }] },
      }),
      text({
        apiVersion: "apps/v1",
        kind: "StatefulSet",
        metadata: { name: "set", namespace: "traffic" },
        spec: {
          serviceName: "set",
          replicas: 2,
          podManagementPolicy: "Parallel",
          selector: { matchLabels: { app: "set" } },
          template: {
            metadata: { labels: { app: "set" } },
            spec: {
              containers: [
                {
                  name: "echo",
                  image: "debian",
                  command: ["/opt/heddle/bun", "/opt/heddle/repo/packages/cli/test/traffic/echo-server.ts"],
                  env: [{ name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }],
                  readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
                },
              ],
            },
          },
        },
      }),
    ),
    async check({ call }) {
      for (const pod of ["set-0", "set-1"]) {
        const answers = await call({ url: `http://${pod}.set:8080/` }, 5);
        expect(answers.map((answer) => echoOf(answer)?.pod)).toEqual(Array.from({ length: 5 }, () => pod));
        expect(echoOf(answers[0])?.headers["x-forwarded-client-cert"]).toContain("ns/traffic/sa/default");
      }
      // Which one is the caller's choice: its resolver may well keep to one.
      for (const answer of await call({ url: "http://set:8080/" }, 10))
        expect(["set-0", "set-1"]).toContain(echoOf(answer)?.pod ?? `status ${answer.status}`);
    },
  },
  {
    name: "alias",
    proves: "an ExternalName leads to the server outside that it names, and rules for it count",
    resources: both(
      text({
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: "elsewhere", namespace: "traffic" },
        spec: {
          type: "ExternalName",
          externalName: "direct.elsewhere.svc.cluster.local",
          ports: [{ name: "http", port: 8080 }],
        },
      }),
      `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: elsewhere, namespace: traffic}
spec:
  hosts: [elsewhere]
  http:
    - {match: [{uri: {prefix: /ruled}}], directResponse: {status: 418}}
    - {route: [{destination: {host: elsewhere}}]}
`,
    ),
    async check({ call }) {
      expect(versions(await call({ url: "http://elsewhere:8080/" }, 3))).toEqual({ "port-8080": 3 });
      expect((await call({ url: "http://elsewhere:8080/ruled" }))[0]?.status).toBe(418);
    },
  },
  {
    name: "itself",
    proves: "a pod reaches its own Service, through both of its proxy's sides",
    resources: both(
      ...["client", "client-envoy"].map((name) =>
        text({
          apiVersion: "v1",
          kind: "Service",
          metadata: { name, namespace: "traffic" },
          spec: { selector: { app: name }, ports: [{ name: "http", port: 8790, targetPort: 8090 }] },
        }),
      ),
    ),
    async check({ client, call }) {
      const answers = await call({ url: `http://${client}:8790/` }, 3);
      expect(versions(answers)).toEqual({ caller: 3 });
      expect(echoOf(answers[0])?.headers["x-forwarded-client-cert"]).toContain("ns/traffic/sa/default");
    },
  },
  {
    name: "exported",
    proves: "rules of another namespace count where they are exported to, and nowhere else",
    resources: both(
      aborts("exported-not", "exported.traffic.svc.cluster.local", 'exportTo: ["."]').replace(
        "namespace: traffic",
        "namespace: elsewhere",
      ),
      aborts("exported-here", "itself.traffic.svc.cluster.local", "exportTo: [traffic]").replace(
        "namespace: traffic",
        "namespace: elsewhere",
      ),
    ),
    async check({ url, call }) {
      expect((await call({ url: `${url}/` }))[0]?.status).toBe(200);
      const other = url.replace("exported", "itself").replace(/\d+$/, (port) => String(Number(port) - 1));
      expect((await call({ url: `${other}/` }))[0]?.status).toBe(418);
    },
  },
  {
    name: "oldest",
    proves: "of two VirtualServices for one host in the mesh the older counts, whole",
    resources: both(
      `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: oldest-a, namespace: traffic}
spec:
  hosts: [oldest]
  http: [{match: [{uri: {prefix: /a}}], directResponse: {status: 418}}, {route: [{destination: {host: oldest}}]}]
`,
      aborts("oldest-b", "oldest"),
    ),
    async check({ url, call }) {
      expect((await call({ url: `${url}/a` }))[0]?.status).toBe(418);
      expect((await call({ url: `${url}/b` }))[0]?.status).toBe(200);
    },
  },
];
