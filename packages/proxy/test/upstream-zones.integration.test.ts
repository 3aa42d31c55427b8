/** Requests that stay in the zone of their proxy, as in real Envoy. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { freePorts } from "@heddle/std/free-ports";
import { ask } from "./rig/ask.ts";
import { ENGINES, type Engine, withoutEnvoy } from "./rig/engines.ts";
import { type ProxyProcess, startProxy } from "./rig/proxy-process.ts";
import { ZONED, zonesBootstrap } from "./rig/zones-config.ts";

const skip = withoutEnvoy();

const REQUESTS = 240;

describe.skipIf(skip)("zones as in real Envoy", () => {
  const closers: (() => void)[] = [];
  const proxies = new Map<Engine, ProxyProcess>();
  const ports = new Map<Engine, number>();

  beforeAll(async () => {
    const origins = Array.from({ length: 12 }, (_, i) => {
      const server = Bun.serve({
        hostname: "127.0.0.1",
        port: 0,
        idleTimeout: 0,
        fetch: () => new Response(i < 6 ? "a" : "b"),
      });
      closers.push(() => void server.stop(true));
      return server.port ?? 0;
    });
    await Promise.all(
      ENGINES.map(async (engine) => {
        const [listen = 0, adminPort = 0] = freePorts(2);
        ports.set(engine, listen);
        proxies.set(engine, await startProxy({ engine, bootstrap: zonesBootstrap(listen, origins), adminPort }));
      }),
    );
  }, 40_000);

  afterAll(async () => {
    await Promise.all([...proxies.values()].map((proxy) => proxy.stop()));
    for (const close of closers) close();
  });

  const count = async (engine: Engine, name: string): Promise<number> => {
    const page = await proxies.get(engine)?.admin(`/stats?filter=${encodeURIComponent(`^${name}$`)}`);
    return Number((await page?.text())?.trim().split(": ")[1] ?? Number.NaN);
  };

  // Chance is missed less than once in a million runs: a third of 240 ± 37.
  test.each([
    ["enough", REQUESTS, REQUESTS, "half of the proxies and half of the servers are here: all requests stay"],
    ["few", 43, 117, "a sixth of the servers for half of the requests: a third of them stays"],
    ["small", REQUESTS / 2 - 2, REQUESTS / 2 + 2, "too few servers: zones don't count"],
    ["allowed", REQUESTS, REQUESTS, "as few are allowed"],
    ["off", REQUESTS / 2 - 2, REQUESTS / 2 + 2, "switched off"],
    ["away", 0, 0, "no server is here"],
  ] as const)(
    "%s: %d to %d of the requests stay in the zone (%s)",
    async (cluster, least, most) => {
      expect(Object.keys(ZONED)).toContain(cluster);
      const seen = await Promise.all(
        ENGINES.map(async (engine) => {
          let here = 0;
          for (let i = 0; i < REQUESTS; i++) {
            const { status, body } = await ask(ports.get(engine) ?? 0, {
              name: "",
              path: "/",
              headers: { "x-cluster": cluster },
            });
            expect(status).toBe(200);
            if (body === "a") here++;
          }
          expect([engine, here >= least && here <= most, here]).toEqual([engine, true, here]);
          const at = `cluster.${cluster}.lb_`;
          const [direct = 0, sampled = 0, cross = 0, small = 0, notOk = 0] = await Promise.all(
            ["zone_routing_all_directly", "zone_routing_sampled", "zone_routing_cross_zone", "zone_cluster_too_small"]
              .concat("local_cluster_not_ok")
              .map((name) => count(engine, at + name)),
          );
          return { direct, others: sampled + cross, small: small > 0, notOk };
        }),
      );
      const [ours, envoy] = seen;
      expect(ours as unknown).toEqual(envoy as unknown);
    },
    30_000,
  );
});
