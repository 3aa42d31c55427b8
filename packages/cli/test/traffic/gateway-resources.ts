import { createPublicKey } from "node:crypto";
import { createAuthority, createSelfSignedRoot, exportPrivateKey, generateKey } from "@heddle/identity";
import type { KubeObject } from "@heddle/kube-client";
import { envoyFilter, mark } from "./envoy-filter-cases.ts";
import { objectsIn, service } from "./rig.ts";

/** Gateways, their VirtualServices and a certificate, made for this run. */
export interface GatewayResources {
  readonly objects: readonly KubeObject[];
  /** PEM of what signed the certificate. */
  readonly root: string;
}

const resources = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: ingress, namespace: edge}
spec:
  selector: {istio: ingressgateway}
  servers:
    - {port: {number: 80, name: http, protocol: HTTP}, hosts: ["shop.example.com"]}
    - {port: {number: 80, name: redirected, protocol: HTTP}, hosts: ["secure.example.com"], tls: {httpsRedirect: true}}
    - {port: {number: 443, name: https, protocol: HTTPS}, hosts: ["secure.example.com"], tls: {mode: SIMPLE, credentialName: secure-cert}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: edge, namespace: traffic}
spec: {host: edge, subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ingress, namespace: traffic}
spec:
  hosts: [shop.example.com, secure.example.com]
  gateways: [edge/ingress]
  http:
    - {match: [{uri: {prefix: /v2}}], route: [{destination: {host: edge, subset: v2, port: {number: 80}}}]}
    - {route: [{destination: {host: edge, subset: v1, port: {number: 80}}}]}
---
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: ingress, namespace: edge}
spec:
  targetRefs: [{group: networking.istio.io, kind: Gateway, name: ingress}]
  accessLogging: [{providers: [{name: envoy}]}]
${envoyFilter("ef-gateway", [
  {
    applyTo: "HTTP_FILTER",
    context: "GATEWAY",
    match: "listener: {filterChain: {filter: {name: envoy.filters.network.http_connection_manager}}}",
    operation: "INSERT_FIRST",
    value: mark("gateway", "x-gateway"),
  },
])
  .replace("namespace: traffic", "namespace: edge")
  .replace(/^/, "---")}
`;

export async function gatewayResources(): Promise<GatewayResources> {
  const nowMs = Date.now();
  const authority = createAuthority(await createSelfSignedRoot("example.com", nowMs), nowMs);
  if (!authority.ok) throw new Error(JSON.stringify(authority.error));
  const key = await generateKey();
  const names = { dns: ["secure.example.com"] };
  const { chain } = authority.value.issue({ publicKey: createPublicKey(key), names, nowMs });
  const data = (text: string) => Buffer.from(text).toString("base64");
  const secret: KubeObject = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "secure-cert", namespace: "edge" },
    type: "kubernetes.io/tls",
    data: { "tls.crt": data(chain.slice(0, 1).join("")), "tls.key": data(exportPrivateKey(key)) },
  };
  return { objects: [...objectsIn(resources), service("edge", 80), secret], root: authority.value.rootPem };
}
