import { expect } from "bun:test";
import { connect as http2 } from "node:http2";
import { type ConnectionOptions, connect } from "node:tls";
import { at } from "@heddle/std";
import { settles } from "../settles.ts";
import { createIssuer, type Issuer, secret } from "./programs.ts";
import type { Task, TasksCluster } from "./tasks-cluster.ts";

const gateway = (name: string, servers: string) => `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: ${name}}
spec: {selector: {istio: ingressgateway}, servers: [${servers}]}
`;

const toHttpbin = (name: string, gatewayName: string, hosts: string, rules = "{}") => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ${name}}
spec:
  hosts: [${hosts}]
  gateways: [${gatewayName}]
  http: [{${rules === "{}" ? "" : `match: [${rules}], `}route: [{destination: {host: httpbin, port: {number: 8000}}}]}]
`;

/** Status line and rest of `GET path` over TLS through the gateway. Errors: what TLS complains about. */
function tlsGet(cluster: TasksCluster, host: string, path: string, options: ConnectionOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const target = { host: "127.0.0.1", port: cluster.ingress("https"), servername: host, ...options };
    const socket = connect(target, () => {
      socket.write(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
    });
    socket.setTimeout(5000, () => socket.destroy(new Error("timed out")));
    socket.on("data", (bytes) => {
      text += bytes.toString();
    });
    socket.on("error", reject);
    socket.on("close", () => (text === "" ? reject(new Error("closed without an answer")) : resolve(text)));
  });
}

/** Statuses of requests for several hosts over one HTTP/2 connection that was opened for the first. */
async function coalesced(cluster: TasksCluster, ca: string, hosts: readonly string[]): Promise<readonly number[]> {
  const [servername = ""] = hosts;
  const session = http2(`https://127.0.0.1:${cluster.ingress("https")}`, { ca, servername, ALPNProtocols: ["h2"] });
  try {
    const failed = new Promise<never>((_resolve, reject) => session.once("error", reject));
    const ask = (host: string) =>
      new Promise<number>((resolve, reject) => {
        const request = session.request({ ":path": "/status/200", ":authority": host });
        request.setTimeout(5000, () => reject(new Error(`no answer for ${host}`)));
        request.once("response", (headers) => resolve(Number(headers[":status"])));
        request.once("error", reject);
        request.resume();
        request.end();
      });
    return await Promise.race([failed, Promise.all(hosts.map(ask))]);
  } finally {
    session.destroy();
  }
}

