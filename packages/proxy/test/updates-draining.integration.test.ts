/** What statistics say of chains and listeners that were replaced or removed, beside real Envoy: all of them drain for a time, used or not. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { freePorts } from "@heddle/std/free-ports";
import { type AdsServer, type Configuration, dynamicBootstrap, startAdsServer } from "./rig/ads-server.ts";
import { cluster, httpFilterChain, listener } from "./rig/bootstrap.ts";
import { presentEngines } from "./rig/engines.ts";
import { eventually } from "./rig/eventually.ts";
import { type Origin, startOrigin } from "./rig/origin.ts";
import { type ProxyProcess, startProxy } from "./rig/proxy-process.ts";
import { connectRaw } from "./rig/raw-client.ts";

setDefaultTimeout(120_000);
const GET = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
let origin: Origin;

beforeAll(async () => {
  origin = await startOrigin(({ socket }) => void socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"));
});
afterAll(() => origin?.close());

for (const engine of presentEngines()) {
  describe(engine, () => {
    const [web = 0, other = 0, adsPort = 0, adminPort = 0] = freePorts(4);
    let ads: AdsServer;
    let proxy: ProxyProcess;

    const config = (name: string, withOther = true): Configuration => ({
      clusters: [cluster("web", [origin.port], "http1")],
      listeners: [
        listener("web", web, [
          // Nobody calls from there.
          {
            ...httpFilterChain("web", { server_name: name }),
            name: "unused",
            filter_chain_match: { source_ports: [1] },
          },
          { ...httpFilterChain("web", { server_name: `${name}-used` }), name: "used" },
          { ...httpFilterChain("web"), name: "same", filter_chain_match: { source_ports: [2] } },
        ]),
        ...(withOther ? [listener("other", other, [httpFilterChain("web")])] : []),
      ],
    });
    const draining = async () => {
      const text = await (await proxy.admin("/stats?filter=draining")).text();
      const of = (what: string) =>
        Number(new RegExp(`listener_manager.total_${what}_draining: (\\d+)`).exec(text)?.[1]);
      return { chains: of("filter_chains"), listeners: of("listeners") };
    };
    const ask = async () => {
      const client = await connectRaw(web);
      client.send(GET);
      const text = await client.until((t) => t.endsWith("ok"));
      return { text, client };
    };
    const answeredBy = async (name: string) => {
      const { text, client } = await ask();
      client.close();
      return text.includes(`server: ${name}-used`);
    };

    beforeAll(async () => {
      ads = await startAdsServer(adsPort, config("first"));
      // With Envoy's own time to drain, 600 s.
      proxy = await startProxy({ engine, bootstrap: dynamicBootstrap(adsPort), adminPort });
      await eventually("the listeners", () => answeredBy("first"));
    });
    afterAll(async () => {
      await proxy?.stop();
      ads?.kill();
    });

    test("chains that change drain, those that don't do not", async () => {
      expect(await draining()).toEqual({ chains: 0, listeners: 0 });
      const { client } = await ask();
      ads.push(config("second"));
      await eventually("the second", () => answeredBy("second"));
      expect(await draining()).toEqual({ chains: 2, listeners: 0 });
      ads.push(config("third"));
      await eventually("the third", () => answeredBy("third"));
      expect(await draining()).toEqual({ chains: 4, listeners: 0 });
      ads.push(config("third", false));
      await eventually("one is gone", async () => (await draining()).listeners === 1);
      expect((await draining()).chains).toBe(4);
      // An idle connection of a chain that is gone is still served.
      client.send(GET);
      await client.until((text) => text.split("server: first-used").length === 3);
      client.close();
    });
  });
}
