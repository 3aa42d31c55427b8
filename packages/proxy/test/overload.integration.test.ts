/** A proxy at its limits says so and lives: 503 with a reason, closed ports, connections above the limit closed; and it recovers. */
import { afterAll, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "@heddle/std/free-ports";
import { cluster, httpFilterChain, type Json, listener } from "./rig/bootstrap.ts";
import { eventually } from "./rig/eventually.ts";
import { type Origin, startOrigin } from "./rig/origin.ts";
import { type ProxyProcess, startProxy } from "./rig/proxy-process.ts";
import { connectRaw } from "./rig/raw-client.ts";

setDefaultTimeout(60_000);
const MONITORS = "type.googleapis.com/envoy.extensions.resource_monitors";
const [web = 0, adminPort = 0] = freePorts(2);
const folder = mkdtempSync(join(tmpdir(), "heddle-overload-"));
const pressureFile = join(folder, "pressure");
const logFile = join(folder, "access.log");
let origin: Origin;
let proxy: ProxyProcess;

const action = (name: string, monitor: string, value: number): Json => ({
  name: `envoy.overload_actions.${name}`,
  triggers: [{ name: monitor, threshold: { value } }],
});

const bootstrap = (overload: Json): Json => ({
  overload_manager: { refresh_interval: "0.05s", ...overload },
  static_resources: {
    clusters: [cluster("web", [origin.port], "http1")],
    listeners: [
      listener("web", web, [
        httpFilterChain("web", {
          access_log: [
            {
              name: "envoy.access_loggers.file",
              typed_config: {
                "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
                path: logFile,
                log_format: {
                  text_format_source: {
                    inline_string: "%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%\n",
                  },
                },
              },
            },
          ],
        }),
      ]),
    ],
  },
});

beforeAll(async () => {
  origin = await startOrigin(({ socket }) => void socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"));
  writeFileSync(pressureFile, "0");
  const injected = "envoy.resource_monitors.injected_resource";
  proxy = await startProxy({
    engine: "heddle",
    adminPort,
    bootstrap: bootstrap({
      resource_monitors: [
        {
          name: injected,
          typed_config: { "@type": `${MONITORS}.injected_resource.v3.InjectedResourceConfig`, filename: pressureFile },
        },
        {
          name: "envoy.resource_monitors.global_downstream_max_connections",
          typed_config: {
            "@type": `${MONITORS}.downstream_connections.v3.DownstreamConnectionsConfig`,
            max_active_downstream_connections: 5,
          },
        },
      ],
      actions: [
        action("shrink_heap", injected, 0.7),
        action("disable_http_keepalive", injected, 0.8),
        action("stop_accepting_requests", injected, 0.9),
        action("stop_accepting_connections", injected, 0.95),
      ],
    }),
  });
});

afterAll(async () => {
  await proxy?.stop();
  origin?.close();
  rmSync(folder, { recursive: true });
});

beforeEach(() => pressure(0));

async function stats(): Promise<ReadonlyMap<string, number>> {
  const text = await (await proxy.admin("/stats")).text();
  return new Map(
    text.split("\n").map((line): [string, number] => {
      const at = line.lastIndexOf(": ");
      return [line.slice(0, at), Number(line.slice(at + 2))];
    }),
  );
}

async function pressure(value: number): Promise<void> {
  writeFileSync(pressureFile, String(value));
  await eventually(
    `the pressure is ${value}`,
    async () =>
      (await stats()).get("overload.envoy.resource_monitors.injected_resource.pressure") === Math.round(value * 100),
  );
}

const GET = "GET /some/path HTTP/1.1\r\nhost: a\r\n\r\n";

/** The answer over a fresh connection. */
async function ask(extra = ""): Promise<string> {
  const client = await connectRaw(web);
  try {
    client.send(GET.replace("\r\n\r\n", `\r\n${extra}\r\n`));
    return await client.until((r) => {
      const [head = "", body = ""] = r.split("\r\n\r\n");
      return /content-length: (\d+)/.exec(head)?.[1] === String(body.length);
    });
  } finally {
    client.close();
  }
}

test("keep-alive ends first: answers come, their connections close", async () => {
  await pressure(0.85);
  const client = await connectRaw(web);
  client.send(GET);
  const text = await client.ended();
  expect(text).toStartWith("HTTP/1.1 200");
  expect(text).toContain("connection: close");
  const counted = await stats();
  expect(counted.get("http.web.downstream_cx_overload_disable_keepalive")).toBe(1);
  expect(counted.get("overload.envoy.overload_actions.shrink_heap.shrink_count")).toBeGreaterThanOrEqual(1);
});

test("then requests are refused with 503 and the flag OM, for gRPC with its own status; afterwards all is well", async () => {
  const before = origin.heads.length;
  const old = await connectRaw(web);
  old.send(GET);
  await old.until((r) => r.endsWith("ok"));
  await pressure(0.92);
  old.send(GET);
  const second = (await old.ended()).split("ok")[1] ?? "";
  expect(second).toStartWith("HTTP/1.1 503");
  expect(second).toEndWith("envoy overloaded");
  expect(await ask("content-type: application/grpc\r\n")).toMatch(
    /grpc-status: 14\r\n.*grpc-message: envoy overloaded/s,
  );
  expect(origin.heads.length).toBe(before + 1);
  expect((await stats()).get("http.web.downstream_rq_overload_close")).toBe(2);
  await eventually("the access log", async () =>
    (await Bun.file(logFile).text()).includes("/some/path 503 OM overload\n"),
  );
  await pressure(0.1);
  expect(await ask()).toEndWith("ok");
});

test("a request that was under way finishes; a body that comes with a refused one does not disturb", async () => {
  await pressure(0.92);
  const client = await connectRaw(web);
  client.send(`POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n${"x".repeat(1000)}`);
  expect(await client.ended()).toStartWith("HTTP/1.1 503");
});

test("then the port closes, and opens again", async () => {
  const open = await connectRaw(web);
  await pressure(1);
  await eventually("new connections are refused", () =>
    connectRaw(web).then(
      (client) => void client.close(),
      () => true,
    ),
  );
  await pressure(0);
  await eventually("they are taken again", async () => (await ask()).endsWith("ok"));
  // Who was connected stays.
  open.send(GET);
  await open.until((r) => r.endsWith("ok"));
  open.close();
});

test("connections above the limit are closed at once, and places become free again", async () => {
  await eventually("nobody is connected", async () => (await stats()).get("http.web.downstream_cx_active") === 0);
  const clients = await Promise.all(Array.from({ length: 5 }, () => connectRaw(web)));
  for (const client of clients) client.send(GET);
  for (const client of clients) await client.until((r) => r.endsWith("ok"));
  const sixth = await connectRaw(web);
  await sixth.ended();
  expect(sixth.received()).toBe("");
  expect((await stats()).get(`listener.127.0.0.1_${web}.downstream_global_cx_overflow`)).toBe(1);
  clients[0]?.close();
  await eventually("a place", async () => (await ask()).endsWith("ok"));
  for (const client of clients) client.close();
});

test("a real limit on memory: below what the process has, every request is refused, and the process lives", async () => {
  await proxy.stop();
  const heap = "envoy.resource_monitors.fixed_heap";
  const limited = (bytes: number) =>
    startProxy({
      engine: "heddle",
      adminPort,
      bootstrap: bootstrap({
        resource_monitors: [
          {
            name: heap,
            typed_config: { "@type": `${MONITORS}.fixed_heap.v3.FixedHeapConfig`, max_heap_size_bytes: bytes },
          },
        ],
        actions: [action("stop_accepting_requests", heap, 0.95)],
      }),
    });
  proxy = await limited(8_000_000);
  await eventually("a refusal", async () => (await ask()).startsWith("HTTP/1.1 503"));
  expect((await proxy.admin("/ready")).status).toBe(200);
  await proxy.stop();
  proxy = await limited(4_000_000_000);
  expect(await ask()).toEndWith("ok");
});
