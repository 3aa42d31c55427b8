import { request as httpRequest } from "node:http";
import { downstreamTls, type Json, listener, TLS_INSPECTOR, tcpFilterChain, upstreamTls } from "./bootstrap.ts";
import { type Origin, startOrigin } from "./origin.ts";
import { connectRaw } from "./raw-client.ts";
import type { WorkloadFiles } from "./workloads.ts";

/** Where one engine listens; the names of listener statistics have these ports in them. */
export interface StatsPorts {
  readonly web: number;
  readonly secure: number;
  readonly raw: number;
}

const EXT = "type.googleapis.com/envoy.extensions";
const HTTP_MANAGER = `${EXT}.filters.network.http_connection_manager.v3.HttpConnectionManager`;
const filter = (name: string, message: string, fields: Json = {}): Json => ({
  "@type": `${EXT}.filters.http.${name}.v3.${message}`,
  ...fields,
});
const always = { default_value: { numerator: 100, denominator: "HUNDRED" } };
const FAULT = "envoy.filters.http.fault";
const RBAC = "envoy.filters.http.rbac";
const LIMIT = "envoy.filters.http.local_ratelimit";
const CORS = "envoy.filters.http.cors";
const deny = {
  rules: { action: "DENY", policies: { all: { permissions: [{ any: true }], principals: [{ any: true }] } } },
};

function manager(prefix: string, hosts: readonly Json[], filters: readonly Json[], fields: Json = {}): Json {
  return {
    filters: [
      {
        name: "envoy.filters.network.http_connection_manager",
        typed_config: {
          "@type": HTTP_MANAGER,
          stat_prefix: prefix,
          codec_type: "AUTO",
          route_config: { name: prefix, validate_clusters: false, virtual_hosts: hosts },
          http_filters: [...filters, { name: "envoy.filters.http.router", typed_config: filter("router", "Router") }],
          ...fields,
        },
      },
    ],
  };
}

const to = (cluster: string, path: string, fields: Json = {}, more: Json = {}): Json => ({
  match: { prefix: path },
  route: { cluster, timeout: "5s", ...fields },
  ...more,
});
const off = (name: string, typed: Json): Json => ({ typed_per_filter_config: { [name]: typed } });

const webHost: Json = {
  name: "shop",
  domains: ["*"],
  virtual_clusters: [{ name: "cart", headers: [{ name: ":path", string_match: { prefix: "/ok/cart" } }] }],
  typed_per_filter_config: {
    [CORS]: filter("cors", "CorsPolicy", { allow_origin_string_match: [{ exact: "http://good" }] }),
  },
  routes: [
    to("app", "/ok"),
    to("app", "/status"),
    to("app", "/named", {}, { stat_prefix: "checkout" }),
    to("app", "/flaky", {
      retry_policy: { retry_on: "5xx", num_retries: 2, retry_back_off: { base_interval: "0.005s" } },
    }),
    to("app", "/failing", {
      retry_policy: { retry_on: "5xx", num_retries: 1, retry_back_off: { base_interval: "0.005s" } },
    }),
    to("app", "/slow", { timeout: "0.15s" }),
    to("app", "/try", {
      timeout: "3s",
      retry_policy: { retry_on: "5xx", num_retries: 1, per_try_timeout: "0.1s" },
    }),
    to("app", "/broken"),
    to("dead", "/dead"),
    to("full", "/full"),
    to("empty", "/empty"),
    to("tls", "/tls"),
    to("missing", "/missing"),
    to(
      "app",
      "/fault",
      {},
      off(FAULT, filter("fault", "HTTPFault", { abort: { http_status: 418, percentage: { numerator: 100 } } })),
    ),
    to("app", "/denied", {}, off(RBAC, filter("rbac", "RBACPerRoute", { rbac: deny }))),
    to(
      "app",
      "/limited",
      {},
      off(
        LIMIT,
        filter("local_ratelimit", "LocalRateLimit", {
          stat_prefix: "gate",
          token_bucket: { max_tokens: 1, fill_interval: "600s" },
          filter_enabled: always,
          filter_enforced: always,
        }),
      ),
    ),
    { match: { prefix: "/direct" }, direct_response: { status: 201 } },
    { match: { prefix: "/moved" }, redirect: { path_redirect: "/ok" } },
  ],
};

const webFilters: readonly Json[] = [
  { name: CORS, typed_config: filter("cors", "Cors") },
  { name: FAULT, typed_config: filter("fault", "HTTPFault") },
  { name: RBAC, typed_config: filter("rbac", "RBAC", { rules: { action: "DENY" }, shadow_rules: { action: "DENY" } }) },
  { name: LIMIT, typed_config: filter("local_ratelimit", "LocalRateLimit", { stat_prefix: "gate" }) },
];

function cluster(name: string, ports: readonly number[], fields: Json = {}): Json {
  return {
    name,
    type: "STATIC",
    connect_timeout: "2s",
    load_assignment: {
      cluster_name: name,
      endpoints: [
        {
          lb_endpoints: ports.map((port) => ({
            endpoint: { address: { socket_address: { address: "127.0.0.1", port_value: port } } },
          })),
        },
      ],
    },
    ...fields,
  };
}

