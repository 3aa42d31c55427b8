import { afterAll, beforeAll, expect, test } from "bun:test";
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from "@grpc/grpc-js";
import { freePorts } from "@heddle/std/free-ports";
import { eventually } from "./rig/eventually.ts";
import { type ProxyProcess, startProxy } from "./rig/proxy-process.ts";

/** Active health checks of all three kinds, and outlier detection. */
const [listen = 0, admin = 0, dead = 0] = freePorts(3);
const EXT = "type.googleapis.com/envoy.extensions";
const answers = { health: 200, traffic: 200 };
let proxy: ProxyProcess;
let good: ReturnType<typeof Bun.serve>;
let other: ReturnType<typeof Bun.serve>;
let echo: Bun.TCPSocketListener<undefined>;
let grpc: Server;

async function startHealthService(): Promise<number> {
  const pass = (bytes: Buffer) => bytes;
  grpc = new Server();
  grpc.addService(
    {
      check: {
        path: "/grpc.health.v1.Health/Check",
        requestStream: false,
        responseStream: false,
        requestSerialize: pass,
        requestDeserialize: pass,
        responseSerialize: pass,
        responseDeserialize: pass,
      },
    },
    {
      // SERVING for the service "x" only.
      check: (call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>) =>
        reply(null, Buffer.from(call.request.toString("hex") === "0a0178" ? [8, 1] : [8, 2])),
    },
  );
  return new Promise((resolve, reject) =>
    grpc.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    ),
  );
}

const timing = {
  timeout: "10s",
  interval: "0.2s",
  no_traffic_interval: "0.2s",
  unhealthy_threshold: 1,
  healthy_threshold: 1,
};

function cluster(name: string, ports: readonly number[], fields: Record<string, unknown>): Record<string, unknown> {
  const endpoints = ports.map((port) => ({
    endpoint: { address: { socket_address: { address: "127.0.0.1", port_value: port } } },
  }));
  return {
    name,
    type: "STATIC",
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: endpoints }] },
    ...fields,
  };
}

beforeAll(async () => {
  good = Bun.serve({ hostname: "127.0.0.1", port: 0, idleTimeout: 0, fetch: () => new Response("good") });
  other = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    fetch: (request) =>
      new Response("other", { status: request.url.endsWith("/health") ? answers.health : answers.traffic }),
  });
  echo = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: (socket, chunk) => void socket.write(chunk) } });
  const health = await startHealthService();
  const web = [good.port ?? 0, other.port ?? 0];
  const tcp = { send: { text: "70696e67" }, receive: [{ text: "70696e67" }] };
  const manager = {
    "@type": `${EXT}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: "health",
    http_filters: [{ name: "router", typed_config: { "@type": `${EXT}.filters.http.router.v3.Router` } }],
    route_config: {
      virtual_hosts: [{ name: "all", domains: ["*"], routes: [{ match: { prefix: "/" }, route: { cluster: "web" } }] }],
    },
  };
  proxy = await startProxy({
    engine: "heddle",
    adminPort: admin,
    bootstrap: {
      static_resources: {
        listeners: [
          {
            name: "health",
            address: { socket_address: { address: "127.0.0.1", port_value: listen } },
            filter_chains: [{ filters: [{ name: "http", typed_config: manager }] }],
          },
        ],
        clusters: [
          cluster("web", web, {
            common_lb_config: { healthy_panic_threshold: { value: 0 } },
            health_checks: [{ ...timing, http_health_check: { path: "/health" } }],
            outlier_detection: {
              consecutive_5xx: 3,
              interval: "0.2s",
              base_ejection_time: "600s",
              max_ejection_time: "600s",
              max_ejection_percent: 50,
              successful_active_health_check_uneject_host: false,
            },
          }),
          cluster("tcp", [echo.port, dead], { health_checks: [{ ...timing, tcp_health_check: tcp }] }),
          cluster("grpc", [health], { health_checks: [{ ...timing, grpc_health_check: { service_name: "x" } }] }),
          cluster("grpc-other", [health], { health_checks: [{ ...timing, grpc_health_check: { service_name: "y" } }] }),
        ],
      },
    },
  });
}, 30_000);

afterAll(async () => {
  await proxy?.stop();
  grpc?.forceShutdown();
  echo?.stop(true);
  await good?.stop(true);
  await other?.stop(true);
});

async function flags(name: string, port: number | undefined): Promise<string> {
  const text = await (await proxy.admin("/clusters")).text();
  return new RegExp(`^${name}::127.0.0.1:${port}::health_flags::(.*)$`, "m").exec(text)?.[1] ?? "";
}

const becomes = (name: string, port: number | undefined, wanted: string) =>
  eventually(`${name} ${wanted}`, async () => (await flags(name, port)) === wanted);

test("HTTP, TCP and gRPC checks tell who works", async () => {
  await becomes("web", good.port, "healthy");
  await becomes("web", other.port, "healthy");
  await becomes("tcp", echo.port, "healthy");
  await becomes("grpc", [...(await ports("grpc"))][0], "healthy");
  await becomes("tcp", dead, "/failed_active_hc");
  await eventually("the other service was asked for", async () =>
    /failure: [1-9]/.test(await (await proxy.admin("/stats?filter=^cluster.grpc-other.health_check.failure$")).text()),
  );
  expect(await flags("grpc-other", [...(await ports("grpc-other"))][0])).toBe("/failed_active_hc");
}, 40_000);

async function ports(name: string): Promise<readonly number[]> {
  const text = await (await proxy.admin("/clusters")).text();
  return [...text.matchAll(new RegExp(`^${name}::127.0.0.1:(\\d+)::health_flags`, "gm"))].map((m) => Number(m[1]));
}

const ask = async () => (await fetch(`http://127.0.0.1:${listen}/`)).text();

test("a host that fails its checks gets nothing until it passes again", async () => {
  answers.health = 503;
  await becomes("web", other.port, "/failed_active_hc");
  for (let i = 0; i < 10; i++) expect(await ask()).toBe("good");
  answers.health = 200;
  await becomes("web", other.port, "healthy");
  await eventually("its share again", async () => (await ask()) === "other");
}, 40_000);

test("a host that answers badly is ejected", async () => {
  answers.traffic = 500;
  await eventually("ejection", async () => {
    await ask();
    return (await flags("web", other.port)) === "/failed_outlier_check";
  });
  for (let i = 0; i < 10; i++) expect(await ask()).toBe("good");
}, 40_000);
