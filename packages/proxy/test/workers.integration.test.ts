/** Several workers behind one port: all serve, all follow the configuration, the pages add them up, and the loss of one is repaired. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { freePorts } from "@heddle/std/free-ports";
import { type AdsServer, type Configuration, dynamicBootstrap, startAdsServer } from "./rig/ads-server.ts";
import { cluster, httpFilterChain, listener } from "./rig/bootstrap.ts";
import { eventually } from "./rig/eventually.ts";
import { filterMessage } from "./rig/filter-pair.ts";
import { type Origin, startOrigin } from "./rig/origin.ts";
import { type ProxyProcess, startProxy } from "./rig/proxy-process.ts";
import { connectRaw } from "./rig/raw-client.ts";

setDefaultTimeout(120_000);
const [web = 0, adsPort = 0, adminPort = 0] = freePorts(3);
const CONCURRENCY = 3;
let origin: Origin;
let ads: AdsServer;
let proxy: ProxyProcess;
/** Requests that this test has sent. */
let sent = 0;
const held: (() => void)[] = [];

const config = (answer: string): Configuration => ({
  clusters: [cluster("web", [origin.port], "http1")],
  listeners: [
    listener("web", web, [
      httpFilterChain("web", {
        http_filters: [
          {
            name: "health",
            typed_config: filterMessage("health_check", "HealthCheck", {
              pass_through_mode: false,
              headers: [{ name: ":path", string_match: { exact: "/health" } }],
            }),
          },
          { name: "router", typed_config: filterMessage("router", "Router") },
        ],
        route_config: {
          virtual_hosts: [
            {
              name: "all",
              domains: ["*"],
              routes: [
                { match: { path: "/version" }, direct_response: { status: 200, body: { inline_string: answer } } },
                { match: { prefix: "/" }, route: { cluster: "web", timeout: "0s" } },
              ],
            },
          ],
        },
      }),
    ]),
  ],
});

beforeAll(async () => {
  origin = await startOrigin(({ target, socket }) => {
    const send = () => void socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    if (target === "/slow") held.push(send);
    else send();
  });
  ads = await startAdsServer(adsPort, config("one"));
  const args = ["--concurrency", String(CONCURRENCY)];
  proxy = await startProxy({ engine: "heddle", bootstrap: dynamicBootstrap(adsPort), adminPort, args });
  await everyWorkerServes();
});

afterAll(async () => {
  await proxy?.stop();
  ads?.kill();
  origin?.close();
});

/** The other processes. */
function workers(): number[] {
  const children: number[] = [];
  for (const task of readdirSync(`/proc/${proxy.pid}/task`)) {
    const text = readFileSync(`/proc/${proxy.pid}/task/${task}/children`, "utf8").trim();
    for (const pid of text.split(" ")) if (pid !== "") children.push(Number(pid));
  }
  return children;
}

async function everyWorkerServes(): Promise<void> {
  await eventually("every worker listens", () => listening() === CONCURRENCY);
}

/** Sockets that listen on the port. Source: `/proc/net/tcp`, state 0A. */
function listening(): number {
  const port = web.toString(16).toUpperCase().padStart(4, "0");
  const lines = readFileSync("/proc/net/tcp", "utf8").split("\n");
  return lines.filter((line) => new RegExp(`^\\s*\\d+: [0-9A-F]{8}:${port} [0-9A-F:]+ 0A `).test(line)).length;
}

async function ask(path = "/"): Promise<string> {
  const client = await connectRaw(web);
  try {
    client.send(`GET ${path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`);
    sent++;
    return (await client.ended()).split("\r\n\r\n")[1] ?? "";
  } finally {
    client.close();
  }
}

async function gone(pid: number): Promise<void> {
  await eventually(`the end of process ${pid}`, () => {
    try {
      process.kill(pid, 0);
      return false;
    } catch {
      return true;
    }
  });
}

async function stat(name: string): Promise<number> {
  const text = await (await proxy.admin(`/stats?filter=^${name.replaceAll(".", "\\.")}$`)).text();
  return Number(text.split(": ")[1] ?? Number.NaN);
}

test("connections are spread over all workers, and the pages count each request once", async () => {
  for (let i = 0; i < 60; i++) expect(await ask()).toBe("ok");
  await eventually("all are counted", async () => (await stat("cluster.web.upstream_rq_total")) === sent);
  expect(await stat("http.web.downstream_rq_total")).toBe(sent);
  expect(await stat("server.concurrency")).toBe(CONCURRENCY);
  expect(await stat("cluster.web.membership_total")).toBe(1);
  const clusters = await (await proxy.admin("/clusters")).text();
  expect(clusters).toContain(`rq_total::${sent}\n`);
  const metrics = await (await proxy.admin("/stats/prometheus")).text();
  expect(metrics).toContain(`envoy_cluster_upstream_rq_total{envoy_cluster_name="web"} ${sent}\n`);
  const info: unknown = await (await proxy.admin("/server_info")).json();
  expect(info).toMatchObject({ command_line_options: { concurrency: CONCURRENCY } });
  // Each worker dials the application itself, so more than one of them has served.
  expect(await stat("cluster.web.upstream_cx_total")).toBeGreaterThan(1);
});

