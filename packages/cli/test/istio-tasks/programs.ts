import { createPublicKey } from "node:crypto";
import { createAuthority, createSelfSignedRoot, exportPrivateKey, generateKey } from "@heddle/identity";
import type { KubeObject } from "@heddle/kube-client";
import { objectsIn } from "../traffic/rig.ts";

/** A certificate with its key, both PEM. */
export interface Credential {
  readonly cert: string;
  readonly key: string;
}

/** The root that signs everything of a run. */
export interface Issuer {
  readonly root: string;
  credential(...dns: readonly string[]): Promise<Credential>;
}

export async function createIssuer(name: string): Promise<Issuer> {
  const nowMs = Date.now();
  const authority = createAuthority(await createSelfSignedRoot(name, nowMs), nowMs);
  if (!authority.ok) throw new Error(JSON.stringify(authority.error));
  const ca = authority.value;
  return {
    root: ca.rootPem,
    async credential(...dns) {
      const key = await generateKey();
      const { chain } = ca.issue({ publicKey: createPublicKey(key), names: { dns }, nowMs });
      return { cert: chain.slice(0, 1).join(""), key: exportPrivateKey(key) };
    },
  };
}

/** Secret of a gateway: `tls.crt`, `tls.key`, and with `ca` whom clients have to be from. */
export function secret(name: string, data: Readonly<Record<string, string>>): string {
  const lines = Object.entries(data).map(([key, text]) => `  ${key}: ${Buffer.from(text).toString("base64")}`);
  return `
apiVersion: v1
kind: Secret
metadata: {name: ${name}, namespace: istio-system}
type: ${"tls.crt" in data ? "kubernetes.io/tls" : "Opaque"}
data:
${lines.join("\n")}
`;
}

/** What the tasks need beside Istio's samples; `pods` of them are in namespace `default`. */
export interface Programs {
  readonly objects: readonly KubeObject[];
  readonly pods: number;
}

interface Pod {
  readonly name: string;
  readonly namespace?: string;
  readonly labels: string;
  readonly script: string;
  readonly port: number;
  readonly env?: Readonly<Record<string, string>>;
}

const pod = ({ name, namespace = "default", labels, script, port, env = {} }: Pod): KubeObject => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name, namespace },
  spec: {
    selector: { matchLabels: { deployment: name } },
    template: {
      metadata: { labels: { deployment: name, ...Object.fromEntries(labels.split(",").map((one) => one.split("="))) } },
      spec: {
        terminationGracePeriodSeconds: 1,
        containers: [
          {
            name: "program",
            image: "debian",
            command: ["/opt/heddle/bun", `/opt/heddle/repo/packages/cli/test/traffic/${script}.ts`],
            env: Object.entries({ POD_NAME: name, ...env }).map(([key, value]) => ({ name: key, value })),
            ports: [{ name: "http", containerPort: port }],
            readinessProbe: { tcpSocket: { port }, periodSeconds: 1 },
          },
        ],
      },
    },
  },
});

export const LOCALITIES = ["region1.zone1", "region1.zone2", "region2.zone3"] as const;

/** Names of servers "on the internet", which is namespace `elsewhere`. */
export const OUTSIDE = ["edition.cnn.com", "en.wikipedia.org", "de.wikipedia.org"] as const;

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
  ports: [{name: http, port: 80, targetPort: 8080}, {name: https, port: 443, targetPort: 8443}]
---
apiVersion: v1
kind: Service
metadata: {name: helloworld, namespace: default, labels: {app: helloworld}}
spec:
  selector: {app: helloworld}
  ports: [{name: http, port: 5000, targetPort: 8080}]
---
apiVersion: v1
kind: Service
metadata: {name: counter, namespace: default}
spec:
  selector: {app: counter}
  ports: [{name: http, port: 8000, targetPort: 8080}]
---
apiVersion: v1
kind: Service
metadata: {name: my-nginx, namespace: default}
spec:
  selector: {app: my-nginx}
  ports: [{name: https, port: 443, targetPort: 8443}]
`;

export async function programs(issuer: Issuer): Promise<Programs> {
  const [outside, nginx] = await Promise.all([issuer.credential(...OUTSIDE), issuer.credential("nginx.example.com")]);
  const tls = ({ cert, key }: Credential) => ({ TLS_CERT: cert, TLS_KEY: key });
  const own = [
    pod({ name: "caller", labels: "app=caller,istio-locality=region1.zone1", script: "caller", port: 8090 }),
    pod({ name: "my-nginx", labels: "app=my-nginx", script: "outside-server", port: 8443, env: tls(nginx) }),
    ...LOCALITIES.map((locality) =>
      pod({
        name: `helloworld-${locality.replace(".", "-")}`,
        labels: `app=helloworld,version=${locality},istio-locality=${locality}`,
        script: "echo-server",
        port: 8080,
        env: { VERSION: locality },
      }),
    ),
    ...["v1", "v2"].map((version) =>
      pod({
        name: `counter-${version}`,
        labels: `app=counter,version=${version}`,
        script: "echo-server",
        port: 8080,
        env: { VERSION: version },
      }),
    ),
  ];
  const elsewhere = pod({
    name: "outside",
    namespace: "elsewhere",
    labels: "app=outside",
    script: "outside-server",
    port: 8443,
    env: tls(outside),
  });
  return { objects: [...objectsIn(resources), ...own, elsewhere], pods: own.length };
}
