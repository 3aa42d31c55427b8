/** Statistics that are sent: the same traffic through real Envoy and here, what arrives at StatsD servers over UDP, TCP and TLS compared. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "@heddle/std/free-ports";
import { address, cluster, httpFilterChain, listener, upstreamTls } from "./rig/bootstrap.ts";
import { presentEngines } from "./rig/engines.ts";
import { eventually } from "./rig/eventually.ts";
import { type Origin, startOrigin } from "./rig/origin.ts";
import { envoyPath, type ProxyProcess, startProxy } from "./rig/proxy-process.ts";
import { connectRaw } from "./rig/raw-client.ts";
import { type StatsdKind, type StatsdServers, startStatsdServers } from "./rig/statsd-servers.ts";
import { issueWorkloads, type WorkloadFiles } from "./rig/workloads.ts";

setDefaultTimeout(60_000);
const folder = mkdtempSync(join(tmpdir(), "heddle-statsd-"));
const REQUESTS = 7;
const KINDS: readonly StatsdKind[] = ["udp", "dog", "tcp", "tls"];
let origin: Origin;
let files: Readonly<Record<"client" | "server", WorkloadFiles>>;
if (envoyPath() === undefined) console.log("skipped: the comparison with Envoy, which is not here (HEDDLE_ENVOY)");

beforeAll(async () => {
  files = await issueWorkloads(folder, ["client", "server"]);
  origin = await startOrigin(({ socket }) => void socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"));
});
afterAll(() => {
  origin?.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Run {
  readonly proxy: ProxyProcess;
  readonly servers: StatsdServers;
  /** One request over a connection of its own. */
  ask(): Promise<void>;
}

async function start(engine: "heddle" | "envoy", flush: object): Promise<Run> {
  const servers = await startStatsdServers(files.server);
  const [port = 0, adminPort = 0] = freePorts(2);
  const { udp, dog, tcp, tls } = servers.ports;
  const sink = (type: string, fields: object) => ({
    name: `envoy.stat_sinks.${type === "StatsdSink" ? "statsd" : "dog_statsd"}`,
    typed_config: { "@type": `type.googleapis.com/envoy.config.metrics.v3.${type}`, ...fields },
  });
  const proxy = await startProxy({
    engine,
    adminPort,
    bootstrap: {
      node: { id: "n", cluster: "c" },
      ...flush,
      stats_sinks: [
        sink("StatsdSink", { address: address(udp) }),
        sink("DogStatsdSink", { address: address(dog), prefix: "mesh" }),
        sink("StatsdSink", { tcp_cluster_name: "plain" }),
        sink("StatsdSink", { tcp_cluster_name: "secure" }),
      ],
      static_resources: {
        listeners: [listener("in", port, [httpFilterChain("app")])],
        clusters: [
          cluster("app", [origin.port], "http1"),
          cluster("plain", [tcp]),
          cluster("secure", [tls], "downstream", upstreamTls(files.client, files.server, [])),
        ],
      },
    },
  });
  return {
    proxy,
    servers,
    ask: async () => {
      const client = await connectRaw(port);
      client.send("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
      expect(await client.ended()).toEndWith("ok");
    },
  };
}

/** What the lines of a server say of a name: sums of counters, the last of gauges, how many times. */
function said(lines: readonly string[], names: RegExp): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const line of lines) {
    const [, name = "", value = "", type = "", tags = ""] = /^(.*?):([\d.]+)\|(c|g|ms)(\|#.*)?$/.exec(line) ?? [];
    // Envoy's admin port is a listener, whose requests come when a test looks.
    if (!names.test(name) || /admin/.test(name + tags)) continue;
    // The order of tags says nothing.
    const key = `${name} ${type} ${tags.slice(2).split(",").sort().join(",")}`.replace(/\.1_\d+/, ".1_port");
    found.set(key, type === "g" ? Number(value) : (found.get(key) ?? 0) + (type === "ms" ? 1 : Number(value)));
  }
  return found;
}

/** Names whose values are the same in every proxy. */
const COMPARED =
  /\.(upstream_rq|upstream_rq_(total|200|2xx|xx|completed|time|active|pending_active|retry)|downstream_(rq|cx)_(total|2xx|xx|active|time|completed)|membership_(total|healthy)|upstream_cx_total|lb_healthy_panic)$/;

