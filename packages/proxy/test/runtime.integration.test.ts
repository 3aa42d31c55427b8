/** Runtime layers beside real Envoy: folders behind a link, and values by discovery (a stream of their own, ADS or a file), with what they change. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { freePorts } from "@heddle/std/free-ports";
import { httpFilterChain, type Json, listener } from "./rig/bootstrap.ts";
import { type DiscoveryRig, startDiscoveryServer } from "./rig/discovery-server.ts";
import { ENGINES, type Engine, withoutEnvoy } from "./rig/engines.ts";
import { eventually } from "./rig/eventually.ts";
import { type ProxyProcess, startProxy } from "./rig/proxy-process.ts";
import { talk } from "./rig/talk.ts";

setDefaultTimeout(60_000);
const skip = withoutEnvoy();
/** Files of a folder that are switches. */
const SWITCHES = ["switch.zero", "switch.one.on", "switch.no", "switch.yes.on", "switch.unset"];
const SOURCES = ["GRPC", "DELTA_GRPC", "ads", "file"] as const;
type Source = (typeof SOURCES)[number];

describe.skipIf(skip)("runtime layers as real Envoy has them", () => {
  const folder = mkdtempSync(join(tmpdir(), "heddle-runtime-"));
  const link = join(folder, "current");
  const [discoveryPort = 0, ...ports] = freePorts(1 + ENGINES.length * (2 * (SOURCES.length + 1) + SWITCHES.length));
  const proxies = new Map<string, ProxyProcess>();
  const listen = new Map<string, number>();
  let discovery: DiscoveryRig;
  let versions = 0;

  /** New files, and the link moved to them at once. */
  function values(files: Readonly<Record<string, string>>): void {
    const version = join(folder, `v${++versions}`);
    for (const [name, text] of Object.entries(files)) {
      const path = join(version, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
    symlinkSync(version, `${link}.new`);
    renameSync(`${link}.new`, link);
  }
  const groupOf = (engine: Engine, source: Source) => `${engine}-${source}`;
  const filePath = (engine: Engine) => join(folder, `${engine}-runtime.json`);
  /** Undefined values: the resource goes. */
  function discovered(engine: Engine, source: Source, layer: Json): void {
    const group = groupOf(engine, source);
    if (source !== "file") {
      discovery.set(group, "Runtime", "flags", { name: "flags", layer });
      return;
    }
    const resource = { "@type": "type.googleapis.com/envoy.service.runtime.v3.Runtime", name: "flags", layer };
    writeFileSync(`${filePath(engine)}.new`, JSON.stringify({ version_info: "1", resources: [resource] }));
    renameSync(`${filePath(engine)}.new`, filePath(engine));
  }

  function origin(engine: Engine, source: Source): Json {
    if (source === "ads") return { ads: {}, resource_api_version: "V3" };
    if (source === "file") return { path_config_source: { path: filePath(engine) }, resource_api_version: "V3" };
    return { resource_api_version: "V3", api_config_source: stream(source) };
  }

  /** A share of the requests that the runtime decides over gets an answer of its own. */
  function bootstrap(port: number, group: string, layers: readonly Json[], ads = false): Json {
    const direct = (status: number, match: Json): Json => ({
      match: { prefix: "/", ...match },
      direct_response: { status },
    });
    const fraction = (key: string, numerator: number): Json => ({
      runtime_fraction: { default_value: { numerator }, runtime_key: key },
    });
    const routes = [
      direct(201, fraction("routes.disk", 0)),
      direct(202, fraction("routes.discovered", 0)),
      direct(203, fraction("routes.cluster", 0)),
      direct(200, {}),
    ];
    const chain = httpFilterChain("unused", {
      route_config: { virtual_hosts: [{ name: "a", domains: ["*"], routes }] },
    });
    const switches = ads || !group.endsWith("-disk") ? [] : SWITCHES.map((key) => limited(group, key));
    return {
      node: { id: group, cluster: group },
      ...(ads ? { dynamic_resources: { ads_config: stream("GRPC") } } : {}),
      layered_runtime: { layers },
      static_resources: {
        listeners: [listener("in", port, [chain]), ...switches],
        clusters: [
          {
            name: "discovery",
            type: "STATIC",
            typed_extension_protocol_options: {
              "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                explicit_http_config: { http2_protocol_options: {} },
              },
            },
            load_assignment: {
              cluster_name: "discovery",
              endpoints: [
                {
                  lb_endpoints: [
                    { endpoint: { address: { socket_address: { address: "127.0.0.1", port_value: discoveryPort } } } },
                  ],
                },
              ],
            },
          },
        ],
      },
    };
  }

  /** Takes one connection, where the switch is on. */
  const limited = (group: string, key: string): Json => {
    const port = ports.pop() ?? 0;
    listen.set(`${group} ${key}`, port);
    const network = "type.googleapis.com/envoy.extensions.filters.network";
    const limit = {
      "@type": `${network}.local_ratelimit.v3.LocalRateLimit`,
      stat_prefix: "limit",
      token_bucket: { max_tokens: 1, fill_interval: "3600s" },
      runtime_enabled: { default_value: !key.endsWith("on"), runtime_key: key },
    };
    const says = { "@type": `${network}.direct_response.v3.Config`, response: { inline_string: "in" } };
    const filters = [
      { name: "limit", typed_config: limit },
      { name: "says", typed_config: says },
    ];
    return listener(key, port, [{ filters }]);
  };

  const start = async (engine: Engine, group: string, layers: readonly Json[], ads = false) => {
    const port = ports.pop() ?? 0;
    listen.set(group, port);
    const plan = { engine, adminPort: ports.pop() ?? 0, bootstrap: bootstrap(port, group, layers, ads) };
    proxies.set(group, await startProxy(plan));
  };
  const status = async (group: string) => (await fetch(`http://127.0.0.1:${listen.get(group)}/`)).status;
  const runtime = async (group: string) =>
    (await (await proxies.get(group)?.admin("/runtime"))?.json()) as { layers: string[]; entries: Json };
  const stats = async (group: string): Promise<Readonly<Record<string, number>>> => {
    const text = (await (await proxies.get(group)?.admin("/stats?filter=^runtime\\."))?.text()) ?? "";
    const pairs = text
      .trim()
      .split("\n")
      .map((line) => line.split(": "));
    // Envoy reads everything twice at the beginning, and once for each folder whose link has moved: whether, not how often.
    const often = /load_success|override_dir/;
    return Object.fromEntries(
      pairs.flatMap(([name = "", value = ""]) =>
        name.includes("deprecated") ? [] : [[name, often.test(name) ? Math.min(1, Number(value)) : Number(value)]],
      ),
    );
  };
  /** Both say the same; gives it. */
  const both = async <T>(take: (engine: Engine) => Promise<T>): Promise<T> => {
    const [ours, envoy] = await Promise.all(ENGINES.map((engine) => take(engine)));
    expect(ours as unknown).toEqual(envoy as unknown);
    return ours as T;
  };

  beforeAll(async () => {
    discovery = await startDiscoveryServer(discoveryPort);
    values({
      "base/routes/disk": "# a remark\n100\n",
      "base/switch/zero": "0",
      "base/switch/one/on": "1",
      "base/switch/no": "FALSE",
      "base/switch/yes/on": "true",
      "base/text": "some words  \n",
      "base/flag": "true",
      "base/deep/er/number": "1.5",
      "base/empty": "# nothing else\n",
      "over/envoy-disk/routes/cluster": "100",
      "over/heddle-disk/routes/cluster": "100",
    });
    await Promise.all(
      ENGINES.map(async (engine) => {
        await start(engine, `${engine}-disk`, [
          { name: "static", static_layer: { routes: { disk: 0 }, shown: 1 } },
          { name: "base", disk_layer: { symlink_root: link, subdirectory: "base" } },
          { name: "over", disk_layer: { symlink_root: link, subdirectory: "over", append_service_cluster: true } },
          { name: "again", disk_layer: { symlink_root: link, subdirectory: "again" } },
          { name: "none", disk_layer: { symlink_root: link, subdirectory: "nowhere" } },
          { name: "admin", admin_layer: {} },
        ]);
        for (const source of SOURCES) {
          discovered(engine, source, { routes: { discovered: 100 }, words: "so", flag: true });
          const rtds = { name: "flags", rtds_config: origin(engine, source) };
          const layers = [
            { name: "static", static_layer: { routes: { discovered: 0 } } },
            { name: "rtds", rtds_layer: rtds },
            { name: "admin", admin_layer: {} },
          ];
          await start(engine, groupOf(engine, source), layers, source === "ads");
        }
      }),
    );
  });
  afterAll(async () => {
    for (const proxy of proxies.values()) await proxy.stop();
    discovery?.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  test("folders: values, layers, what is not there, and statistics", async () => {
    expect(await both((engine) => status(`${engine}-disk`))).toBe(201);
    const { layers } = await both((engine) => runtime(`${engine}-disk`));
    expect(layers).toEqual(["static", "base", "over", "admin"]);
    const counts = await both((engine) => stats(`${engine}-disk`));
    expect(counts["runtime.override_dir_exists"]).toBe(1);
  });

  test.each(SWITCHES)("folders: %s as Envoy reads it", async (key) => {
    const second = await both(async (engine) => {
      const port = listen.get(`${engine}-disk ${key}`) ?? 0;
      await talk({ port, send: "" });
      return (await talk({ port, send: "" })).text;
    });
    expect(second).toBe(["switch.zero", "switch.no"].includes(key) ? "in" : "");
  });

  test("folders: a link that is moved brings new values, and takes old ones away", async () => {
    values({
      "base/routes/disk": "0",
      "over/envoy-disk/routes/cluster": "100",
      "over/heddle-disk/routes/cluster": "100",
    });
    for (const engine of ENGINES)
      await eventually(`${engine} has read them`, async () => (await status(`${engine}-disk`)) === 203);
    expect((await both((engine) => stats(`${engine}-disk`)))["runtime.override_dir_not_exists"]).toBe(0);
    values({ "again/a": "1", "base/routes/disk": '{"numerator": 1000000, "denominator": "MILLION"}' });
    for (const engine of ENGINES)
      await eventually(`${engine} has read them`, async () => (await status(`${engine}-disk`)) === 201);
    await both((engine) => runtime(`${engine}-disk`));
    await both((engine) => stats(`${engine}-disk`));
  });

  test("folders: operators win, and their values are counted", async () => {
    const modify = (query: string) =>
      both(
        async (engine) =>
          (await proxies.get(`${engine}-disk`)?.admin(`/runtime_modify?${query}`, { method: "POST" }))?.status,
      );
    expect(await modify("routes.disk=0")).toBe(200);
    expect(await both((engine) => status(`${engine}-disk`))).toBe(200);
    expect((await both((engine) => stats(`${engine}-disk`)))["runtime.admin_overrides_active"]).toBe(1);
    expect(await modify("routes.disk=")).toBe(200);
    expect(await both((engine) => status(`${engine}-disk`))).toBe(201);
    await both((engine) => stats(`${engine}-disk`));
  });

  test.each([...SOURCES])("discovery by %s: values come, change, and are refused", async (source) => {
    const group = (engine: Engine) => groupOf(engine, source);
    for (const engine of ENGINES)
      await eventually(`${engine} has them`, async () => (await status(group(engine))) === 202);
    await both((engine) => runtime(group(engine)));
    for (const engine of ENGINES) discovered(engine, source, { routes: { discovered: 0, cluster: 100 } });
    for (const engine of ENGINES)
      await eventually(`${engine} has the new ones`, async () => (await status(group(engine))) === 203);
    await both((engine) => runtime(group(engine)));
    // A list is no value: what was there stays.
    for (const engine of ENGINES) discovered(engine, source, { routes: { cluster: 0 }, wrong: [1] });
    await Bun.sleep(1500);
    expect(await both((engine) => status(group(engine)))).toBe(203);
    for (const engine of ENGINES) discovered(engine, source, { routes: { disk: 100 } });
    for (const engine of ENGINES)
      await eventually(`${engine} has the last ones`, async () => (await status(group(engine))) === 201);
    await both((engine) => runtime(group(engine)));
  });
});

/** A discovery server's stream. */
function stream(api_type: string): Json {
  return { api_type, transport_api_version: "V3", grpc_services: [{ envoy_grpc: { cluster_name: "discovery" } }] };
}
