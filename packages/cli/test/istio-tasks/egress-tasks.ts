import { expect } from "bun:test";
import { settles } from "../settles.ts";
import { echoOf, versions } from "../traffic/call.ts";
import { type Issuer, secret } from "./programs.ts";
import type { Task, TasksCluster } from "./tasks-cluster.ts";

const CNN = "edition.cnn.com";
const EGRESS = "istio-egressgateway.istio-system.svc.cluster.local";
const SERVER = "endpoints: [{address: outside.elsewhere.svc.cluster.local}]";

/** The server outside of the mesh, by one of its names. */
const entry = (name: string, hosts: string, ports: string) => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ${name}}
spec: {hosts: [${hosts}], resolution: DNS, ports: [${ports}], ${SERVER}}
`;
const HTTP = "{number: 80, name: http-port, protocol: HTTP}";
const HTTPS = "{number: 443, name: https, protocol: HTTPS}";
const TLS = "{number: 443, name: tls, protocol: TLS}";

const rule = (name: string, host: string, spec: string) => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: ${name}}
spec: {host: ${host}, ${spec}}
`;
const egressGateway = (hosts: string, server: string) => `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: istio-egressgateway}
spec: {selector: {istio: egressgateway}, servers: [{hosts: [${hosts}], ${server}}]}
`;
/** From the mesh to the gateway, from there on to the host's port. */
const throughGateway = (port: number) => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: direct-cnn-through-egress-gateway}
spec:
  hosts: [${CNN}]
  gateways: [istio-egressgateway, mesh]
  http:
    - {match: [{gateways: [mesh], port: 80}], route: [{destination: {host: ${EGRESS}, subset: cnn, port: {number: 80}}, weight: 100}]}
    - {match: [{gateways: [istio-egressgateway], port: 80}], route: [{destination: {host: ${CNN}, port: {number: ${port}}}, weight: 100}]}
`;
const SUBSET = "subsets: [{name: cnn}]";

async function atGateway(cluster: TasksCluster): Promise<number> {
  const pod = await cluster.pod("istio-egressgateway", undefined, "istio-system");
  return cluster.requests(pod, { response_code: "200" }, "istio-system");
}

/** What the caller is answered, and that each request went through the egress gateway. */
async function expectThroughGateway(cluster: TasksCluster, version: string): Promise<void> {
  const before = await atGateway(cluster);
  const answers = await cluster.call({ url: `http://${CNN}/politics` }, 5);
  expect(versions(answers)).toEqual({ [version]: 5 });
  expect(Object.keys(echoOf(answers[0])?.headers ?? {})).not.toContain("x-envoy-peer-metadata");
  expect((await atGateway(cluster)) - before).toBe(5);
}

