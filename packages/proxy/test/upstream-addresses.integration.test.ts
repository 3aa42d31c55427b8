/** Servers of several addresses, as dual-stack Services have them: which one is tried when, as in real Envoy. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { freePorts } from "@heddle/std/free-ports";
import { addressesBootstrap } from "./rig/addresses-config.ts";
import { ask } from "./rig/ask.ts";
import { ENGINES, type Engine, withoutEnvoy } from "./rig/engines.ts";
import { eventually } from "./rig/eventually.ts";
import { foreignCertificate } from "./rig/foreign-certificate.ts";
import { type ProxyProcess, startProxy } from "./rig/proxy-process.ts";
import { talk } from "./rig/talk.ts";

const skip = withoutEnvoy();

describe.skipIf(skip)("addresses of one server as in real Envoy", () => {
  const closers: (() => void)[] = [];
  const proxies = new Map<Engine, ProxyProcess>();
  const ports = new Map<Engine, { readonly listen: number; readonly tcp: number; readonly held: () => number }>();

  const says = (text: string, hostname: string): number => {
    const server = Bun.serve({ hostname, port: 0, idleTimeout: 0, fetch: () => new Response(text) });
    closers.push(() => void server.stop(true));
    return server.port ?? 0;
  };
  const mute = async (held: Set<Socket>): Promise<number> => {
    const server = createServer((socket) => {
      held.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => held.delete(socket));
      socket.resume();
    });
    closers.push(() => void server.close());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return (server.address() as AddressInfo).port;
  };

  beforeAll(async () => {
    const certificate = await foreignCertificate();
    const secure = createTlsServer({ cert: certificate.cert, key: certificate.key }, (_, answer) =>
      answer.end("secure"),
    );
    closers.push(() => void secure.close());
    await new Promise<void>((resolve) => secure.listen(0, "127.0.0.1", resolve));
    const shared = {
      four: says("four", "127.0.0.1"),
      six: says("six", "::1"),
      secure: (secure.address() as AddressInfo).port,
    };
    await Promise.all(
      ENGINES.map(async (engine) => {
        const [listen = 0, tcp = 0, adminPort = 0] = freePorts(3);
        const held = new Set<Socket>();
        ports.set(engine, { listen, tcp, held: () => held.size });
        const servers = { ...shared, mute: await mute(held), muteToo: await mute(held) };
        proxies.set(
          engine,
          await startProxy({ engine, bootstrap: addressesBootstrap(listen, tcp, servers), adminPort }),
        );
      }),
    );
  }, 40_000);

  afterAll(async () => {
    await Promise.all([...proxies.values()].map((proxy) => proxy.stop()));
    for (const close of closers) close();
  });

  /** The same of both; `take` gives what is compared. */
  const both = async <T>(take: (engine: Engine) => Promise<T>): Promise<T> => {
    const [ours, envoy] = await Promise.all(ENGINES.map((engine) => take(engine)));
    expect(ours as unknown).toEqual(envoy as unknown);
    return ours as T;
  };
  const get = async (engine: Engine, cluster: string): Promise<string> => {
    const port = ports.get(engine)?.listen ?? 0;
    const { status, body } = await ask(port, { name: "", path: "/", headers: { "x-cluster": cluster } });
    return status === 200 ? body : String(status);
  };
  const count = async (engine: Engine, name: string): Promise<number> => {
    const page = await proxies.get(engine)?.admin(`/stats?filter=${encodeURIComponent(`^${name}$`)}`);
    return Number((await page?.text())?.trim().split(": ")[1] ?? Number.NaN);
  };

  test.each([
    ["first", "four", "the first serves", 1],
    ["refused", "six", "the first refuses", 2],
    ["wanted", "six", "the other family is to begin", 1],
    ["counted", "six", "two of the other family are to begin", 1],
    ["given", "six", "the first is of IPv6", 1],
    ["nobody", "503", "all refuse", 2],
  ] as const)("%s: %s (%s)", async (cluster, wanted, _why, attempts) => {
    const seen = await both(async (engine) => [
      await get(engine, cluster),
      await count(engine, `cluster.${cluster}.upstream_cx_total`),
      await count(engine, `cluster.${cluster}.upstream_cx_connect_fail`),
      await count(engine, `cluster.${cluster}.membership_total`),
    ]);
    expect(seen).toEqual([wanted, attempts, wanted === "503" ? 1 : 0, 1]);
  });

  test("an address that is silent has 300 ms, then the next is tried beside it, and it is given up", async () => {
    const took = await Promise.all(
      ENGINES.map(async (engine) => {
        const beganMs = performance.now();
        expect(await get(engine, "silent")).toBe("secure");
        const ms = performance.now() - beganMs;
        await eventually("the silent one is left", () => ports.get(engine)?.held() === 0, 8000);
        return ms;
      }),
    );
    // The silent one alone would take the 20 s of connect_timeout.
    for (const ms of took) expect(ms).toBeGreaterThan(290);
  }, 20_000);

  test("connect_timeout is for all addresses together", async () => {
    const took = await Promise.all(
      ENGINES.map(async (engine) => {
        const beganMs = performance.now();
        expect(await get(engine, "late")).toBe("503");
        const ms = performance.now() - beganMs;
        await eventually("both are left", () => ports.get(engine)?.held() === 0, 8000);
        return [ms < 790, await count(engine, "cluster.late.upstream_cx_connect_timeout")];
      }),
    );
    expect(took).toEqual([
      [false, 1],
      [false, 1],
    ]);
  }, 20_000);

  test("TCP connections try them too", async () => {
    const heard = await both(async (engine) => {
      const send = "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
      return (await talk({ port: ports.get(engine)?.tcp ?? 0, send })).text.split("\r\n\r\n")[1];
    });
    expect(heard).toBe("six");
  }, 20_000);
});