export const ingressTasks = (issuer: Issuer): readonly Task[] => [
  {
    name: "HTTP: hosts and prefixes that are configured, 404 for all others",
    async run(cluster) {
      await cluster.apply(
        gateway("httpbin-gateway", '{port: {number: 80, name: http, protocol: HTTP}, hosts: ["httpbin.example.com"]}'),
        toHttpbin(
          "httpbin",
          "httpbin-gateway",
          "httpbin.example.com",
          "{uri: {prefix: /status}}, {uri: {prefix: /delay}}",
        ),
      );
      const get = async (host: string, path: string) => {
        const url = `http://127.0.0.1:${cluster.ingress("http2")}${path}`;
        return (await fetch(url, { headers: { host }, signal: AbortSignal.timeout(5000) })).status;
      };
      await settles(async () => {
        expect(await get("httpbin.example.com", "/status/202")).toBe(202);
        expect(await get("httpbin.example.com", "/headers")).toBe(404);
        // The application behind host * is still there for others.
        expect(await get("other.example.com", "/productpage")).toBe(200);
      });
    },
  },
  {
    name: "Kubernetes Ingress of class istio: paths and TLS as it says, another class is not read, nothing stays behind",
    async run(cluster) {
      const { cert, key } = await issuer.credential("ingress.example.com");
      const ingress = (name: string, ingressClass: string, host: string, path: string) => `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: ${name}}
spec:
  ingressClassName: ${ingressClass}
  tls: [{hosts: [${host}], secretName: ingress-credential}]
  rules: [{host: ${host}, http: {paths: [{path: ${path}, pathType: Prefix, backend: {service: {name: httpbin, port: {name: http}}}}]}}]
`;
      await cluster.apply(
        secret("ingress-credential", { "tls.crt": cert, "tls.key": key }),
        "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: istio}\nspec: {controller: istio.io/ingress-controller}\n",
        ingress("mine", "istio", "ingress.example.com", "/status"),
        ingress("others", "nginx", "nginx.example.com", "/status"),
      );
      const get = async (host: string, path: string) => {
        const url = `http://127.0.0.1:${cluster.ingress("http2")}${path}`;
        return (await fetch(url, { headers: { host }, signal: AbortSignal.timeout(5000) })).status;
      };
      await settles(async () => {
        expect(await get("ingress.example.com", "/status/202")).toBe(202);
        expect(await tlsGet(cluster, "ingress.example.com", "/status/202", { ca: issuer.root })).toStartWith(
          "HTTP/1.1 202",
        );
      });
      const balancer = async (ref: Parameters<typeof cluster.kube.find>[0]) =>
        at(await cluster.kube.find(ref), "status", "loadBalancer", "ingress");
      const ofIngress = (name: string) =>
        balancer({ apiVersion: "networking.k8s.io/v1", kind: "Ingress", namespace: "default", name });
      await settles(async () => {
        const service = { apiVersion: "v1", kind: "Service", namespace: "istio-system", name: "istio-ingressgateway" };
        expect(await ofIngress("mine")).toEqual([{ ip: expect.any(String) }]);
        expect(await ofIngress("mine")).toEqual(await balancer(service));
      });
      expect(await ofIngress("others")).toBeUndefined();
      expect(await get("ingress.example.com", "/statuses")).toBe(404);
      expect(await get("nginx.example.com", "/status/202")).toBe(404);
      await cluster.undo();
      await settles(async () => expect(await get("ingress.example.com", "/status/202")).toBe(404));
    },
  },
  {
    name: "TLS by credentialName: several hosts, a new certificate without a restart, mutual TLS",
    async run(cluster) {
      const server = await issuer.credential("httpbin.example.com");
      const client = await issuer.credential("client.example.com");
      const tls = (mode: string) =>
        gateway(
          "mygateway",
          `{port: {number: 443, name: https-httpbin, protocol: HTTPS}, tls: {mode: ${mode}, credentialName: httpbin-credential}, hosts: [httpbin.example.com]},
          {port: {number: 443, name: https-hello, protocol: HTTPS}, tls: {mode: SIMPLE, credentialName: hello-credential}, hosts: [hello.example.com]}`,
        );
      const hello = await issuer.credential("hello.example.com");
      await cluster.apply(
        secret("httpbin-credential", { "tls.crt": server.cert, "tls.key": server.key }),
        secret("hello-credential", { "tls.crt": hello.cert, "tls.key": hello.key }),
        tls("SIMPLE"),
        toHttpbin("httpbin", "mygateway", "httpbin.example.com, hello.example.com"),
      );
      const ca = issuer.root;
      const get = (host: string, options: ConnectionOptions = {}) =>
        tlsGet(cluster, host, "/status/418", { ca, ...options });
      await settles(async () => {
        for (const host of ["httpbin.example.com", "hello.example.com"])
          expect(await get(host)).toStartWith("HTTP/1.1 418");
      });
      const renewed = await issuer.credential("httpbin.example.com", "renewed.example.com");
      await cluster.apply(secret("httpbin-credential", { "tls.crt": renewed.cert, "tls.key": renewed.key }));
      const named = (name: string) => ({
        checkServerIdentity: (_host: string, { subjectaltname = "" }) =>
          subjectaltname.includes(name) ? undefined : new Error(subjectaltname),
      });
      await settles(async () => expect(await get("httpbin.example.com", named("renewed"))).toStartWith("HTTP/1.1 418"));
      await cluster.apply(
        secret("httpbin-credential", { "tls.crt": server.cert, "tls.key": server.key, "ca.crt": issuer.root }),
        tls("MUTUAL"),
      );
      const stranger = await (await createIssuer("strangers")).credential("client.example.com");
      await settles(async () => {
        expect(await get("httpbin.example.com", client)).toStartWith("HTTP/1.1 418");
        for (const options of [{}, stranger])
          expect(await get("httpbin.example.com", options).catch((error: unknown) => String(error))).not.toContain(
            "HTTP/1.1",
          );
        expect(await get("hello.example.com")).toStartWith("HTTP/1.1 418");
      });
    },
  },
  {
    name: "without TLS termination: passed through by server name, beside hosts whose TLS ends at the gateway",
    async run(cluster) {
      const server = await issuer.credential("httpbin.example.com");
      await cluster.apply(
        secret("httpbin-credential", { "tls.crt": server.cert, "tls.key": server.key }),
        gateway(
          "mygateway",
          `{port: {number: 443, name: https, protocol: HTTPS}, tls: {mode: PASSTHROUGH}, hosts: [nginx.example.com]},
          {port: {number: 443, name: https-httpbin, protocol: HTTPS}, tls: {mode: SIMPLE, credentialName: httpbin-credential}, hosts: [httpbin.example.com]}`,
        ),
        `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: nginx}
spec:
  hosts: [nginx.example.com]
  gateways: [mygateway]
  tls: [{match: [{port: 443, sniHosts: [nginx.example.com]}], route: [{destination: {host: my-nginx, port: {number: 443}}}]}]
`,
        toHttpbin("httpbin", "mygateway", "httpbin.example.com"),
      );
      const ca = issuer.root;
      await settles(async () => {
        expect(await tlsGet(cluster, "nginx.example.com", "/", { ca })).toContain('"version":"port-8443"');
        expect(await tlsGet(cluster, "httpbin.example.com", "/status/202", { ca })).toStartWith("HTTP/1.1 202");
        await expect(tlsGet(cluster, "nobody.example.com", "/", { ca })).rejects.toThrow();
      });
    },
  },
  {
    name: "one certificate, two gateways, one HTTP/2 connection: 421 for the host of the other, 404 for nobody's",
    async run(cluster) {
      const both = await issuer.credential("*.example.com");
      const server = (host: string) =>
        `{port: {number: 443, name: https, protocol: HTTPS}, tls: {mode: SIMPLE, credentialName: wildcard}, hosts: [${host}]}`;
      await cluster.apply(
        secret("wildcard", { "tls.crt": both.cert, "tls.key": both.key }),
        gateway("first", server("a.example.com")),
        gateway("second", server("b.example.com")),
        toHttpbin("first", "first", "a.example.com"),
        toHttpbin("second", "second", "b.example.com"),
      );
      const hosts = ["a.example.com", "b.example.com", "c.example.com"];
      await settles(async () => {
        expect(await coalesced(cluster, issuer.root, hosts)).toEqual([200, 421, 404]);
        expect(await coalesced(cluster, issuer.root, ["b.example.com", "a.example.com"])).toEqual([200, 421]);
      });
    },
  },
];
