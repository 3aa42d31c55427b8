/** gRPC libraries without a proxy against the control plane, which runs without Kubernetes: its mesh is a folder of files. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createPublicKey } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { Client, credentials, Metadata, Server, ServerCredentials, type ServiceError, status } from "@grpc/grpc-js";
import { register, XdsChannelCredentials } from "@grpc/grpc-js-xds";
import { createAuthority, exportPrivateKey, generateKey } from "@heddle/identity";
import { until } from "./clients.ts";
import { type Started, start } from "./start.ts";

const folder = mkdtempSync(join(tmpdir(), "proxyless-"));
const config = join(folder, "config");
const bytes = (buffer: Buffer): Buffer => buffer;
const method = { path: "/echo.Echo/Say", requestStream: false, responseStream: false } as const;
const echo = {
  say: {
    ...method,
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  },
};
const put = (name: string, ...objects: readonly object[]): void =>
  writeFileSync(join(config, `${name}.yaml`), objects.map((object) => JSON.stringify(object)).join("\n---\n"));

let plane: Started;
let backends: readonly Backend[] = [];

interface Backend {
  readonly server: Server;
  readonly ip: string;
  failures: number;
}

/** A plain gRPC server that answers with its name. */
async function backend(ip: string, name: string, port: number): Promise<Backend & { readonly port: number }> {
  const server = new Server();
  const made = { server, ip, failures: 0 };
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
  const bound = await new Promise<number>((resolve, reject) =>
    server.bindAsync(`${ip}:${port}`, ServerCredentials.createInsecure(), (error, got) =>
      error === null ? resolve(got) : reject(error),
    ),
  );
  return Object.assign(made, { port: bound });
}

