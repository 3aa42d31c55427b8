/** A listener's own limit of connections, by the runtime key that Envoy has for it, beside real Envoy. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { freePorts } from "@heddle/std/free-ports";
import { cluster, httpFilterChain, listener, tcpFilterChain } from "./rig/bootstrap.ts";
import { presentEngines } from "./rig/engines.ts";
import { eventually } from "./rig/eventually.ts";
import { type Origin, startOrigin } from "./rig/origin.ts";
import { type ProxyProcess, startProxy } from "./rig/proxy-process.ts";
import { connectRaw, type RawClient } from "./rig/raw-client.ts";

setDefaultTimeout(60_000);
const engines = presentEngines();
if (engines.length === 1) console.log("skipped: the comparison with Envoy, which is not here (HEDDLE_ENVOY)");
let origin: Origin;

beforeAll(async () => {
  origin = await startOrigin(({ socket }) => void socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"));
});
afterAll(() => origin?.close());

const KEY = "envoy.resource_limits.listener.narrow.connection_limit";

async function start(engine: "heddle" | "envoy", layer: object, args: readonly string[] = []) {
  const [narrow = 0, wide = 0, adminPort = 0] = freePorts(3);
  const proxy = await startProxy({
    engine,
    adminPort,
    args,
    bootstrap: {
      layered_runtime: {
        layers: [
          { name: "static", static_layer: layer },
          { name: "admin", admin_layer: {} },
        ],
      },
      static_resources: {
        listeners: [
          listener("narrow", narrow, [httpFilterChain("app")]),
          listener("wide", wide, [tcpFilterChain("app")]),
        ],
        clusters: [cluster("app", [origin.port], "http1")],
      },
    },
  });
  const open: RawClient[] = [];
  /** Whether a fresh connection, which stays open, is served. */
  const served = async (port: number) => {
    const client = await connectRaw(port);
    open.push(client);
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    const got = await client.until((r) => r.endsWith("ok")).catch(() => client.received());
    return got.endsWith("ok");
  };
  const overflow = async () =>
    (await (await proxy.admin(`/stats?filter=^listener.*${narrow}.downstream_cx_overflow$`)).text()).split(": ")[1];
  const end = async () => {
    for (const client of open) client.close();
    await proxy.stop();
  };
  return { proxy: proxy as ProxyProcess, narrow, wide, served, overflow, open, end };
}

test.each(
  engines,
)("%s: two at once, further ones are closed and counted, and the runtime widens it", async (engine) => {
  const { proxy, narrow, wide, served, overflow, open, end } = await start(engine, { [KEY]: 2 });
  expect([await served(narrow), await served(narrow), await served(narrow)]).toEqual([true, true, false]);
  expect(await served(wide)).toBe(true);
  expect(await overflow()).toBe("1\n");
  open[0]?.close();
  await eventually("room for one", () => served(narrow));
  await proxy.admin(`/runtime_modify?${KEY}=3`, { method: "POST" });
  expect([await served(narrow), await served(narrow)]).toEqual([true, false]);
  await proxy.admin(`/runtime_modify?${KEY}=0`, { method: "POST" });
  expect(await served(narrow)).toBe(false);
  await end();
});

test("with several workers the limit is that of all together", async () => {
  const { narrow, served, overflow, end } = await start("heddle", { [KEY]: 4 }, ["--concurrency", "2"]);
  let count = 0;
  const ask = async () => {
    for (let i = 0; i < 20; i++) if (await served(narrow)) count++;
    return count;
  };
  // Each process has half of it; the second one starts later.
  await eventually("all four are served", async () => (await ask()) === 4);
  expect(await ask()).toBe(4);
  expect(Number(await overflow())).toBeGreaterThan(20);
  await end();
});
