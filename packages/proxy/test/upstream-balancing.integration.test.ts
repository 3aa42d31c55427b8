/** How much each host gets, as in real Envoy: weights, requests under way, new hosts that are warmed up. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "@heddle/std/free-ports";
import { ask } from "./rig/ask.ts";
import {
  BIASED,
  BOUNDED,
  balancingBootstrap,
  endpointsFile,
  WARMING,
  WEIGHED,
  WINDOW_SECONDS,
} from "./rig/balancing-config.ts";
import { ENGINES, type Engine, withoutEnvoy } from "./rig/engines.ts";
import { eventually } from "./rig/eventually.ts";
import { type ProxyProcess, startProxy } from "./rig/proxy-process.ts";

const skip = withoutEnvoy();

const HOSTS = 6;
/** Requests that wait at once for each cluster with a bias. */
const WAITING = 30;
/** Parts of a new host's time that are looked at; one more comes after it. */
const PARTS = 4;
/** Requests of a part that say something. */
const ENOUGH = 15;

describe.skipIf(skip)("shares of hosts as in real Envoy", () => {
  const closers: (() => void)[] = [];
  const proxies = new Map<Engine, ProxyProcess>();
  const listens = new Map<Engine, number>();
  const weights = Array.from({ length: HOSTS }, () => 1 + Math.floor(Math.random() * 20));
  const folder = mkdtempSync(join(tmpdir(), "heddle-balancing-test-"));
  const file = join(folder, "endpoints.json");
  const release = Promise.withResolvers<void>();
  const arrived = new Set<string>();
  let origins: readonly number[] = [];
  let startedMs = 0;

  beforeAll(async () => {
    origins = Array.from({ length: HOSTS }, (_, i) => {
      const server = Bun.serve({
        hostname: "127.0.0.1",
        port: 0,
        idleTimeout: 0,
        async fetch(incoming) {
          const { pathname } = new URL(incoming.url);
          if (pathname.startsWith("/wait")) {
            arrived.add(pathname);
            await release.promise;
          }
          return new Response(String(i));
        },
      });
      closers.push(() => void server.stop(true));
      return server.port ?? 0;
    });
    writeFileSync(file, endpointsFile(origins, 1));
    await Promise.all(
      ENGINES.map(async (engine) => {
        const [listen = 0, adminPort = 0] = freePorts(2);
        listens.set(engine, listen);
        const bootstrap = balancingBootstrap({ listen, origins, weights, endpoints: file });
        proxies.set(engine, await startProxy({ engine, bootstrap, adminPort }));
      }),
    );
    startedMs = performance.now();
  }, 40_000);

  afterAll(async () => {
    release.resolve();
    await Promise.all([...proxies.values()].map((proxy) => proxy.stop()));
    for (const close of closers) close();
    rmSync(folder, { recursive: true, force: true });
  });

  const host = async (engine: Engine, cluster: string, path = "/", key = ""): Promise<number> => {
    const headers = { "x-cluster": cluster, "x-key": key };
    const { status, body } = await ask(listens.get(engine) ?? 0, { name: "", path, headers });
    expect(status).toBe(200);
    return Number(body);
  };
  /** Sends requests that wait, each when the one before is at its host; gives what each host has then. */
  const pileUp = async (engine: Engine, cluster: string, keys: readonly string[]): Promise<number[]> => {
    const waiting: Promise<number>[] = [];
    for (const [i, key] of keys.entries()) {
      const path = `/wait/${engine}/${cluster}/${i}`;
      waiting.push(host(engine, cluster, path, key));
      await eventually("the request is at its host", () => arrived.has(path));
    }
    void Promise.allSettled(waiting);
    const page = (await (await proxies.get(engine)?.admin("/clusters"))?.text()) ?? "";
    return origins.map((port) =>
      Number(new RegExp(`^${cluster}::127\\.0\\.0\\.1:${port}::rq_active::(\\d+)$`, "m").exec(page)?.[1] ?? 0),
    );
  };

  test.each(WEIGHED)("%s: shares are as random weights", async (cluster) => {
    const total = weights.reduce((sum, one) => sum + one, 0);
    for (const engine of ENGINES) {
      const got = weights.map(() => 0);
      for (let i = 0; i < 3 * total; i++) {
        const which = await host(engine, cluster);
        got[which] = (got[which] ?? 0) + 1;
      }
      // Evenly spread: never far from what is due.
      const off = got.map((count, i) => Math.abs(count - 3 * (weights[i] ?? 0)));
      expect([engine, weights, got, Math.max(...off) <= 2]).toEqual([engine, weights, got, true]);
    }
  }, 40_000);

  test("chance asks for no weights", async () => {
    for (const engine of ENGINES) {
      let first = 0;
      for (let i = 0; i < 200; i++) if ((await host(engine, "chance")) === 0) first++;
      // 100 ± 37 is missed once in ten million runs.
      expect([engine, first, first > 62 && first < 138]).toEqual([engine, first, true]);
    }
  }, 20_000);

  test.each(Object.keys(BIASED))("%s: requests under way count as in Envoy", async (cluster) => {
    const keys = Array.from({ length: WAITING }, () => "");
    const shares = await Promise.all(ENGINES.map((engine) => pileUp(engine, cluster, keys)));
    const [ours = 0, envoy = 0] = shares.map((hosts) => hosts[1]);
    // Where the sequences begin is chance.
    expect([shares, Math.abs(ours - envoy) <= 2]).toEqual([shares, true]);
  }, 60_000);

  test.each(Object.keys(BOUNDED))("%s: what is too much for a host goes where Envoy sends it", async (cluster) => {
    // Three keys out of four are one, so that its host has too much soon.
    const keys = Array.from({ length: WAITING }, (_, i) => (i % 4 < 3 ? "busy" : `key-${i}`));
    const [ours, envoy] = await Promise.all(ENGINES.map((engine) => pileUp(engine, cluster, keys)));
    expect(ours as unknown).toEqual(envoy as unknown);
    expect(ours?.filter((count) => count > 0).length).toBeGreaterThan(3);
  }, 40_000);

  /** Adds one host; gives when each engine had it. */
  const grow = async (count: number): Promise<ReadonlyMap<Engine, number>> => {
    writeFileSync(`${file}.new`, endpointsFile(origins, count));
    renameSync(`${file}.new`, file);
    const known = ENGINES.map(async (engine) => {
      const atMs = await eventually(`${engine} knows the new host`, async () => {
        const page = (await (await proxies.get(engine)?.admin("/clusters"))?.text()) ?? "";
        const all = Object.keys(WARMING).every((name) => page.includes(`${name}::127.0.0.1:${origins[count - 1]}::`));
        return all && performance.now();
      });
      return [engine, atMs] as const;
    });
    return new Map(await Promise.all(known));
  };
  /** How many requests there were in each part of the youngest host's time, the last of `count`, and how many of them it got. */
  const youngShares = async (count: number, known: ReadonlyMap<Engine, number>) => {
    const seen = new Map<string, { all: number; young: number }[]>();
    const partMs = (WINDOW_SECONDS * 1000) / PARTS;
    const over = Math.max(...known.values()) + partMs * (PARTS + 1);
    await Promise.all(
      ENGINES.flatMap((engine) =>
        Object.keys(WARMING).map(async (cluster) => {
          const list = Array.from({ length: PARTS + 1 }, () => ({ all: 0, young: 0 }));
          seen.set(`${engine} ${cluster}`, list);
          while (performance.now() < over) {
            const at = list[Math.floor((performance.now() - (known.get(engine) ?? 0)) / partMs)];
            const which = await host(engine, cluster);
            if (at === undefined) continue;
            at.all++;
            if (which === count - 1) at.young++;
          }
        }),
      ),
    );
    return seen;
  };

  test("slow start: a new host's share grows as in Envoy", async () => {
    // The first host must no longer be new.
    await Bun.sleep(Math.max(0, startedMs + WINDOW_SECONDS * 1000 + 300 - performance.now()));
    const clusters = Object.keys(WARMING);
    for (const engine of ENGINES) for (const cluster of clusters) expect(await host(engine, cluster)).toBe(0);
    // A machine that stood still has measured nothing: the next new host is looked at.
    let count = 1;
    let seen: Awaited<ReturnType<typeof youngShares>>;
    do {
      expect(++count).toBeLessThanOrEqual(HOSTS);
      seen = await youngShares(count, await grow(count));
    } while ([...seen.values()].some((list) => list.some(({ all }) => all < ENOUGH)));
    for (const cluster of clusters) {
      const [ours = [], envoy = []] = ENGINES.map((engine) => seen.get(`${engine} ${cluster}`) ?? []);
      const share = ({ all, young } = { all: 0, young: 0 }) => Math.round((young * 100) / all);
      // Of few requests one more or less is much.
      const far = ours.map((one, i) => {
        const other = envoy[i] ?? { all: 0, young: 0 };
        return Math.abs(share(one) - share(other)) - 100 / Math.min(one.all, other.all);
      });
      expect([cluster, ours, envoy, Math.max(...far) <= 8]).toEqual([cluster, ours, envoy, true]);
      const last = ours[PARTS] ?? { all: 0, young: 0 };
      expect(Math.abs(last.young - last.all / count)).toBeLessThanOrEqual(2 + last.all / 100);
    }
  }, 120_000);
});