test("an update reaches every worker over one discovery stream", async () => {
  expect(ads.streams()).toBe(1);
  ads.push(config("two"));
  await eventually("all answer with the new text", async () => {
    for (let i = 0; i < 20; i++) if ((await ask("/version")) !== "two") return false;
    return true;
  });
});

test("/tap shows the exchanges of all workers", async () => {
  const stop = new AbortController();
  const page = await fetch(`http://127.0.0.1:${adminPort}/tap?max_rps=1000`, { signal: stop.signal });
  let text = "";
  const reading = (async () => {
    for await (const chunk of page.body ?? []) text += Buffer.from(chunk).toString();
  })().catch(() => undefined);
  await eventually("all forty are seen", async () => {
    const tag = `/tapped-${text.length}-`;
    for (let i = 0; i < 40; i++) await ask(`${tag}${i}`);
    await Bun.sleep(100);
    return Array.from({ length: 40 }, (_, i) => `${tag}${i}"`).every((path) => text.includes(path));
  });
  stop.abort();
  await reading;
});

/** Statuses that health checks get, several from each worker. */
async function healthStatuses(): Promise<ReadonlySet<number>> {
  const statuses = new Set<number>();
  for (let i = 0; i < 40; i++) {
    const answer = await fetch(`http://127.0.0.1:${web}/health`, { headers: { connection: "close" } });
    sent++;
    statuses.add(answer.status);
  }
  return statuses;
}

test("health checks fail in all workers, also in one that starts later", async () => {
  expect([...(await healthStatuses())]).toEqual([200]);
  await proxy.admin("/healthcheck/fail", { method: "POST" });
  await eventually("all fail", async () => [...(await healthStatuses())].join() === "503");
  const [victim = 0] = workers();
  process.kill(victim, "SIGKILL");
  await gone(victim);
  await everyWorkerServes();
  expect([...(await healthStatuses())]).toEqual([503]);
  await proxy.admin("/healthcheck/ok", { method: "POST" });
  await eventually("all are well", async () => [...(await healthStatuses())].join() === "200");
});

test("a worker that is killed is started again with the present configuration, and nothing that was counted is lost", async () => {
  const before = await stat("cluster.web.upstream_rq_total");
  const restarts = await stat("server.worker_restarts");
  const [victim = 0] = workers();
  process.kill(victim, "SIGKILL");
  await eventually("another one", () => workers().length === CONCURRENCY - 1 && !workers().includes(victim));
  await everyWorkerServes();
  for (let i = 0; i < 20; i++) expect(await ask("/version")).toBe("two");
  expect(await stat("server.worker_restarts")).toBe(restarts + 1);
  expect(await stat("cluster.web.upstream_rq_total")).toBeGreaterThanOrEqual(before);
  expect(proxy.log()).toContain("a worker ended by itself");
});

test("SIGTERM: requests of every worker finish, then all processes end", async () => {
  const clients = await Promise.all(Array.from({ length: 12 }, () => connectRaw(web)));
  for (const client of clients) client.send("GET /slow HTTP/1.1\r\nhost: a\r\n\r\n");
  await eventually("all requests are at the application", () => held.length === clients.length);
  const children = workers();
  expect(children.length).toBe(CONCURRENCY - 1);
  proxy.signal("SIGTERM");
  await eventually("nobody listens", () => listening() === 0);
  for (const go of held) go();
  for (const client of clients) expect(await client.ended()).toContain("\r\n\r\nok");
  expect(await proxy.exited).toBe(0);
  for (const pid of children) await gone(pid);
});

test("a worker whose parent is killed ends by itself; nonsense is refused with the way out", async () => {
  const args = ["--concurrency", "2"];
  const other = await startProxy({ engine: "heddle", bootstrap: dynamicBootstrap(adsPort), adminPort, args });
  proxy = other;
  await eventually("its worker listens", () => listening() === 2);
  const [child = 0] = workers();
  other.signal("SIGKILL");
  await gone(child);
  const wrong = startProxy({
    engine: "heddle",
    bootstrap: dynamicBootstrap(adsPort),
    adminPort,
    args: ["--concurrency", "many"],
  });
  await expect(wrong).rejects.toThrow('concurrency is "many"; use a whole number');
});
