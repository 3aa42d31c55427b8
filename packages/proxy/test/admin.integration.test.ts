/** The admin pages: what they say, compared with real Envoy's answers to the same requests where there is one. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "@heddle/std/free-ports";
import { cluster, httpFilterChain, listener } from "./rig/bootstrap.ts";
import { eventually } from "./rig/eventually.ts";
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

const folder = mkdtempSync(join(tmpdir(), "heddle-admin-"));
const loggingBootstrap = (listen: number) => {
  const typed_config = {
    "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
    path: join(folder, "access.log"),
  };
  const access_log = [{ name: "envoy.access_loggers.file", typed_config }];
  return {
    static_resources: {
      listeners: [listener("in", listen, [httpFilterChain("app", { access_log })])],
      clusters: [cluster("app", [origin.port], "http1")],
    },
  };
};

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
  rmSync(folder, { recursive: true, force: true });
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

  test("/ is a page for browsers with every other page on it", async () => {
    const home = await text("/");
    for (const path of ["stats", "config_dump", "drain_listeners"]) expect(home).toContain(`"${path}"`);
    expect(home).toContain('<form action="quitquitquit" method="post"');
    const html = await text("/stats?format=html&filter=membership_total");
    expect(html).toContain("cluster.app.membership_total: 1\n");
  });

  test("a request with a huge body is answered, and nothing of it is kept", async () => {
    const rss = () => Number(readFileSync(`/proc/${proxy.pid}/statm`, "utf8").split(" ")[1]) / 256;
    const before = rss();
    for (let i = 0; i < 8; i++) {
      const client = await connectRaw(proxy.adminPort);
      client.send("POST /ready HTTP/1.1\r\nhost: a\r\ncontent-length: 50000000\r\n\r\n");
      client.send(Buffer.alloc(50_000_000));
      await client.until((r) => r.includes("LIVE")).catch(() => undefined);
      client.close();
    }
    expect(await text("/ready")).toBe("LIVE\n");
    expect(rss() - before).toBeLessThan(150);
  });

  test("HTTP/1.0, and a connection for each request", async () => {
    for (const line of ["GET /ready HTTP/1.0\r\n\r\n", "GET /ready HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"]) {
      const client = await connectRaw(proxy.adminPort);
      client.send(line);
      expect(await client.ended()).toEndWith("LIVE\n");
    }
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

test("/reopen_logs and SIGUSR1: a log that was renamed is followed by a new one", async () => {
  const [listen = 0, adminPort = 0] = freePorts(2);
  const own = await startProxy({ engine: "heddle", adminPort, bootstrap: loggingBootstrap(listen) });
  for (const [renamed, ask] of [
    ["one", () => own.admin("/reopen_logs", POST)],
    ["two", async () => process.kill(own.pid, "SIGUSR1")],
  ] as const) {
    const request = async (path: string) => {
      const client = await connectRaw(listen);
      client.send(`GET ${path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`);
      await client.ended();
    };
    const log = join(folder, "access.log");
    await request(`/before-${renamed}`);
    await eventually("it is logged", () => readFileSync(log, "utf8").includes(`/before-${renamed}`));
    renameSync(log, join(folder, renamed));
    await ask();
    await eventually("a new file", async () => {
      await request(`/after-${renamed}`);
      await Bun.sleep(100);
      return existsSync(log) && readFileSync(log, "utf8").includes(`/after-${renamed}`);
    });
    expect(readFileSync(join(folder, renamed), "utf8")).toContain(`/before-${renamed}`);
  }
  await own.stop();
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
  ["POST", "/logging?group=http:debug"],
  ["GET", "/"],
  ["HEAD", "/"],
  ["GET", "/stats?format="],
  ["GET", "/stats?type="],
  ["GET", "/stats?histogram_buckets="],
  ["GET", "/stats?histogram_buckets=wrong"],
  ["GET", "/stats?histogram_buckets=detailed"],
  ["GET", "/stats?histogram_buckets=summary&format=json"],
  ["GET", "/stats?format=html"],
  ["GET", "/stats?format=active-html"],
  ["GET", "/stats/prometheus?histogram_buckets=summary"],
  ["GET", "/stats/prometheus?histogram_buckets=detailed"],
  ["GET", "/contention"],
  ["GET", "/stats/recentlookups"],
  ["GET", "/stats/recentlookups/clear"],
  ["POST", "/stats/recentlookups/clear"],
  ["POST", "/stats/recentlookups/disable"],
  ["GET", "/reopen_logs"],
  ["POST", "/reopen_logs"],
  ["GET", "/cpuprofiler"],
  ["POST", "/heapprofiler?enable=y"],
  ["PUT", "/stats"],
  ["DELETE", "/quitquitquit"],
  ["GET", "/stats/"],
  ["GET", "//stats"],
  ["GET", "/__proto__"],
  ["GET", "/constructor"],
  ["POST", "/ready"],
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
      ["content-type", "cache-control", "x-content-type-options"].reduce(
        (text, name) => `${text} ${response?.headers.get(name)?.split(/[;,]/)[0]}`,
        String(response?.status),
      );
    const [ours, theirs] = [await proxy.admin(path, { method }), await envoy?.admin(path, { method })];
    expect(kind(ours)).toBe(kind(theirs));
  });
});
