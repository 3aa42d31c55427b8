/** The admin pages: what they say, compared with real Envoy's answers to the same requests where there is one. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { freePorts } from "@heddle/std/free-ports";
import { cluster, httpFilterChain, listener } from "./rig/bootstrap.ts";
import { type Origin, startOrigin } from "./rig/origin.ts";
import { type Pair, startPair } from "./rig/pair.ts";
import { envoyPath, type ProxyProcess, startProxy } from "./rig/proxy-process.ts";
import { connectRaw } from "./rig/raw-client.ts";

setDefaultTimeout(120_000);
let origin: Origin;
let proxy: ProxyProcess;
let envoy: ProxyProcess | undefined;
let port = 0;
if (envoyPath() === undefined) console.log("skipped: the comparison with Envoy, which is not here (HEDDLE_ENVOY)");

beforeAll(async () => {
  origin = await startOrigin(({ socket }) => void socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"));
  const start = async (engine: "heddle" | "envoy") => {
    const [listen = 0, adminPort = 0] = freePorts(2);
    if (engine === "heddle") port = listen;
    const bootstrap = {
      node: { id: "n", cluster: "c" },
      layered_runtime: {
        layers: [{ name: "base", static_layer: { overload: { global_downstream_max_connections: 50_000 } } }],
      },
      static_resources: {
        listeners: [listener("in", listen, [httpFilterChain("app")])],
        clusters: [cluster("app", [origin.port], "http1")],
      },
    };
    const started = await startProxy({ engine, adminPort, bootstrap });
    const client = await connectRaw(listen);
    client.send("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    await client.ended();
    return started;
  };
  proxy = await start("heddle");
  if (envoyPath() !== undefined) envoy = await start("envoy");
});

afterAll(async () => {
  await Promise.all([proxy?.stop(), envoy?.stop()]);
  origin?.close();
});

const text = async (path: string, init?: RequestInit) => (await proxy.admin(path, init)).text();
const POST = { method: "POST" };

describe("pages", () => {
  test("/stats: all, by a regular expression, only what was used, as JSON and for Prometheus", async () => {
    expect(await text("/stats?filter=^cluster.*upstream_rq_total$")).toBe("cluster.app.upstream_rq_total: 1\n");
    expect(await text("/stats?filter=^http.*downstream_rq_2xx")).toBe("http.app.downstream_rq_2xx: 1\n");
    expect(await text("/stats?usedonly&filter=app.upstream_rq_[25]xx")).toBe("cluster.app.upstream_rq_2xx: 1\n");
    const json = JSON.parse(await text("/stats?format=json&filter=upstream_rq_total"));
    expect(json).toEqual({ stats: [{ name: "cluster.app.upstream_rq_total", value: 1 }] });
    for (const path of ["/stats?format=prometheus", "/stats/prometheus"])
      expect(await text(path)).toContain('envoy_cluster_upstream_rq_total{envoy_cluster_name="app"} 1');
  });

  test("/config_dump: everything, one part, by name", async () => {
    const dump = JSON.parse(await text("/config_dump"));
    const types = dump.configs.map((one: { "@type": string }) => one["@type"].split(".").at(-1));
    expect(types).toContain("ListenersConfigDump");
    expect(dump.configs[0].bootstrap.node.id).toBe("n");
    const part = JSON.parse(await text("/config_dump?resource=static_clusters&name_regex=^app$"));
    expect(part.configs[0]["@type"]).toEndWith("ClustersConfigDump.StaticCluster");
    expect(part.configs[0].cluster.name).toBe("app");
    expect(JSON.parse(await text("/config_dump?resource=static_clusters&name_regex=^other$"))).toEqual({ configs: [] });
  });

  test("/clusters, /listeners", async () => {
    const lines = (await text("/clusters?filter=app")).split("\n");
    for (const line of ["rq_total::1", "health_flags::healthy", "cx_total::1"])
      expect(lines).toContain(`app::127.0.0.1:${origin.port}::${line}`);
    expect(lines).toContain("app::added_via_api::false");
    expect(await text("/clusters?filter=nothing")).toBe("");
    expect(await text("/listeners")).toBe(`in::127.0.0.1:${port}\n`);
    const json = JSON.parse(await text("/listeners?format=json"));
    expect(json.listener_statuses[0].local_address.socket_address.port_value).toBe(port);
  });

  test("/server_info and /ready follow /healthcheck/fail and /healthcheck/ok", async () => {
    expect(JSON.parse(await text("/server_info")).state).toBe("LIVE");
    await text("/healthcheck/fail", POST);
    expect((await proxy.admin("/ready")).status).toBe(503);
    expect(JSON.parse(await text("/server_info")).state).toBe("DRAINING");
    await text("/healthcheck/ok", POST);
    expect(await text("/ready")).toBe("LIVE\n");
  });

  test("/logging shows and changes levels, of all and of a part", async () => {
    expect(await text("/logging", POST)).toContain("proxy.upstream: info");
    expect(await text("/logging?proxy.upstream=debug", POST)).toContain("proxy.upstream: debug");
    expect(await text("/logging?paths=http:error,upstream:trace", POST)).toContain("proxy.http: error");
    expect(await text("/logging?level=warning", POST)).toContain("proxy.upstream: warning");
    expect(await text("/logging?nothing=debug", POST)).toContain("unknown logger name");
  });

  test("/heap_dump is a snapshot, /memory is JSON", async () => {
    expect(JSON.parse(await text("/heap_dump")).snapshot).toBeDefined();
    expect(Number(JSON.parse(await text("/memory")).allocated)).toBeGreaterThan(0);
  });

  test("an unknown path lists what there is", async () => {
    const response = await proxy.admin("/nope");
    expect(response.status).toBe(404);
    const listed = await response.text();
    for (const path of ["/stats", "/config_dump", "/quitquitquit (POST)"]) expect(listed).toContain(`  ${path}: `);
  });
});

describe("/certs", () => {
  let pair: Pair<"web">;
  beforeAll(async () => {
    pair = await startPair({ services: { web: { origin: origin.port, declared: "http" } } });
  });
  afterAll(() => pair?.stop());

  test("shows the chain and the roots in use, with names and dates; keys are never shown", async () => {
    const { certificates } = JSON.parse(await (await pair.server.admin("/certs")).text());
    expect(certificates.length).toBe(1);
    const [{ cert_chain, ca_cert }] = certificates;
    expect(cert_chain[0].subject_alt_names).toEqual([{ uri: "spiffe://cluster.local/ns/test/sa/server" }]);
    expect(Date.parse(cert_chain[0].expiration_time)).toBeGreaterThan(Date.now());
    expect(ca_cert.length).toBe(1);
    const dump = await (await pair.server.admin("/config_dump")).text();
    expect(dump).not.toContain("PRIVATE KEY");
  });
});

/** Requests whose status and kind of answer must be Envoy's. */
const SAME: readonly (readonly [string, string])[] = [
  ["GET", "/ready"],
  ["HEAD", "/ready"],
  ["GET", "/nope"],
  ["GET", "/help"],
  ["GET", "/stats?filter=upstream_rq_total"],
  ["GET", "/stats?filter=("],
  ["GET", "/stats?format=json"],
  ["GET", "/stats?format=bogus"],
  ["GET", "/config_dump"],
  ["GET", "/init_dump"],
  ["GET", "/hot_restart_version"],
  ["GET", "/config_dump?resource=static_listeners"],
  ["GET", "/config_dump?resource=nonsense"],
  ["GET", "/clusters"],
  ["GET", "/clusters?format=json"],
  ["GET", "/listeners"],
  ["GET", "/listeners?format=json"],
  ["GET", "/certs"],
  ["GET", "/server_info"],
  ["GET", "/memory"],
  ["GET", "/runtime"],
  ["GET", "/runtime_modify"],
  ["POST", "/runtime_modify?a=b"],
  ["GET", "/logging"],
  ["POST", "/logging"],
  ["POST", "/logging?level=loud"],
  ["POST", "/logging?level="],
  ["POST", "/logging?level=debug&http=trace"],
  ["POST", "/logging?nothing=debug"],
  ["POST", "/logging?level=warning"],
  ["GET", "/healthcheck/fail"],
  ["GET", "/quitquitquit"],
  ["GET", "/drain_listeners"],
  ["POST", "/drain_listeners?skip_exit"],
  ["POST", "/drain_listeners"],
];

