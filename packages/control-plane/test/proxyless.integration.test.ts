/** gRPC libraries without a proxy against the control plane, which runs without Kubernetes: its mesh is a folder of files. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { Client, credentials, status } from "@grpc/grpc-js";
import { register } from "@grpc/grpc-js-xds";
import { freePort } from "@heddle/std/free-ports";
import { until } from "./clients.ts";
import { type Answer, type Caller, createJavaCaller, createJsCaller, javaCommand } from "./proxyless/callers.ts";
import {
  type Backend,
  type FileMesh,
  istio,
  method,
  pod,
  service,
  startBackend,
  startFileMesh,
} from "./proxyless/mesh.ts";

let mesh: FileMesh;
let backends: readonly Backend[] = [];
const programs: { kill(): void }[] = [];
const callers = new Map<string, Caller>();

const java = javaCommand();
if ("missing" in java) console.log(`grpc-java is skipped: ${java.missing}`);
const withJava = "argv" in java;

const routes = (...http: readonly object[]) =>
  mesh.put("routes", istio("VirtualService", "echo", { hosts: ["echo"], http }));
const to = (subset: string, weight?: number) => ({
  destination: { host: "echo", subset },
  ...(weight === undefined ? {} : { weight }),
});

function callerOf(library: string): Caller {
  const caller = callers.get(library);
  if (caller === undefined) throw new Error(`no caller ${library}`);
  return caller;
}

/** A changed file takes its time to reach the client; what is asked holds in the end. */
async function eventually(
  what: string,
  { call }: Caller,
  target: string,
  headers: Readonly<Record<string, string>>,
  want: Partial<Answer>,
) {
  let last: Answer | undefined;
  await until(
    what,
    async () => {
      last = await call(target, headers);
      return Object.entries(want).every(([key, value]) => last?.[key as keyof Answer] === value);
    },
    25_000,
  ).catch((error) => {
    throw new Error(
      `${error instanceof Error ? error.message : error}; last answer: ${JSON.stringify(last)}; warnings: ${mesh.warnings()}`,
    );
  });
}

beforeAll(async () => {
  mesh = await startFileMesh();
  const one = await startBackend("127.0.0.2", "v1", 0);
  const two = await startBackend("127.0.0.3", "v2", one.port);
  backends = [one, two];
  mesh.put(
    "echo",
    ...service("echo", one.port, ["127.0.0.2", "127.0.0.3"], ["echo-1", "echo-2"]),
    pod("echo-1", "127.0.0.2", { app: "echo", version: "v1" }),
    pod("echo-2", "127.0.0.3", { app: "echo", version: "v2" }),
    istio("DestinationRule", "echo", {
      host: "echo",
      subsets: ["v1", "v2"].map((version) => ({ name: version, labels: { version } })),
    }),
  );
  Object.assign(process.env, mesh.env);
  register();
  callers.set("grpc-js", createJsCaller());
  if ("argv" in java) callers.set("grpc-java", createJavaCaller(java.argv, mesh.env));
});

afterAll(async () => {
  for (const program of programs) program.kill();
  for (const caller of callers.values()) caller.close();
  for (const backend of backends) backend.close();
  await mesh.close();
});

describe.each(["grpc-js", ...(withJava ? ["grpc-java"] : [])])("%s as a client", (library) => {
  const target = "xds:///echo.default.svc.cluster.local:7070";

  test("a service by its full and its short name, over all endpoints", async () => {
    mesh.remove("routes");
    const { call } = callerOf(library);
    for (const name of [target, "xds:///echo:7070"]) {
      const seen = new Set<string>();
      const both = async () => {
        const { code, text } = await call(name);
        return code === status.OK && seen.add(text).size === 2;
      };
      await until("both backends", both, 25_000);
      expect([...seen].sort()).toEqual(["v1", "v2"]);
    }
  }, 60_000);

  test("headers, weights, faults, timeouts and retries of a VirtualService", async () => {
    const caller = callerOf(library);
    const { call } = caller;
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
    await eventually("the fault, and with it the rule", caller, target, { mode: "fault" }, { code: status.NOT_FOUND });
    for (let i = 0; i < 5; i++) expect(await call(target, { user: "canary" })).toEqual({ code: status.OK, text: "v2" });
    for (let i = 0; i < 10; i++) expect(await call(target)).toEqual({ code: status.OK, text: "v1" });
    expect((await call(target, { mode: "slow", "delay-ms": "1500" })).code).toBe(status.DEADLINE_EXCEEDED);
    const [first] = backends;
    if (first === undefined) throw new Error("no backend");
    first.failures = 2;
    expect(await call(target)).toEqual({ code: status.OK, text: "v1" });
    expect(first.failures).toBe(0);
    routes({ route: [to("v2")] });
    await eventually("the changed rule", caller, target, {}, { code: status.OK, text: "v2" });
  }, 60_000);
});

