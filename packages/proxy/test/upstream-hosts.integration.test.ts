/** Which hosts of a cluster serve, and how many requests they take, as in real Envoy: names, priorities, panic, weights, circuit breakers, outliers. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createServer as createStreams } from "node:http2";
import { type AddressInfo, createServer, type Server } from "node:net";
import { freePorts } from "@heddle/std/free-ports";
import { type Answer, ask } from "./rig/ask.ts";
import { ENGINES, type Engine, withoutEnvoy } from "./rig/engines.ts";
import { eventually } from "./rig/eventually.ts";
import { EJECTING, type HostsPorts, hostsBootstrap, LOST } from "./rig/hosts-config.ts";
import { type ProxyProcess, startProxy } from "./rig/proxy-process.ts";
import { talk } from "./rig/talk.ts";

const skip = withoutEnvoy();

describe.skipIf(skip)("hosts of clusters as in real Envoy", () => {
  const closers: (() => void)[] = [];
  const proxies = new Map<Engine, ProxyProcess>();
  const ports = new Map<Engine, HostsPorts>();
  /** Requests that wait, and what lets them go. */
  const waiting = new Set<string>();
  const release = Promise.withResolvers<void>();
  const underWay: Promise<Answer>[] = [];

  const serve = (server: Server): Promise<number> => {
    closers.push(() => void server.close());
    return new Promise((resolve) =>
      server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port)),
    );
  };

  beforeAll(async () => {
    const [a = 0, b = 0, c = 0] = ["a", "b", "c"].map((letter) => {
      const server = Bun.serve({
        hostname: "127.0.0.1",
        port: 0,
        idleTimeout: 0,
        async fetch(incoming) {
          const { pathname } = new URL(incoming.url);
          if (pathname.startsWith("/wait")) {
            waiting.add(pathname);
            await release.promise;
          }
          // The second is slower, by more than a busy machine makes the first.
          if (pathname === "/slower" && letter === "b") await Bun.sleep(3000);
          // "/fail/b/502": the second host fails, with this status.
          const [, kind, who, status] = pathname.split("/");
          return new Response(letter, { status: kind === "fail" && who === letter ? Number(status) : 200 });
        },
      });
      closers.push(() => void server.stop(true));
      return server.port ?? 0;
    });
    const streams = createStreams((incoming, answer) => {
      waiting.add(incoming.url);
      if (incoming.url.startsWith("/wait")) void release.promise.then(() => answer.end("ok"));
      else answer.end("ok");
    });
    closers.push(() => void streams.close());
    await new Promise<void>((resolve) => streams.listen(0, "127.0.0.1", resolve));
    const says = (text: string) =>
      serve(
        createServer((socket) => {
          socket.on("error", () => undefined);
          socket.end(text);
        }),
      );
    const talkers = [await says("often"), await says("seldom")] as const;
    const mute = await serve(createServer((socket) => void socket.on("error", () => undefined).resume()));
    await Promise.all(
      ENGINES.map(async (engine) => {
        const [listen = 0, weighted = 0, away = 0, adminPort = 0] = freePorts(4);
        const own: HostsPorts = {
          listen,
          weighted,
          away,
          mute,
          origins: [a, b, c],
          streams: (streams.address() as AddressInfo).port,
          talkers,
        };
        ports.set(engine, own);
        proxies.set(
          engine,
          await startProxy({ engine, bootstrap: hostsBootstrap(own, engine === "heddle"), adminPort }),
        );
      }),
    );
  }, 40_000);

  afterAll(async () => {
    release.resolve();
    await Promise.all([...proxies.values()].map((proxy) => proxy.stop()));
    for (const close of closers) close();
  });

  /** The same of both; `take` gives what is compared. */
  const both = async <T>(take: (engine: Engine) => Promise<T>): Promise<T> => {
    const [ours, envoy] = await Promise.all(ENGINES.map((engine) => take(engine)));
    expect(ours as unknown).toEqual(envoy as unknown);
    return ours as T;
  };
  const get = (engine: Engine, cluster: string, path = "/"): Promise<Answer> =>
    ask(ports.get(engine)?.listen ?? 0, { name: "", path, headers: { "x-cluster": cluster } });
  /** Who answered, one request after the other. */
  const answerers = async (engine: Engine, cluster: string, times: number, path = "/"): Promise<string[]> => {
    const seen: string[] = [];
    for (let i = 0; i < times; i++) {
      const { status, body } = await get(engine, cluster, path);
      seen.push(status === 200 ? body : String(status));
    }
    return seen;
  };
  const count = async (engine: Engine, name: string): Promise<number> => {
    const page = await proxies.get(engine)?.admin(`/stats?filter=${encodeURIComponent(`^${name}$`)}`);
    return Number((await page?.text())?.trim().split(": ")[1] ?? Number.NaN);
  };

  test("names that nobody has are asked for again within the base interval; Envoy takes them for answered", async () => {
    const counts = async (engine: Engine, stat: string): Promise<readonly number[]> =>
      Promise.all(LOST.map((name) => count(engine, `cluster.${name}.${stat}`)));
    await eventually("all were asked for", async () => {
      const asked = await Promise.all(ENGINES.map((engine) => counts(engine, "update_attempt")));
      return asked.flat().every((times) => times > 0);
    });
    const first = await counts("heddle", "update_attempt");
    // Long before `dns_refresh_rate`; the very times are the unit tests' matter.
    await eventually("another attempt of each", async () => {
      const now = await counts("heddle", "update_attempt");
      return now.every((times, i) => times > 1 || times > (first[i] ?? 0));
    });
    await eventually("Envoy's answers", async () =>
      (await counts("envoy", "update_success")).every((times) => times > 0),
    );
    expect(Math.min(...(await counts("heddle", "update_failure")))).toBeGreaterThan(0);
    expect([await counts("envoy", "update_success"), await counts("envoy", "update_failure")]).toEqual([
      LOST.map(() => 1),
      LOST.map(() => 0),
    ]);
  }, 60_000);

  test.each([
    ["strict", ["a"], "STRICT_DNS"],
    ["logical", ["a"], "LOGICAL_DNS"],
    ["failover", ["c"], "the first priority that has somebody"],
    ["calm", ["a"], "no panic: healthy hosts only"],
    ["panic", ["a", "b", "c"], "panic: everybody"],
    ["sick", ["503"], "nobody is healthy"],
  ] as const)(
    "%s: %j (%s)",
    async (cluster, wanted) => {
      await eventually("the hosts are known", async () => {
        const known = await Promise.all(ENGINES.map((engine) => count(engine, `cluster.${cluster}.membership_total`)));
        return known.every((hosts) => hosts > 0);
      });
      const seen = await both(async (engine) => [...new Set(await answerers(engine, cluster, 6))].sort());
      expect(seen).toEqual([...wanted]);
      await both((engine) => count(engine, `cluster.${cluster}.lb_healthy_panic`));
    },
    60_000,
  );

  test.each([
    // In turn: only where the turn begins is open.
    ["heavy", "weights of hosts", 40, 29, 32],
    ["far", "weights of localities", 40, 29, 32],
  ] as const)(
    "%s: three of four requests go to the first (%s)",
    async (cluster, _what, times, least, below) => {
      for (const engine of ENGINES) {
        const seen = await answerers(engine, cluster, times);
        expect(seen.filter((letter) => letter === "a").length).toBeWithin(least, below);
        expect(new Set(seen)).toEqual(new Set(["a", "b"]));
      }
    },
    60_000,
  );

  test("peak EWMA: the faster host has nearly all requests", async () => {
    const seen = await answerers("heddle", "ewma", 40, "/slower");
    expect(seen.filter((letter) => letter === "a").length).toBeGreaterThan(30);
    expect(seen).toContain("b");
  }, 60_000);

  test("TCP by weight: both clusters are used, the heavier more", async () => {
    for (const engine of ENGINES) {
      const port = ports.get(engine)?.weighted ?? 0;
      let often = 0;
      for (let i = 0; i < 100; i++) if ((await talk({ port, send: "" })).text === "often") often++;
      // 75 are due; 50 or fewer, or all, come once in ten million runs.
      expect(often).toBeWithin(51, 100);
    }
  }, 60_000);

  test.each([
    ["", "orderly"],
    ["hello", "reset"],
  ] as const)("TCP to a server that can't be reached: a client that said %j has an end that is %s", async (send, wanted) => {
    expect(await both(async (engine) => (await talk({ port: ports.get(engine)?.away ?? 0, send })).end)).toBe(wanted);
  });

  test("circuit breakers: max_connections and max_pending_requests", async () => {
    const refused = await both(async (engine) => {
      const first = get(engine, "pending", `/wait/${engine}/1`);
      await eventually("the first is at the server", () => waiting.has(`/wait/${engine}/1`));
      const second = get(engine, "pending", `/wait/${engine}/2`);
      const pending = () => count(engine, "cluster.pending.upstream_rq_pending_active");
      await eventually("the second waits", async () => (await pending()) === 1);
      const { status, headers, body } = await get(engine, "pending");
      const counted = [
        await count(engine, "cluster.pending.upstream_rq_pending_overflow"),
        await count(engine, "cluster.pending.upstream_cx_overflow"),
        await count(engine, "cluster.pending.circuit_breakers.default.cx_open"),
        await count(engine, "cluster.pending.circuit_breakers.default.rq_pending_open"),
        await count(engine, "cluster.pending.circuit_breakers.default.remaining_pending"),
      ];
      underWay.push(first, second);
      return { status, overloaded: headers["x-envoy-overloaded"], body, counted };
    });
    expect(refused).toMatchObject({ status: 503, overloaded: "true" });
    expect(refused.body).toContain("overflow");
  }, 60_000);
  test("circuit breakers: max_requests, and everything goes on afterwards", async () => {
    const refused = await both(async (engine) => {
      underWay.push(get(engine, "requests", `/wait/${engine}/3`));
      await eventually("it is at the server", () => waiting.has(`/wait/${engine}/3`));
      const { status, headers } = await get(engine, "requests");
      return [
        status,
        headers["x-envoy-overloaded"],
        await count(engine, "cluster.requests.upstream_rq_pending_overflow"),
      ];
    });
    expect(refused.slice(0, 2)).toEqual([503, "true"]);
    release.resolve();
    expect((await Promise.all(underWay)).map(({ status }) => status)).toEqual(underWay.map(() => 200));
    for (const cluster of ["pending", "requests"])
      await both(async (engine) => (await get(engine, cluster)).status).then((status) => expect(status).toBe(200));
  }, 60_000);

  test.each([
    ["by-5xx", "/fail/b/500", "b"],
    ["by-gateway", "/fail/b/502", "b"],
    ["by-connect", "/", ""],
    ["by-rate", "/fail/c/500", "c"],
    ["by-percentage", "/fail/a/500", "a"],
  ] as const)(
    "outliers, %s: who fails is ejected, the others serve",
    async (cluster, path, bad) => {
      const stat = `cluster.${cluster}.outlier_detection`;
      const seen = await both(async (engine) => {
        await eventually("an ejection", async () => {
          await answerers(engine, cluster, 18, path);
          return (await count(engine, `${stat}.${EJECTING[cluster]}`)) === 1;
        });
        const after = [...new Set(await answerers(engine, cluster, 9, path))].sort();
        return [
          after,
          await count(engine, `${stat}.ejections_active`),
          await count(engine, `${stat}.ejections_enforced_total`),
        ];
      });
      const serving = cluster === "by-connect" ? ["a"] : ["a", "b", "c"].filter((letter) => letter !== bad);
      expect(seen).toEqual([serving, 1, 1]);
    },
    60_000,
  );
});
