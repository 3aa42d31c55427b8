/** Configuration changes under traffic, over real ADS: nothing that is under way is lost, whatever the control plane does. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { freePorts } from "@heddle/std/free-ports";
import { type AdsServer, type Configuration, dynamicBootstrap, startAdsServer } from "./rig/ads-server.ts";
import { cluster, httpFilterChain, type Json, listener, tcpFilterChain } from "./rig/bootstrap.ts";
import { eventually } from "./rig/eventually.ts";
import { type Origin, startOrigin } from "./rig/origin.ts";
import { type ProxyProcess, startProxy } from "./rig/proxy-process.ts";
import { connectRaw } from "./rig/raw-client.ts";

setDefaultTimeout(120_000);
const [web = 0, tcp = 0, other = 0, adsPort = 0, adminPort = 0] = freePorts(5);
let one: Origin;
let two: Origin;
let ads: AdsServer;
let proxy: ProxyProcess;
/** Answers of /slow, held until a test lets them go. */
const held: (() => void)[] = [];

async function startNamed(name: string): Promise<Origin> {
  return startOrigin(({ target, body, socket }) => {
    const text = `${name}${body}`;
    const send = () => void socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\n\r\n${text}`);
    if (target === "/slow") held.push(send);
    else if (target === "/begun") {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\n\r\n${text.slice(0, 1)}`);
      held.push(() => void socket.write(text.slice(1)));
    } else send();
  });
}

const config = (to: Origin, more: Json = {}): Configuration => ({
  clusters: [cluster("web", [to.port], "http1"), cluster("tcp", [to.port])],
  listeners: [listener("web", web, [httpFilterChain("web", more)]), listener("tcp", tcp, [tcpFilterChain("tcp")])],
});

beforeAll(async () => {
  one = await startNamed("one");
  two = await startNamed("two");
  ads = await startAdsServer(adsPort, config(one));
  proxy = await startProxy({ engine: "heddle", bootstrap: dynamicBootstrap(adsPort), adminPort });
  await eventually("the listeners", async () => (await ask(web)).endsWith("one"));
});

afterAll(async () => {
  await proxy?.stop();
  ads?.kill();
  one?.close();
  two?.close();
});

const GET = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

/** One request over a connection of its own. */
async function ask(port: number): Promise<string> {
  const client = await connectRaw(port);
  try {
    client.send(GET);
    return await client.until((r) => /\r\n\r\n.+/s.test(r));
  } finally {
    client.close();
  }
}

describe("a cluster changes", () => {
  test("requests under way finish where they are, later ones go to the new endpoint", async () => {
    const client = await connectRaw(web);
    client.send("GET /slow HTTP/1.1\r\nhost: a\r\n\r\n");
    await eventually("the request is there", () => held.length === 1);
    const tunnel = await connectRaw(tcp);
    tunnel.send(GET);
    await tunnel.until((r) => r.endsWith("one"));
    ads.push(config(two));
    await eventually("the new endpoint", async () => (await ask(web)).endsWith("two"));
    held.pop()?.();
    await client.until((r) => r.endsWith("one"));
    // The same connection of the client goes on.
    client.send(GET);
    await client.until((r) => r.endsWith("two"));
    tunnel.send(GET);
    await tunnel.until((r) => r.split("one").length === 3);
    client.close();
    tunnel.close();
  });
});

