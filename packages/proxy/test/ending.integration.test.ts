/** SIGTERM and closed ports under load: no connection that was made is lost, and what is closed stays closed. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { freePorts } from "@heddle/std/free-ports";
import { cluster, httpFilterChain, listener } from "./rig/bootstrap.ts";
import { startLanes } from "./rig/ending-lanes.ts";
import { eventually } from "./rig/eventually.ts";
import { type Origin, startOrigin } from "./rig/origin.ts";
import { type ProxyProcess, startProxy } from "./rig/proxy-process.ts";

setDefaultTimeout(120_000);
let origin: Origin;
const started: ProxyProcess[] = [];

beforeAll(async () => {
  origin = await startOrigin(({ socket }) => void socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"));
});

afterAll(async () => {
  for (const proxy of started) await proxy.stop();
  origin?.close();
});

async function start(concurrency: number): Promise<{ readonly proxy: ProxyProcess; readonly web: number }> {
  const [web = 0, adminPort = 0] = freePorts(2);
  const bootstrap = {
    static_resources: {
      listeners: [listener("web", web, [httpFilterChain("web")])],
      clusters: [cluster("web", [origin.port], "http1")],
    },
  };
  const args = ["--concurrency", String(concurrency)];
  const proxy = await startProxy({ engine: "heddle", bootstrap, adminPort, args });
  started.push(proxy);
  await eventually("every worker listens", () => listening(web) === concurrency);
  return { proxy, web };
}

/** Sockets that listen on a port. Source: `/proc/net/tcp`, state 0A. */
function listening(port: number): number {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  const lines = readFileSync("/proc/net/tcp", "utf8").split("\n");
  return lines.filter((line) => new RegExp(`^\\s*\\d+: [0-9A-F]{8}:${hex} [0-9A-F:]+ 0A `).test(line)).length;
}

function workersOf({ pid }: ProxyProcess): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean).map(Number),
  );
}

test.each([1, 4])("SIGTERM to %d processes under load: every connection that was made is answered", async (count) => {
  for (let round = 0; round < 3; round++) {
    const { proxy, web } = await start(count);
    const lanes = startLanes({ port: web, lanes: 32, fresh: 16 });
    await eventually("all lanes run", () => lanes.answered() > 500);
    proxy.signal("SIGTERM");
    await lanes.over;
    expect(lanes.lost).toEqual([]);
    expect(await proxy.exited).toBe(0);
  }
});

test("a worker that takes another's place after /drain_listeners opens no port", async () => {
  const { proxy, web } = await start(3);
  await proxy.admin("/drain_listeners", { method: "POST" });
  await eventually("nobody listens", () => listening(web) === 0);
  const [victim = 0] = workersOf(proxy);
  process.kill(victim, "SIGKILL");
  await eventually("another one serves", async () => {
    const text = await (await proxy.admin("/stats?filter=^server.worker_restarts$")).text();
    return text.endsWith(": 1\n") && workersOf(proxy).length === 2 && proxy.log().split("a worker serves").length === 4;
  });
  expect(listening(web)).toBe(0);
});
