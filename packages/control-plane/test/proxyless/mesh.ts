import { createPublicKey } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Metadata, Server, ServerCredentials, status } from "@grpc/grpc-js";
import { createAuthority, exportPrivateKey, generateKey } from "@heddle/identity";
import { type Started, start } from "../start.ts";

const bytes = (buffer: Buffer): Buffer => buffer;
export const method = { path: "/echo.Echo/Say", requestStream: false, responseStream: false } as const;
const echo = {
  say: {
    ...method,
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  },
};

/** A plain gRPC server that answers with its name. */
export interface Backend {
  readonly port: number;
  /** So many calls are refused first. */
  failures: number;
  close(): void;
}

export async function startBackend(ip: string, name: string, port: number): Promise<Backend> {
  const server = new Server();
  const made = { port: 0, failures: 0, close: () => server.forceShutdown() };
  server.addService(echo, {
    say: (call: { request: Buffer; metadata: Metadata }, answer: (error: object | null, reply?: Buffer) => void) => {
      if (made.failures > 0) {
        made.failures--;
        return answer({ code: status.UNAVAILABLE, details: "not now" });
      }
      const delay = Number(call.metadata.get("delay-ms")[0] ?? 0);
      setTimeout(() => answer(null, Buffer.from(name)), delay);
    },
  });
  made.port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(`${ip}:${port}`, ServerCredentials.createInsecure(), (error, got) =>
      error === null ? resolve(got) : reject(error),
    ),
  );
  return made;
}

export const pod = (name: string, ip: string, labels: Readonly<Record<string, string>>) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "default", labels },
  spec: { serviceAccountName: "echo", containers: [{ name: "app" }] },
  status: { phase: "Running", podIP: ip, podIPs: [{ ip }] },
});

export const service = (name: string, port: number, ips: readonly string[], targets: readonly string[]) => [
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "default" },
    spec: { clusterIP: "10.9.0.1", selector: { app: name }, ports: [{ name: "grpc", port: 7070, targetPort: port }] },
  },
  {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `${name}-1`, namespace: "default", labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    endpoints: ips.map((ip, i) => ({
      addresses: [ip],
      conditions: { ready: true },
      targetRef: { kind: "Pod", name: targets[i], namespace: "default" },
    })),
    ports: [{ name: "grpc", port, protocol: "TCP" }],
  },
];

export const istio = (kind: string, name: string, spec: object) => ({
  apiVersion: `${kind === "PeerAuthentication" || kind === "AuthorizationPolicy" ? "security" : "networking"}.istio.io/v1`,
  kind,
  metadata: { name, namespace: "default" },
  spec,
});

/** A control plane whose mesh is a folder of files, and the environment of a pod beside it. */
export interface FileMesh {
  readonly plane: Started;
  /** What the injector gives the application's container. */
  readonly env: Readonly<Record<string, string>>;
  put(name: string, ...objects: readonly object[]): void;
  remove(name: string): void;
  warnings(): string;
  close(): Promise<void>;
}

export async function startFileMesh(): Promise<FileMesh> {
  const folder = mkdtempSync(join(tmpdir(), "proxyless-"));
  const config = join(folder, "config");
  mkdirSync(config);
  const plane = await start(["--registries=", "--configDir", config, "--caDir", join(folder, "ca")]);
  await provideCertificate(folder, plane.discovery.roots);
  const bootstrap = join(folder, "grpc-bootstrap.json");
  writeFileSync(bootstrap, JSON.stringify(bootstrapOf(folder, plane.discovery.ports.grpc ?? 0)));
  return {
    plane,
    // In grpc-js RBAC has a switch.
    env: { GRPC_XDS_BOOTSTRAP: bootstrap, GRPC_XDS_EXPERIMENTAL_RBAC: "true" },
    put: (name, ...objects) =>
      writeFileSync(join(config, `${name}.yaml`), objects.map((object) => JSON.stringify(object)).join("\n---\n")),
    remove: (name) => rmSync(join(config, `${name}.yaml`), { force: true }),
    warnings: () => JSON.stringify(plane.records.filter(({ level }) => level === "warn" || level === "error")),
    async close() {
      await plane.discovery.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The provider's files, as the agent in a pod keeps them up to date; from the control plane's own CA. */
async function provideCertificate(folder: string, roots: string): Promise<void> {
  const file = (name: string): string => readFileSync(join(folder, "ca", name), "utf8");
  const authority = createAuthority({ caCert: file("ca-cert.pem"), caKey: file("ca-key.pem") }, Date.now());
  if (!authority.ok) throw new Error(JSON.stringify(authority.error));
  const key = await generateKey();
  const names = { uris: ["spiffe://cluster.local/ns/default/sa/echo"] };
  const issued = authority.value.issue({ publicKey: createPublicKey(key), names, nowMs: Date.now() });
  writeFileSync(join(folder, "cert-chain.pem"), issued.chain.join(""));
  writeFileSync(join(folder, "key.pem"), exportPrivateKey(key));
  writeFileSync(join(folder, "root-cert.pem"), roots);
}

/** As the agent writes it for the injector's template `grpc-agent`, but for the server: there it is the agent's socket. */
const bootstrapOf = (folder: string, port: number) => ({
  xds_servers: [
    { server_uri: `127.0.0.1:${port}`, channel_creds: [{ type: "insecure" }], server_features: ["xds_v3"] },
  ],
  node: {
    id: "sidecar~127.0.0.9~client.default~default.svc.cluster.local",
    metadata: { GENERATOR: "grpc", NAMESPACE: "default" },
    locality: {},
  },
  certificate_providers: {
    default: {
      plugin_name: "file_watcher",
      config: {
        certificate_file: join(folder, "cert-chain.pem"),
        private_key_file: join(folder, "key.pem"),
        ca_certificate_file: join(folder, "root-cert.pem"),
        refresh_interval: "1s",
      },
    },
  },
  server_listener_resource_name_template: "xds.istio.io/grpc/lds/inbound/%s",
});