const pod = (name: string, ip: string, labels: Readonly<Record<string, string>>) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "default", labels },
  spec: { serviceAccountName: "echo", containers: [{ name: "app" }] },
  status: { phase: "Running", podIP: ip, podIPs: [{ ip }] },
});
const service = (name: string, port: number, ips: readonly string[], targets: readonly string[]) => [
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
const istio = (kind: string, name: string, spec: object) => ({
  apiVersion: `${kind === "PeerAuthentication" || kind === "AuthorizationPolicy" ? "security" : "networking"}.istio.io/v1`,
  kind,
  metadata: { name, namespace: "default" },
  spec,
});
const routes = (...http: readonly object[]) =>
  put("routes", istio("VirtualService", "echo", { hosts: ["echo"], http }));
const to = (subset: string, weight?: number) => ({
  destination: { host: "echo", subset },
  ...(weight === undefined ? {} : { weight }),
});

/** The provider's files, as the agent in a pod keeps them up to date; from the control plane's own CA. */
async function provideCertificate(): Promise<void> {
  const file = (name: string): string => readFileSync(join(folder, "ca", name), "utf8");
  const authority = createAuthority({ caCert: file("ca-cert.pem"), caKey: file("ca-key.pem") }, Date.now());
  if (!authority.ok) throw new Error(JSON.stringify(authority.error));
  const key = await generateKey();
  const names = { uris: ["spiffe://cluster.local/ns/default/sa/echo"] };
  const issued = authority.value.issue({ publicKey: createPublicKey(key), names, nowMs: Date.now() });
  writeFileSync(join(folder, "cert-chain.pem"), issued.chain.join(""));
  writeFileSync(join(folder, "key.pem"), exportPrivateKey(key));
  writeFileSync(join(folder, "root-cert.pem"), plane.discovery.roots);
}

interface Answer {
  readonly code: status;
  readonly text: string;
}

function call(client: Client, headers: Readonly<Record<string, string>> = {}, deadlineMs = 5000): Promise<Answer> {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return new Promise((resolve) => {
    const done = (error: ServiceError | null, reply?: Buffer): void =>
      resolve({ code: error?.code ?? status.OK, text: error?.details ?? String(reply) });
    const deadline = Date.now() + deadlineMs;
    client.makeUnaryRequest(method.path, bytes, bytes, Buffer.from("hi"), metadata, { deadline }, done);
  });
}

const warnings = (): string =>
  JSON.stringify(plane.records.filter(({ level }) => level === "warn" || level === "error"));

/** A changed file takes its time to reach the client; what is asked holds in the end. */
async function eventually(
  what: string,
  client: Client,
  headers: Readonly<Record<string, string>>,
  want: Partial<Answer>,
) {
  let last: Answer | undefined;
  await until(
    what,
    async () => {
      last = await call(client, headers);
      return Object.entries(want).every(([key, value]) => last?.[key as keyof Answer] === value);
    },
    25_000,
  ).catch((error) => {
    throw new Error(
      `${error instanceof Error ? error.message : error}; last answer: ${JSON.stringify(last)}; warnings: ${warnings()}`,
    );
  });
}

beforeAll(async () => {
  mkdirSync(config);
  const one = await backend("127.0.0.2", "v1", 0);
  const two = await backend("127.0.0.3", "v2", one.port);
  backends = [one, two];
  put(
    "echo",
    ...service("echo", one.port, ["127.0.0.2", "127.0.0.3"], ["echo-1", "echo-2"]),
    pod("echo-1", "127.0.0.2", { app: "echo", version: "v1" }),
    pod("echo-2", "127.0.0.3", { app: "echo", version: "v2" }),
    istio("DestinationRule", "echo", {
      host: "echo",
      subsets: ["v1", "v2"].map((version) => ({ name: version, labels: { version } })),
    }),
  );
  plane = await start(["--registries=", "--configDir", config, "--caDir", join(folder, "ca")]);
  await provideCertificate();
  const bootstrap = join(folder, "grpc-bootstrap.json");
  writeFileSync(
    bootstrap,
    JSON.stringify({
      xds_servers: [
        {
          server_uri: `127.0.0.1:${plane.discovery.ports.grpc}`,
          channel_creds: [{ type: "insecure" }],
          server_features: ["xds_v3"],
        },
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
    }),
  );
  process.env["GRPC_XDS_BOOTSTRAP"] = bootstrap;
  register();
});

const programs: { kill(): void }[] = [];

afterAll(async () => {
  for (const program of programs) program.kill();
  for (const { server } of backends) server.forceShutdown();
  await plane.discovery.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("@grpc/grpc-js-xds", () => {
  const clients: Client[] = [];
  const connect = (target: string): Client => {
    const client = new Client(target, credentials.createInsecure());
    clients.push(client);
    return client;
  };
  afterAll(() => {
    for (const client of clients) client.close();
  });

  test("a service by its full and its short name, over all endpoints", async () => {
    for (const name of ["echo.default.svc.cluster.local:7070", "echo:7070"]) {
      const client = connect(`xds:///${name}`);
      const seen = new Set<string>();
      await until("both backends", async () => seen.add((await call(client)).text).size === 2 || undefined, 15_000);
      expect([...seen].sort()).toEqual(["v1", "v2"]);
    }
  });

  test("headers, weights, faults, timeouts and retries of a VirtualService", async () => {
    const client = connect("xds:///echo.default.svc.cluster.local:7070");
    routes(
      { match: [{ headers: { user: { exact: "canary" } } }], route: [to("v2")] },
      {
        match: [{ uri: { prefix: "/echo.Echo/" }, headers: { mode: { regex: "f.*" } } }],
        fault: { abort: { grpcStatus: "NOT_FOUND", percentage: { value: 100 } } },
        route: [to("v1")],
      },
      { match: [{ headers: { mode: { exact: "slow" } } }], timeout: "0.2s", route: [to("v1")] },
      { route: [to("v1", 100), to("v2", 0)], retries: { attempts: 3, retryOn: "unavailable" } },
    );
    await eventually("the fault, and with it the rule", client, { mode: "fault" }, { code: status.NOT_FOUND });
    for (let i = 0; i < 5; i++) expect(await call(client, { user: "canary" })).toEqual({ code: status.OK, text: "v2" });
    for (let i = 0; i < 10; i++) expect(await call(client)).toEqual({ code: status.OK, text: "v1" });
    expect((await call(client, { mode: "slow", "delay-ms": "1500" })).code).toBe(status.DEADLINE_EXCEEDED);
    const [first] = backends;
    if (first === undefined) throw new Error("no backend");
    first.failures = 2;
    expect(await call(client)).toEqual({ code: status.OK, text: "v1" });
    expect(first.failures).toBe(0);
    routes({ route: [to("v2")] });
    await eventually("the changed rule", client, {}, { code: status.OK, text: "v2" });
  });

  test("mutual TLS with certificates from files, both sides; AuthorizationPolicy on the server", async () => {
    const ip = "127.0.0.4";
    const probe = await backend(ip, "probe", 0);
    probe.server.forceShutdown();
    const policy = (account: string) =>
      istio("AuthorizationPolicy", "secure", {
        rules: [{ from: [{ source: { principals: [`cluster.local/ns/default/sa/${account}`] } }] }],
      });
    put(
      "secure",
      ...service("secure", probe.port, [ip], ["secure-1"]),
      pod("secure-1", ip, { app: "secure" }),
      istio("PeerAuthentication", "default", { mtls: { mode: "STRICT" } }),
      istio("DestinationRule", "secure", { host: "secure", trafficPolicy: { tls: { mode: "ISTIO_MUTUAL" } } }),
      policy("echo"),
    );
    const server = Bun.spawn(["node", join(import.meta.dirname, "proxyless-server.mjs"), `${ip}:${probe.port}`], {
      stdout: "pipe",
      stderr: "inherit",
      // In this library RBAC has a switch, which the injector sets.
      env: { ...process.env, GRPC_XDS_EXPERIMENTAL_RBAC: "true" },
    });
    programs.push(server);
    // A client that came first would wait longer after each refused connection.
    const first = await server.stdout.getReader().read();
    expect(new TextDecoder().decode(first.value).trim()).toBe("listening");
    const client = new Client(
      "xds:///secure.default.svc.cluster.local:7070",
      new XdsChannelCredentials(credentials.createInsecure()),
    );
    clients.push(client);
    await eventually("an answer over mutual TLS", client, {}, { code: status.OK, text: "sealed" });
    const plain = connect(`${ip}:${probe.port}`);
    expect((await call(plain, {}, 2000)).code).not.toBe(status.OK);
    put("policy", policy("somebody-else"));
    put(
      "secure",
      ...service("secure", probe.port, [ip], ["secure-1"]),
      pod("secure-1", ip, { app: "secure" }),
      istio("PeerAuthentication", "default", { mtls: { mode: "STRICT" } }),
      istio("DestinationRule", "secure", { host: "secure", trafficPolicy: { tls: { mode: "ISTIO_MUTUAL" } } }),
    );
    await eventually("the refusal", client, {}, { code: status.PERMISSION_DENIED });
  }, 60_000);
});

/** A ready program: on PATH, or in `HEDDLE_TOOLS` (default: ~/.cache/heddle-tools). */
function program(name: string): string | undefined {
  const path = join(process.env["HEDDLE_TOOLS"] ?? join(homedir(), ".cache/heddle-tools"), name);
  return Bun.which(name) ?? (existsSync(path) ? path : undefined);
}

const goClient = program("grpc-interop-client");
const goServer = program("grpc-interop-server");
if (goClient === undefined || goServer === undefined)
  console.log("grpc-go is skipped: no grpc-interop-client and grpc-interop-server in HEDDLE_TOOLS or on PATH");

describe.skipIf(goClient === undefined || goServer === undefined)("grpc-go", () => {
  test("interoperability cases through an xds:/// name", async () => {
    const probe = await backend("127.0.0.1", "probe", 0);
    probe.server.forceShutdown();
    programs.push(Bun.spawn([goServer ?? "", "-port", String(probe.port)], { stdout: "ignore", stderr: "ignore" }));
    put(
      "interop",
      ...service("interop", probe.port, ["127.0.0.1"], ["interop-1"]),
      pod("interop-1", "127.0.0.1", { app: "interop" }),
    );
    for (const one of [
      "empty_unary",
      "large_unary",
      "server_streaming",
      "ping_pong",
      "custom_metadata",
      "status_code_and_message",
    ]) {
      let said = "";
      await until(
        `${one} passes`,
        async () => {
          const argv = [
            "-server_host",
            "xds:///interop.default.svc.cluster.local:7070",
            "-server_port",
            "0",
            "-test_case",
            one,
          ];
          const run = Bun.spawn([goClient ?? "", ...argv], {
            env: process.env,
            stdout: "ignore",
            stderr: "pipe",
            timeout: 10_000,
          });
          said = await new Response(run.stderr).text();
          return (await run.exited) === 0;
        },
        20_000,
      ).catch((error) => {
        throw new Error(`${error}; the client said: ${said.slice(-600)}; warnings: ${warnings()}`);
      });
    }
  }, 60_000);
});