describe("a listener changes", () => {
  test("the request under way finishes, its connection ends in good order, new ones get the new configuration", async () => {
    const idle = await connectRaw(web);
    idle.send(GET);
    await idle.until((r) => r.endsWith("two"));
    const client = await connectRaw(web);
    client.send("GET /slow HTTP/1.1\r\nhost: a\r\n\r\n");
    await eventually("the request is there", () => held.length === 1);
    const begun = await connectRaw(web);
    begun.send("GET /begun HTTP/1.1\r\nhost: a\r\n\r\n");
    await begun.until((r) => r.endsWith("\r\n\r\nt"));
    const tunnel = await connectRaw(tcp);
    tunnel.send(GET);
    await tunnel.until((r) => r.endsWith("two"));
    ads.push(config(two, { server_name: "renewed" }));
    await eventually("the new configuration", async () => (await ask(web)).includes("server: renewed"));
    // Closing an idle connection would race with a request that is on its way; it is told with the next answer.
    idle.send(GET);
    expect((await idle.ended()).split("two")[1]).toContain("connection: close");
    // Neither can an answer say it whose head is gone.
    held.pop()?.();
    begun.send(GET);
    const [first = "", second = ""] = (await begun.ended()).split("two");
    expect(first).not.toContain("connection: close");
    expect(second).toContain("connection: close");
    held.pop()?.();
    const text = await client.ended();
    expect(text).toEndWith("two");
    expect(text).toContain("connection: close");
    // The TCP listener did not change.
    tunnel.send(GET);
    await tunnel.until((r) => r.split("two").length === 3);
    tunnel.close();
  });

  test("at no moment is a connection refused", async () => {
    let running = true;
    let answered = 0;
    const failures: string[] = [];
    const load = async () => {
      while (running) {
        await ask(web).then(
          (text) => (text.startsWith("HTTP/1.1 200") ? answered++ : failures.push(text)),
          (error: Error) => failures.push(error.message),
        );
      }
    };
    const loads = [load(), load(), load()];
    for (let i = 0; i < 10; i++) {
      ads.push(config(i % 2 === 0 ? one : two, { server_name: `turn-${i}` }));
      await eventually(`turn ${i}`, async () => (await ask(web)).includes(`server: turn-${i}`));
    }
    await eventually("requests beside the turns", () => answered > 10);
    running = false;
    await Promise.all(loads);
    expect(failures).toEqual([]);
  });

  test("a listener is added and removed", async () => {
    const base = config(one);
    ads.push({ ...base, listeners: [...base.listeners, listener("other", other, [httpFilterChain("web")])] });
    await eventually("the new port answers", async () => (await ask(other)).endsWith("one"));
    ads.push(base);
    await eventually("the port is closed", () =>
      connectRaw(other).then(
        (client) => void client.close(),
        () => true,
      ),
    );
    expect(await ask(web)).toEndWith("one");
  });
});

describe("a refused update", () => {
  test("names the field, and the old configuration stays in service", async () => {
    const before = ads.refusals.length;
    ads.push(config(one, { codec_type: "HTTP3" }));
    await eventually("the refusal", () => ads.refusals.length > before);
    expect(ads.refusals.at(-1)).toContain("codec_type");
    expect(await ask(web)).toEndWith("one");
    const dump = JSON.stringify(await (await proxy.admin("/config_dump")).json());
    expect(dump).toContain("error_state");
    ads.push(config(one));
    await eventually("it is taken back", async () => {
      const now = JSON.stringify(await (await proxy.admin("/config_dump")).json());
      return !now.includes("error_state");
    });
  });
});

describe("the control plane flaps", () => {
  test("killed and back again and again: not one request fails, and changes arrive afterwards", async () => {
    let running = true;
    const failures: string[] = [];
    const client = await connectRaw(web);
    let asked = 0;
    const load = (async () => {
      while (running) {
        asked++;
        const before = client.received().length;
        client.send(GET);
        const text = await client.until((r) => r.slice(before).endsWith("one"));
        if (!text.slice(before).startsWith("HTTP/1.1 200")) failures.push(text.slice(before));
        await Bun.sleep(5);
      }
    })();
    const tunnel = await connectRaw(tcp);
    for (let i = 0; i < 3; i++) {
      ads.kill();
      await Bun.sleep(200);
      ads = await startAdsServer(adsPort, config(one));
      await eventually("the proxy is back at the control plane", () => ads.acknowledged() >= 2);
    }
    tunnel.send(GET);
    await tunnel.until((r) => r.endsWith("one"));
    tunnel.close();
    await eventually("enough requests", () => asked > 50);
    running = false;
    await load;
    expect(failures).toEqual([]);
    // The very connection survived: an unchanged listener is left alone.
    expect(client.state()).toBe("open");
    client.close();
    ads.push(config(two));
    await eventually("a change after the flapping", async () => (await ask(web)).endsWith("two"));
  });
});
