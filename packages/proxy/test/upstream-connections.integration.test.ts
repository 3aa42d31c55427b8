/** How connections to servers are made, used up and found dead, as in real Envoy: connections ahead, limits, PINGs, TCP keep-alive, back-off. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { createServer as createStreams } from "node:http2";
import type { AddressInfo } from "node:net";
import { freePorts } from "@heddle/std/free-ports";
import { ask } from "./rig/ask.ts";
import { type ConnectionPorts, connectionsBootstrap, QUIET_SECONDS } from "./rig/connections-config.ts";
import { ENGINES, type Engine, withoutEnvoy } from "./rig/engines.ts";
import { eventually } from "./rig/eventually.ts";
import { frame, H2, H2_PREFACE, readFrames } from "./rig/h2-bytes.ts";
import { type H2Peer, startH2Peer } from "./rig/h2-peer.ts";
import { type ProxyProcess, startProxy } from "./rig/proxy-process.ts";
import { connectRaw } from "./rig/raw-client.ts";

const skip = withoutEnvoy();

/** Requests for `/together` are answered when so many wait. */
const TOGETHER = 3;

interface Side {
  readonly proxy: ProxyProcess;
  readonly ports: ConnectionPorts;
  readonly peers: Readonly<Record<"lively" | "silent" | "quiet", H2Peer>>;
  /** When the requests for each path came. Units: ms since 1970. */
  readonly arrivals: Map<string, number[]>;
  stop(): Promise<void>;
}

describe.skipIf(skip)("connections to servers as in real Envoy", () => {
  const sides = new Map<Engine, Side>();

  beforeAll(async () => {
    await Promise.all(ENGINES.map(async (engine) => void sides.set(engine, await startSide(engine))));
  }, 40_000);

  afterAll(async () => {
    await Promise.all([...sides.values()].map((side) => side.stop()));
  });

  /** The same of both; `take` gives what is compared. */
  const both = async <T>(take: (side: Side) => Promise<T>): Promise<T> => {
    const [ours, envoy] = await Promise.all(ENGINES.map((engine) => take(sides.get(engine) as Side)));
    expect(ours as unknown).toEqual(envoy as unknown);
    return ours as T;
  };
  const get = async ({ ports }: Side, cluster: string, path = "/", times = 1, method = "GET"): Promise<number> => {
    let status = 0;
    for (let i = 0; i < times; i++)
      status = (await ask(ports.listen, { name: "", method, path, headers: { "x-cluster": cluster } })).status;
    return status;
  };
  const count = async ({ proxy }: Side, name: string): Promise<number> => {
    const page = await (await proxy.admin(`/stats?filter=${encodeURIComponent(`^${name}$`)}`)).text();
    return Number(page.trim().split(": ")[1] ?? Number.NaN);
  };
  /** The settled number of connections that a cluster has made. */
  const made = async (side: Side, cluster: string, wanted: number): Promise<number> => {
    await eventually(`${wanted} connections of ${cluster}`, async () => {
      return (await count(side, `cluster.${cluster}.upstream_cx_total`)) >= wanted;
    });
    return count(side, `cluster.${cluster}.upstream_cx_total`);
  };

  test.each([
    // First: Envoy subtracts what idles in all clusters together.
    ["foreseen", 2],
    ["plain", 1],
    ["ahead2", 2],
    ["ahead3", 3],
  ] as const)(
    "connections ahead, %s: %d for one request after the other",
    async (cluster, wanted) => {
      const counted = await both(async (side) => {
        const numbers: number[] = [];
        for (const times of [1, 3]) {
          expect(await get(side, cluster, "/", times)).toBe(200);
          numbers.push(await made(side, cluster, wanted));
        }
        return numbers;
      });
      expect(counted).toEqual([wanted, wanted]);
    },
    60_000,
  );

  test("max_requests_per_connection: each connection takes two of five requests", async () => {
    const counted = await both(async (side) => {
      await get(side, "twice", "/", 5);
      return [await made(side, "twice", 3), await count(side, "cluster.twice.upstream_cx_max_requests")];
    });
    expect(counted).toEqual([3, 2]);
  }, 60_000);

  test.each([
    ["narrow", 3],
    ["wide", 1],
  ] as const)(
    "max_concurrent_streams, %s: three requests at once have %d connections",
    async (cluster, wanted) => {
      const counted = await both(async (side) => {
        const statuses = await Promise.all(Array.from({ length: TOGETHER }, () => get(side, cluster, "/together")));
        expect(statuses).toEqual(statuses.map(() => 200));
        return made(side, cluster, wanted);
      });
      expect(counted).toBe(wanted);
    },
    60_000,
  );

  test("max_connection_duration ends a connection, the next request has another", async () => {
    const counted = await both(async (side) => {
      await get(side, "short");
      await eventually("the end of the connection", async () => {
        return (await count(side, "cluster.short.upstream_cx_max_duration_reached")) === 1;
      });
      await eventually("no connection", async () => (await count(side, "cluster.short.upstream_cx_active")) === 0);
      await get(side, "short");
      return made(side, "short", 2);
    });
    expect(counted).toBe(2);
  }, 60_000);

  test("PINGs that are answered keep a connection", async () => {
    await both(async (side) => {
      const { lively } = side.peers;
      expect(await get(side, "lively")).toBe(200);
      await eventually("four PINGs", () => lively.seen.filter((one) => one === "ping").length >= 4);
      expect(await get(side, "lively")).toBe(200);
      expect(lively.connections).toEqual({ total: 1, open: 1 });
      return count(side, "cluster.lively.http2.keepalive_timeout");
    });
  }, 60_000);

  test("a server that answers no PING loses its connection, and the request on it fails", async () => {
    const said = await both(async (side) => {
      const { silent } = side.peers;
      expect(await get(side, "silent")).toBe(200);
      // We would repeat a GET that is lost with a kept-alive connection.
      const status = await get(side, "silent", "/", 1, "POST");
      await eventually("the closed connection", () => silent.connections.open === 0);
      const timeouts = await count(side, "cluster.silent.http2.keepalive_timeout");
      // A new connection serves again.
      return [status, timeouts, await get(side, "silent")];
    });
    expect(said).toEqual([503, 1, 200]);
  }, 60_000);

  test("connection_idle_interval: a PING goes before the request on a quiet connection", async () => {
    const seen = await both(async (side) => {
      await get(side, "quiet", "/", 2);
      await Bun.sleep(QUIET_SECONDS * 1000 + 300);
      await get(side, "quiet");
      return side.peers.quiet.seen;
    });
    expect(seen).toEqual(["request", "request", "ping", "request"]);
  }, 60_000);

  test("a client that answers no PING is closed, one that does is not", async () => {
    const counted = await both(async (side) => {
      const silent = await connectRaw(side.ports.pinging);
      silent.send(Buffer.concat([H2_PREFACE, frame(H2.settings, 0, 0)]));
      const lively = await connectRaw(side.ports.pinging);
      lively.send(Buffer.concat([H2_PREFACE, frame(H2.settings, 0, 0)]));
      let answered = 0;
      const answer = setInterval(() => {
        const pings = readFrames(lively.received()).filter(({ type, flags }) => type === H2.ping && flags === 0);
        for (const { payload } of pings.slice(answered)) lively.send(frame(H2.ping, 1, 0, payload));
        answered = pings.length;
      }, 10);
      try {
        await silent.ended();
        await eventually("four PINGs", () => answered >= 4);
        expect(lively.state()).toBe("open");
      } finally {
        clearInterval(answer);
        lively.close();
      }
      return count(side, "http2.keepalive_timeout");
    });
    expect(counted).toBe(1);
  }, 60_000);

  test("tcp_keepalive: the kernel probes the connection after the time that was asked for", async () => {
    await both(async (side) => {
      await get(side, "plain");
      await get(side, "watched");
      const timers = keepAliveTimers(side.ports.origins[0]);
      const ofThis = timers.filter((seconds) => seconds > 6000 && seconds <= 7000);
      expect(ofThis).toHaveLength(1);
      return ofThis.length;
    });
  }, 60_000);

  test.each([
    ["retry-after", (): string => "1"],
    ["x-ratelimit-reset", (): string => String(Math.ceil(Date.now() / 1000) + 3)],
  ] as const)(
    "a retry comes no sooner than %s says",
    async (header, value) => {
      await both(async (side) => {
        const path = `/limited/${header}/${value()}`;
        expect(await get(side, "plain", path)).toBe(200);
        const [first = 0, second = 0, ...more] = side.arrivals.get(path) ?? [];
        expect(more).toEqual([]);
        const due = header === "retry-after" ? first + 1000 : Number(path.split("/")[3]) * 1000;
        // A timer may be a tick early.
        expect(second).toBeGreaterThan(due - 60);
        return count(side, "cluster.plain.upstream_rq_retry_backoff_ratelimited");
      });
    },
    60_000,
  );
});

