/** `Expect: 100-continue` as in real Envoy, in all four cells of HTTP/1 and HTTP/2, answered by the proxy or (`proxy_100_continue`) by the server. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { freePorts } from "@heddle/std/free-ports";
import { cluster, httpFilterChain, listener } from "./rig/bootstrap.ts";
import { ENGINES, type Engine, withoutEnvoy } from "./rig/engines.ts";
import { type Expecting, expectOverHttp1, expectOverHttp2 } from "./rig/expecting-client.ts";
import { type ExpectingOrigin, startExpectingHttp1, startExpectingHttp2 } from "./rig/expecting-origin.ts";
import { type ProxyProcess, startProxy } from "./rig/proxy-process.ts";

const skip = withoutEnvoy();

const WAYS = ["answered here", "passed on"] as const;
const UPSTREAMS = ["HTTP/1", "HTTP/2"] as const;
const CLIENTS: Readonly<Record<string, Expecting>> = { "HTTP/1": expectOverHttp1, "HTTP/2": expectOverHttp2 };

describe.skipIf(skip)("100-continue as in real Envoy", () => {
  const proxies: ProxyProcess[] = [];
  const origins = new Map<string, ExpectingOrigin>();
  const ports = new Map<string, number>();

  beforeAll(async () => {
    origins.set("HTTP/1", await startExpectingHttp1());
    origins.set("HTTP/2", await startExpectingHttp2());
    await Promise.all(
      ENGINES.map(async (engine) => {
        const free = freePorts(5);
        const adminPort = free.pop() ?? 0;
        const listeners = WAYS.flatMap((way) =>
          UPSTREAMS.map((up) => {
            const port = free.pop() ?? 0;
            ports.set(`${engine} ${way} ${up}`, port);
            const name = up === "HTTP/1" ? "h1" : "h2";
            return listener(`${name} ${way}`, port, [
              httpFilterChain(name, { proxy_100_continue: way === "passed on" }),
            ]);
          }),
        );
        const clusters = [
          cluster("h1", [origins.get("HTTP/1")?.port ?? 0], "http1"),
          cluster("h2", [origins.get("HTTP/2")?.port ?? 0], "http2"),
        ];
        const bootstrap = { static_resources: { listeners, clusters } };
        proxies.push(await startProxy({ engine, bootstrap, adminPort }));
      }),
    );
  }, 40_000);

  afterAll(async () => {
    await Promise.all(proxies.map((proxy) => proxy.stop()));
    for (const origin of origins.values()) origin.close();
  });

  const cases = Object.keys(CLIENTS).flatMap((down) =>
    UPSTREAMS.flatMap((up) =>
      WAYS.flatMap((way) => ["continue", "final", "ignore"].map((what) => [down, up, way, what] as const)),
    ),
  );
  const talk = async (engine: Engine, down: string, up: string, way: string, what: string) => {
    const path = `/${what}/${engine}/${down}/${way.replace(" ", "-")}`;
    // Only where somebody may not say 100 does the client go on without it.
    const patienceMs = way === "passed on" && ["ignore", "hints"].includes(what) ? 500 : 20_000;
    const client = (await CLIENTS[down]?.(ports.get(`${engine} ${way} ${up}`) ?? 0, path, patienceMs)) ?? [];
    return { client, server: origins.get(up)?.seen.get(path) };
  };

  test.each(cases)(
    "%s client, %s server, %s: /%s",
    async (down, up, way, what) => {
      const [ours, envoy] = await Promise.all(ENGINES.map((engine) => talk(engine, down, up, way, what)));
      if (ours === undefined || envoy === undefined) throw new Error("no answers");
      // An answer that needs no body may come before or after it, and closes the connection before it.
      if (what === "final")
        for (const side of [ours, envoy])
          side.client = side.client.filter((event) => event !== "body" && (way === "passed on" || event !== "close"));
      expect(ours).toEqual(envoy);
      expect(ours.client.includes("100")).toBe(way === "answered here" || what === "continue");
      expect(ours.server).toStartWith(way === "answered here" ? "no expect" : "100-continue");
    },
    30_000,
  );

  test.each(
    Object.keys(CLIENTS).flatMap((down) => UPSTREAMS.flatMap((up) => WAYS.map((way) => [down, up, way] as const))),
  )(
    "%s client, %s server, %s: early hints reach the client, of which Envoy passes on one answer at most",
    async (down, up, way) => {
      const [ours, envoy] = await Promise.all(ENGINES.map((engine) => talk(engine, down, up, way, "hints")));
      const infos = (events: readonly string[] | undefined) => events?.filter((event) => event.startsWith("1")).sort();
      expect(infos(ours?.client)).toEqual(["100", "103"]);
      expect(infos(envoy?.client)).toEqual([way === "answered here" ? "100" : "103"]);
      expect(ours?.client.at(-1)).toBe("200");
    },
    30_000,
  );
});