/** One bootstrap that both engines take; every filter and cluster counts something under the traffic below. */
export function statsBootstrap(
  ports: StatsPorts,
  backends: { readonly app: number; readonly dead: number },
  files: { readonly client: WorkloadFiles; readonly server: WorkloadFiles },
  statsConfig: Json | undefined,
): Json {
  const inner = manager("secure", [{ name: "inner", domains: ["*"], routes: [to("app", "/")] }], []);
  return {
    node: { id: "n", cluster: "c" },
    ...(statsConfig === undefined ? {} : { stats_config: statsConfig }),
    static_resources: {
      listeners: [
        listener("web", ports.web, [manager("web", [webHost], webFilters)]),
        listener("secure", ports.secure, [{ ...inner, ...downstreamTls(files.server, files.client, ["http/1.1"]) }], {
          listener_filters: [TLS_INSPECTOR],
        }),
        listener("raw", ports.raw, [tcpFilterChain("app", { stat_prefix: "pipe" })]),
      ],
      clusters: [
        cluster("app", [backends.app], {
          circuit_breakers: { thresholds: [{ max_retries: 10, track_remaining: true }] },
          outlier_detection: { consecutive_5xx: 1000, max_ejection_percent: 100, enforcing_success_rate: 0 },
        }),
        cluster("dead", [backends.dead]),
        cluster("full", [backends.app], { circuit_breakers: { thresholds: [{ max_pending_requests: 0 }] } }),
        cluster("empty", []),
        cluster("checked", [backends.app], {
          health_checks: [
            {
              timeout: "2s",
              interval: "600s",
              no_traffic_interval: "600s",
              unhealthy_threshold: 1,
              healthy_threshold: 1,
              http_health_check: { path: "/ok" },
            },
          ],
        }),
        cluster("tls", [ports.secure], upstreamTls(files.client, files.server, ["http/1.1"])),
      ],
    },
  };
}

/** Answers by path: `/flaky` fails every other time, `/slow` and `/try` never answer, `/broken` hangs up. */
export async function startStatsOrigin(): Promise<Origin> {
  let flaky = 0;
  return startOrigin(({ target, socket }) => {
    const answer = (status: string) => void socket.write(`HTTP/1.1 ${status} X\r\ncontent-length: 5\r\n\r\nhello`);
    if (target.startsWith("/flaky")) answer(flaky++ % 2 === 0 ? "503" : "200");
    else if (target.startsWith("/failing")) answer("502");
    else if (target.startsWith("/slow") || target.startsWith("/try")) return;
    else if (target.startsWith("/broken")) socket.destroy();
    else if (target.startsWith("/status/304")) socket.write("HTTP/1.1 304 X\r\n\r\n");
    else if (target.startsWith("/status/")) answer(target.slice(8, 11));
    else answer("200");
  });
}

function ask(port: number, path: string, headers: Record<string, string> = {}, method = "GET"): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { port, host: "127.0.0.1", path, method, headers: { connection: "close", ...headers } },
      (response) => {
        response.resume();
        response.on("end", () => resolve(response.statusCode ?? 0));
        response.on("error", reject);
      },
    );
    request.on("error", reject);
    request.end();
  });
}

/** The same requests to either engine, one after another, so that every count is certain. Gives the statuses. */
export async function driveStats(ports: StatsPorts): Promise<readonly number[]> {
  const statuses: number[] = [];
  const get = async (path: string, headers?: Record<string, string>, method?: string) => {
    statuses.push(await ask(ports.web, path, headers, method));
  };
  for (const path of ["/ok", "/ok", "/ok/cart", "/named", "/status/201", "/status/404", "/status/500", "/status/304"])
    await get(path);
  for (const path of ["/flaky", "/failing", "/slow", "/try", "/broken", "/dead", "/full", "/empty", "/tls", "/missing"])
    await get(path);
  for (const path of ["/nowhere", "/fault", "/denied", "/limited", "/limited", "/direct", "/moved"]) await get(path);
  await get("/ok", { origin: "http://good" });
  await get("/ok", { origin: "http://bad" });
  await get("/ok", { "x-envoy-retry-on": "5xx" }, "POST");
  const kept = await connectRaw(ports.web);
  for (let i = 1; i <= 2; i++) {
    kept.send("GET /ok HTTP/1.1\r\nhost: a\r\n\r\n");
    await kept.until((text) => text.split("hello").length > i);
  }
  kept.close();
  const wrong = await connectRaw(ports.web);
  wrong.send("GET /\x01bad HTTP/1.1\r\n\r\n");
  await wrong.ended();
  wrong.close();
  const left = await connectRaw(ports.web);
  left.send("GET /slow HTTP/1.1\r\nhost: a\r\n\r\n");
  left.close();
  const pipe = await connectRaw(ports.raw);
  pipe.send("GET /ok HTTP/1.1\r\nhost: a\r\n\r\n");
  await pipe.until((text) => text.endsWith("hello"));
  pipe.close();
  const plain = await connectRaw(ports.secure);
  plain.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
  await plain.ended();
  plain.close();
  return statuses;
}