describe.skipIf(envoyPath() === undefined)("as Envoy answers", () => {
  test("/runtime: the layers and their values", async () => {
    const theirs: { readonly layers: readonly string[] } = JSON.parse(
      (await (await envoy?.admin("/runtime"))?.text()) ?? "",
    );
    expect(JSON.parse(await text("/runtime"))).toEqual(theirs);
    expect(theirs.layers).toEqual(["base"]);
  });

  test("/clusters: clusters, limits, hosts and their statistics, as JSON and as text", async () => {
    const read = async (from: ProxyProcess | undefined) =>
      JSON.parse((await (await from?.admin("/clusters?format=json"))?.text()) ?? "");
    expect(await read(proxy)).toEqual(await read(envoy));
    // Success rates of the last interval are not kept.
    const lines = async (from: ProxyProcess | undefined) =>
      (await (await from?.admin("/clusters"))?.text())
        ?.split("\n")
        .filter((line) => !/::(local_origin_)?success_rate::/.test(line))
        .sort();
    expect(await lines(proxy)).toEqual(await lines(envoy));
  });

  test.each(SAME)("%s %s", async (method, path) => {
    const kind = (response: Response | undefined) =>
      `${response?.status} ${response?.headers.get("content-type")?.split(";")[0]}`;
    const [ours, theirs] = [await proxy.admin(path, { method }), await envoy?.admin(path, { method })];
    expect(kind(ours)).toBe(kind(theirs));
  });
});
