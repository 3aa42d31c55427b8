import { createPublicKey } from "node:crypto";
import { createAuthority, createSelfSignedRoot, exportPrivateKey, generateKey } from "@heddle/identity";
import type { KubeObject } from "@heddle/kube-client";
import { objectsIn } from "./rig.ts";

/** A namespace without sidecars: one server, reached by its cluster IP (`outside`) or by its own address (`direct`, headless). */
const resources = `
apiVersion: v1
kind: Namespace
metadata: {name: elsewhere}
---
apiVersion: v1
kind: Service
metadata: {name: outside, namespace: elsewhere}
spec:
  selector: {app: outside}
  ports: [{name: a, port: 8080}, {name: b, port: 8443}, {name: c, port: 9000}, {name: d, port: 9001}]
---
apiVersion: v1
kind: Service
metadata: {name: direct, namespace: elsewhere, annotations: {networking.istio.io/exportTo: "~"}}
spec: {clusterIP: None, selector: {app: outside}, ports: [{name: http, port: 9999}]}
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: default, namespace: traffic}
spec: {outboundTrafficPolicy: {mode: REGISTRY_ONLY}}
`;

/** What the cases of `outside-cases.ts` call, and the rule that nothing else outside may be called. */
export async function outsideResources(): Promise<readonly KubeObject[]> {
  const nowMs = Date.now();
  const authority = createAuthority(await createSelfSignedRoot("outside.test", nowMs), nowMs);
  if (!authority.ok) throw new Error(JSON.stringify(authority.error));
  const key = await generateKey();
  const names = { dns: ["secure.outside.test"] };
  const { chain } = authority.value.issue({ publicKey: createPublicKey(key), names, nowMs });
  const pod: KubeObject = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "outside", namespace: "elsewhere", labels: { app: "outside" } },
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [
        {
          name: "outside",
          image: "debian",
          command: ["/opt/heddle/bun", "/opt/heddle/repo/packages/cli/test/traffic/outside-server.ts"],
          env: [
            { name: "TLS_CERT", value: chain.slice(0, 1).join("") },
            { name: "TLS_KEY", value: exportPrivateKey(key) },
          ],
          readinessProbe: { tcpSocket: { port: 9001 }, periodSeconds: 1 },
        },
      ],
    },
  };
  const other = await createSelfSignedRoot("stranger.test", nowMs);
  const roots: KubeObject = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "outside-roots", namespace: "traffic" },
    data: { "root.pem": authority.value.rootPem, "stranger.pem": other.caCert },
  };
  return [...objectsIn(resources), pod, roots];
}