async function startSide(engine: Engine): Promise<Side> {
  const arrivals = new Map<string, number[]>();
  const origins = [1, 2].map(() =>
    Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      idleTimeout: 0,
      fetch(incoming) {
        const { pathname } = new URL(incoming.url);
        const times = arrivals.get(pathname) ?? [];
        times.push(Date.now());
        arrivals.set(pathname, times);
        const [, kind, header = "", value = ""] = pathname.split("/");
        if (kind === "limited" && times.length === 1)
          return new Response("later", { status: 503, headers: { [header]: value } });
        return new Response("ok");
      },
    }),
  );
  const waiting: (() => void)[] = [];
  const streams = createStreams((incoming, answer) => {
    if (incoming.url !== "/together") return void answer.end("ok");
    waiting.push(() => answer.end("ok"));
    if (waiting.length === TOGETHER) for (const end of waiting.splice(0)) end();
  });
  await new Promise<void>((resolve) => streams.listen(0, "127.0.0.1", resolve));
  const [lively, silent, quiet] = await Promise.all([
    startH2Peer({ answersPings: true }),
    startH2Peer({ answersPings: false, answers: 1 }),
    startH2Peer({ answersPings: true }),
  ]);
  const [listen = 0, pinging = 0, adminPort = 0] = freePorts(3);
  const ports: ConnectionPorts = {
    listen,
    pinging,
    origins: [origins[0]?.port ?? 0, origins[1]?.port ?? 0],
    streams: (streams.address() as AddressInfo).port,
    lively: lively.port,
    silent: silent.port,
    quiet: quiet.port,
  };
  const proxy = await startProxy({ engine, bootstrap: connectionsBootstrap(ports), adminPort });
  return {
    proxy,
    ports,
    peers: { lively, silent, quiet },
    arrivals,
    async stop() {
      await proxy.stop();
      for (const origin of origins) await origin.stop(true);
      streams.close();
      for (const peer of [lively, silent, quiet]) peer.stop();
    },
  };
}

/** What is left on the keep-alive timers of connections to a local port. Source: proc(5), /proc/net/tcp. Units: s. */
function keepAliveTimers(port: number): readonly number[] {
  const KEEPALIVE_TIMER = "02";
  return readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => Number.parseInt(fields[2]?.split(":")[1] ?? "", 16) === port)
    .map((fields) => (fields[5] ?? "").split(":"))
    .filter(([kind]) => kind === KEEPALIVE_TIMER)
    .map(([, ticks]) => Number.parseInt(ticks ?? "", 16) / 100);
}