describe.skipIf(envoyPath() === undefined)("every stats_flush_interval", () => {
  let runs: readonly [Run, Run];
  beforeAll(async () => {
    const flush = { stats_flush_interval: "0.3s" };
    runs = [await start("heddle", flush), await start("envoy", flush)];
    for (const run of runs) {
      for (let i = 0; i < REQUESTS; i++) await run.ask();
    }
  });
  afterAll(async () => {
    for (const { proxy, servers } of runs ?? []) {
      await proxy.stop();
      servers.close();
    }
  });

  test.each(KINDS)("%s: counters, gauges and times as Envoy sends them", async (kind) => {
    const [ours, theirs] = runs.map(({ servers }) => servers.lines[kind]) as [string[], string[]];
    for (const lines of [ours, theirs]) {
      await eventually("everything was sent", () => {
        const [[, sum] = ["", 0]] = said(lines, /downstream_rq_time$/);
        const [[, total] = ["", 0]] = said(lines, /(app|http)\.downstream_rq_total$/);
        const active = [...said(lines, /downstream_cx_active$/)];
        return sum === REQUESTS && total === REQUESTS && active.length > 0 && active.every(([, value]) => value === 0);
      });
      // One flush is many packets: two more begin, so that one of them has arrived whole.
      const flushes = () => lines.filter((line) => /membership_total.*app|app.*membership_total/.test(line)).length;
      const before = flushes();
      await eventually("a whole flush", () => flushes() >= before + 2);
    }
    expect([...said(ours, COMPARED)].sort()).toEqual([...said(theirs, COMPARED)].sort());
    expect(said(ours, COMPARED).size).toBeGreaterThan(15);
  });

  test("a TLS server's connection is counted, with its handshake", async () => {
    for (const { proxy } of runs) {
      // Each of Envoy's threads has a connection of its own.
      const counts = "/stats?filter=^cluster.secure.(ssl.handshake|upstream_cx_tx_bytes_total)$";
      await eventually("bytes are counted", async () =>
        /^cluster.secure.ssl.handshake: [12]\n.*tx_bytes_total: [1-9]/.test(await (await proxy.admin(counts)).text()),
      );
    }
  });
});

const engines = presentEngines();
test.each(engines)("stats_flush_on_admin, %s: nothing until the page is asked for", async (engine) => {
  const { proxy, servers, ask } = await start(engine, { stats_flush_on_admin: true });
  await ask();
  await Bun.sleep(300);
  expect([...said(servers.lines.udp, /upstream_rq_total$/)]).toEqual([]);
  for (let i = 1; i < 4; i++) {
    if (i > 1) await ask();
    await proxy.admin("/stats?filter=none");
    await eventually("the request was sent", () =>
      [...said(servers.lines.udp, /^envoy\.cluster\.app\.upstream_rq_total$/).values()].includes(i),
    );
  }
  await proxy.stop();
  servers.close();
});

test("a server that is not there loses statistics, says so once, and gets them when it is back", async () => {
  const [gone = 0, adminPort = 0] = freePorts(2);
  const proxy = await startProxy({
    engine: "heddle",
    adminPort,
    bootstrap: {
      node: { id: "n", cluster: "c" },
      stats_flush_interval: "0.1s",
      stats_sinks: [
        {
          name: "envoy.stat_sinks.statsd",
          typed_config: { "@type": "type.googleapis.com/envoy.config.metrics.v3.StatsdSink", tcp_cluster_name: "gone" },
        },
      ],
      static_resources: { clusters: [cluster("gone", [gone])] },
    },
  });
  await eventually("it was tried", () => proxy.log().includes("statistics do not reach StatsD"));
  await Bun.sleep(500);
  expect(proxy.log().match(/statistics do not reach StatsD/g)?.length).toBe(1);
  let got = "";
  const server = Bun.listen({
    hostname: "127.0.0.1",
    port: gone,
    socket: {
      data: (_socket, bytes) => {
        got += bytes.toString();
      },
    },
  });
  await eventually("lines", () => got.includes("envoy.cluster.gone.membership_total:1|g\n"));
  server.stop(true);
  await proxy.stop();
});