const serverProgram = join(import.meta.dirname, "proxyless/server.mjs");
const servers = [
  { name: "grpc-js in Bun", argv: [process.execPath, serverProgram] },
  { name: "grpc-js in Node", argv: ["node", serverProgram] },
  ...("argv" in java ? [{ name: "grpc-java", argv: java.argv }] : []),
].filter(({ argv }) => Bun.which(argv[0] ?? "") !== null);

describe.each(servers)("$name as a server", ({ name, argv }) => {
  test("mutual TLS with certificates from files, every library calls it; AuthorizationPolicy", async () => {
    const port = freePort();
    const ip = "127.0.0.4";
    const host = name.replaceAll(" ", "-").toLowerCase();
    const target = `xds:///${host}.default.svc.cluster.local:7070`;
    const allow = (account: string) =>
      mesh.put(
        "policy",
        istio("AuthorizationPolicy", "secure", {
          rules: [{ from: [{ source: { principals: [`cluster.local/ns/default/sa/${account}`] } }] }],
        }),
      );
    allow("echo");
    mesh.put(
      "secure",
      ...service(host, port, [ip], [`${host}-1`]),
      pod(`${host}-1`, ip, { app: host }),
      istio("PeerAuthentication", "default", { mtls: { mode: "STRICT" } }),
      istio("DestinationRule", host, { host, trafficPolicy: { tls: { mode: "ISTIO_MUTUAL" } } }),
    );
    const server = Bun.spawn([...argv, String(port)], {
      stdout: "pipe",
      stderr: "inherit",
      env: { ...process.env, ...mesh.env },
    });
    programs.push(server);
    // A client that came first would wait longer after each refused connection.
    const first = await server.stdout.getReader().read();
    expect(new TextDecoder().decode(first.value).trim()).toBe("listening");
    for (const [library, caller] of callers)
      await eventually(`an answer to ${library}`, caller, target, {}, { code: status.OK, text: "sealed" });
    const outside = (["plain text", "no certificate"] as const).map((how) => refused(`${ip}:${port}`, how));
    expect(await Promise.all(outside)).toEqual([true, true]);
    allow("somebody-else");
    for (const [library, caller] of callers)
      await eventually(`the refusal of ${library}`, caller, target, {}, { code: status.PERMISSION_DENIED });
    server.kill();
  }, 90_000);
});

/** Calls from outside of the mesh. */
async function refused(address: string, how: "plain text" | "no certificate"): Promise<boolean> {
  const trusting = credentials.createSsl(null, null, null, { rejectUnauthorized: false });
  const client = new Client(address, how === "plain text" ? credentials.createInsecure() : trusting);
  const bytes = (buffer: Buffer): Buffer => buffer;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  client.makeUnaryRequest(method.path, bytes, bytes, Buffer.from("hi"), { deadline: Date.now() + 2000 }, (error) =>
    resolve(error !== null),
  );
  return promise.finally(() => client.close());
}

/** A ready program: on PATH, or in `HEDDLE_GRPC_GO`, which `npm test` fills (default: ~/.cache/heddle-tools). */
function program(name: string): string | undefined {
  const path = join(process.env["HEDDLE_GRPC_GO"] ?? join(homedir(), ".cache/heddle-tools"), name);
  return Bun.which(name) ?? (existsSync(path) ? path : undefined);
}

const goClient = program("grpc-interop-client");
const goServer = program("grpc-interop-server");
if (goClient === undefined || goServer === undefined)
  console.log(
    "grpc-go is skipped: no grpc-interop-client and grpc-interop-server in HEDDLE_GRPC_GO or on PATH; npm test brings them",
  );

describe.skipIf(goClient === undefined || goServer === undefined)("grpc-go", () => {
  test("interoperability cases through an xds:/// name", async () => {
    const port = freePort();
    programs.push(Bun.spawn([goServer ?? "", "-port", String(port)], { stdout: "ignore", stderr: "ignore" }));
    mesh.put(
      "interop",
      ...service("interop", port, ["127.0.0.1"], ["interop-1"]),
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
            env: { ...process.env, ...mesh.env },
            stdout: "ignore",
            stderr: "pipe",
            timeout: 10_000,
          });
          said = await new Response(run.stderr).text();
          return (await run.exited) === 0;
        },
        20_000,
      ).catch((error) => {
        throw new Error(`${error}; the client said: ${said.slice(-600)}; warnings: ${mesh.warnings()}`);
      });
    }
  }, 60_000);
});