export const egressTasks = (issuer: Issuer): readonly Task[] => [
  {
    name: "access: REGISTRY_ONLY lets out to whom a ServiceEntry names; HTTP, HTTPS, and a rule for an outside host",
    async run(cluster) {
      const unknown = { url: "http://outside.elsewhere/", headers: { host: "unknown.example.org" } };
      expect((await cluster.call(unknown))[0]?.status).toBe(200);
      await cluster.apply(
        `
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: default}
spec: {outboundTrafficPolicy: {mode: REGISTRY_ONLY}}
`,
        entry("cnn", CNN, `${HTTP}, ${TLS}`),
      );
      await settles(async () => {
        expect((await cluster.call(unknown))[0]?.status).toBe(502);
        expect(versions(await cluster.call({ url: `http://${CNN}/` }, 3))).toEqual({ "port-8080": 3 });
        const secure = { url: `https://${CNN}/`, ca: issuer.root };
        expect(versions(await cluster.call(secure, 3))).toEqual({ "port-8443": 3 });
      });
      await cluster.apply(`
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: cnn}
spec:
  hosts: [${CNN}]
  http: [{fault: {abort: {httpStatus: 418, percentage: {value: 100}}}, route: [{destination: {host: ${CNN}}}]}]
`);
      await settles(async () => expect((await cluster.call({ url: `http://${CNN}/` }))[0]?.status).toBe(418));
    },
  },
  {
    name: "TLS origination at the sidecar: refused as long as the certificate is nobody's that is trusted",
    async run(cluster) {
      const tls = (more: string) =>
        rule("cnn", CNN, `trafficPolicy: {portLevelSettings: [{port: {number: 80}, tls: {mode: SIMPLE${more}}}]}`);
      await cluster.apply(
        entry("cnn", CNN, `{number: 80, name: http-port, protocol: HTTP, targetPort: 443}, ${HTTPS}`),
        tls(""),
      );
      await settles(async () => expect((await cluster.call({ url: `http://${CNN}/` }))[0]?.status).toBe(503));
      await cluster.apply(tls(", insecureSkipVerify: true"));
      await settles(async () =>
        expect(versions(await cluster.call({ url: `http://${CNN}/` }, 3))).toEqual({ "port-8443": 3 }),
      );
    },
  },
  {
    name: "egress gateway for HTTP",
    async run(cluster) {
      await cluster.apply(
        entry("cnn", CNN, `${HTTP}, ${HTTPS}`),
        egressGateway(CNN, "port: {number: 80, name: http, protocol: HTTP}"),
        rule("egressgateway-for-cnn", EGRESS, SUBSET),
        throughGateway(80),
      );
      await settles(() => expectThroughGateway(cluster, "port-8080"));
    },
  },
  {
    name: "egress gateway with TLS origination: mutual TLS inside, the Secret's CA outside",
    async run(cluster) {
      await cluster.apply(
        secret("cnn-ca", { "ca.crt": issuer.root }),
        entry("cnn", CNN, `${HTTP}, ${HTTPS}`),
        egressGateway(
          CNN,
          "port: {number: 80, name: https-port-for-tls-origination, protocol: HTTPS}, tls: {mode: ISTIO_MUTUAL}",
        ),
        rule(
          "egressgateway-for-cnn",
          EGRESS,
          `subsets: [{name: cnn, trafficPolicy: {portLevelSettings: [{port: {number: 80}, tls: {mode: ISTIO_MUTUAL, sni: ${CNN}}}]}}]`,
        ),
        throughGateway(443),
        rule(
          "originate-tls-for-edition-cnn-com",
          CNN,
          `trafficPolicy: {portLevelSettings: [{port: {number: 443}, tls: {mode: SIMPLE, credentialName: cnn-ca}}]}`,
        ),
      );
      await settles(() => expectThroughGateway(cluster, "port-8443"));
    },
  },
  {
    name: "wildcard hosts through the egress gateway, by server name, unread",
    async run(cluster) {
      await cluster.apply(
        `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: wikipedia}
spec: {hosts: ["*.wikipedia.org"], addresses: [240.240.7.7], ports: [${TLS}], resolution: NONE}
`,
        entry("en-wikipedia", "en.wikipedia.org", TLS),
        egressGateway(
          '"*.wikipedia.org"',
          "port: {number: 443, name: https, protocol: HTTPS}, tls: {mode: PASSTHROUGH}",
        ),
        rule("egressgateway-for-wikipedia", EGRESS, "subsets: [{name: wikipedia}]"),
        `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: direct-wikipedia-through-egress-gateway}
spec:
  hosts: ["*.wikipedia.org"]
  gateways: [mesh, istio-egressgateway]
  tls:
    - {match: [{gateways: [mesh], port: 443, sniHosts: ["*.wikipedia.org"]}], route: [{destination: {host: ${EGRESS}, subset: wikipedia, port: {number: 443}}, weight: 100}]}
    - {match: [{gateways: [istio-egressgateway], port: 443, sniHosts: ["*.wikipedia.org"]}], route: [{destination: {host: en.wikipedia.org, port: {number: 443}}, weight: 100}]}
`,
      );
      const gateway = await cluster.pod("istio-egressgateway", undefined, "istio-system");
      const opened = async () => {
        const text = await cluster.ask(gateway, 15020, "/stats/prometheus", "GET", "istio-system");
        const lines = text.split("\n").filter((line) => line.startsWith("istio_tcp_connections_opened_total{"));
        return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
      };
      await settles(async () => {
        const before = await opened();
        for (const host of ["en.wikipedia.org", "de.wikipedia.org"])
          expect(versions(await cluster.call({ url: `https://${host}/`, ca: issuer.root }))).toEqual({
            "port-8443": 1,
          });
        expect((await opened()) - before).toBeGreaterThanOrEqual(2);
      });
    },
  },
];
