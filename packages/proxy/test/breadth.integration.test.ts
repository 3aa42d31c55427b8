import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createServer, type Http2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { freePorts } from "@heddle/std/free-ports";
import { type Answer, ask } from "./rig/ask.ts";
import { type BreadthCase, breadthCases } from "./rig/breadth-cases.ts";
import { breadthBootstrap } from "./rig/breadth-config.ts";
import { answerCall, bodyCases, runtimeChanges, runtimePaths } from "./rig/breadth-filters.ts";
import { triesCases } from "./rig/breadth-tries.ts";
import { withoutEnvoy } from "./rig/engines.ts";
import { eventually } from "./rig/eventually.ts";
import { type ProxyProcess, startProxy } from "./rig/proxy-process.ts";
import { startRefusingOrigin } from "./rig/refusing-origin.ts";

const skip = withoutEnvoy();

/** Headers of requests that both proxies write, each in its own words. */
const REQUEST_OWN: ReadonlySet<string> = new Set([
  "x-request-id",
  "connection",
  "x-envoy-expected-rq-timeout-ms",
  "content-length",
  "transfer-encoding",
]);

describe.skipIf(skip)("routes, filters and balancers as real Envoy has them", () => {
  const origins: ReturnType<typeof Bun.serve>[] = [];
  const proxies: ProxyProcess[] = [];
  const mirrored: string[] = [];
  const tries = new Map<string, number>();
  let ports: { ours: number; envoy: number };
  let streams: Http2Server;
  let refusing: ReturnType<typeof startRefusingOrigin>;
  /** Requests that the first origin keeps, by engine, and what lets them go. */
  const kept = new Map<string, number>();
  const release = Promise.withResolvers<void>();

  beforeAll(async () => {
    for (const name of ["a", "b", "c"]) {
      origins.push(
        Bun.serve({
          hostname: "127.0.0.1",
          port: 0,
          idleTimeout: 0,
          async fetch(incoming) {
            const url = new URL(incoming.url);
            const key = `${incoming.headers.get("x-engine")}${url.pathname}`;
            const count = (tries.get(key) ?? 0) + 1;
            tries.set(key, count);
            const host = incoming.headers.get("host") ?? "";
            if (host.includes("-shadow"))
              mirrored.push(`${incoming.headers.get("x-engine")} ${url.pathname} ${await incoming.text()}`);
            if (url.pathname === "/least" && name === "a") {
              const engine = incoming.headers.get("x-engine") ?? "";
              kept.set(engine, (kept.get(engine) ?? 0) + 1);
              await release.promise;
            }
            // Far more than any limit of a route, and less than a client waits.
            if (url.pathname.endsWith("/slow")) await Bun.sleep(6000);
            // The first request takes one time, those after it another.
            const slow = /\/slow(\d+)then(\d+)$/.exec(url.pathname);
            if (slow !== null) await Bun.sleep(Number(slow[count === 1 ? 1 : 2]));
            const failing = /\/fail(\d)x(\d{3})$/.exec(url.pathname);
            const headers: Record<string, string> = { "x-origin": name };
            if (failing !== null && count <= Number(failing[1]))
              return new Response("failed", { status: Number(failing[2]), headers });
            const said = /\/say(\d)x(\d{3})\/([\w-]+)=(\w+)$/.exec(url.pathname);
            if (said !== null && count <= Number(said[1]))
              return new Response("said", {
                status: Number(said[2]),
                headers: { ...headers, [said[3] ?? ""]: said[4] ?? "" },
              });
            if (url.pathname.endsWith("/path302"))
              return new Response("", { status: 302, headers: { location: "/after" } });
            const moved = /\/moved(\d{3})$/.exec(url.pathname);
            if (moved !== null)
              return new Response("moved", {
                status: Number(moved[1]),
                headers: { ...headers, location: "http://act.test/after" },
              });
            const seen = Object.fromEntries(
              [...incoming.headers].filter(([n]) => !REQUEST_OWN.has(n) && n !== "x-engine").sort(),
            );
            return Response.json(
              {
                origin: name,
                method: incoming.method,
                path: url.pathname + url.search,
                seen,
                tries: failing === null ? 0 : count,
              },
              { headers },
            );
          },
        }),
      );
    }
    // HTTP/2 without TLS: the first request for a path takes 6 s, those after it no time.
    streams = createServer((incoming, answer) => {
      if (incoming.url.startsWith("/rpc/")) {
        answerCall(incoming, answer);
        return;
      }
      const key = `${incoming.headers["x-engine"]}${incoming.url}`;
      const count = (tries.get(key) ?? 0) + 1;
      tries.set(key, count);
      const late = setTimeout(() => answer.end(`try ${count}`), count === 1 ? 6000 : 0);
      answer.on("close", () => clearTimeout(late));
    });
    await new Promise<void>((resolve) => streams.listen(0, "127.0.0.1", resolve));
    const streamPort = (streams.address() as AddressInfo).port;
    refusing = startRefusingOrigin();
    const [ours = 0, envoy = 0, oursAdmin = 0, envoyAdmin = 0] = freePorts(4);
    ports = { ours, envoy };
    const backends = {
      origins: origins.map((origin) => origin.port ?? 0),
      streams: streamPort,
      refusing: refusing.port,
    };
    proxies.push(
      ...(await Promise.all([
        startProxy({
          engine: "heddle",
          bootstrap: breadthBootstrap({ listen: ours, ...backends }),
          adminPort: oursAdmin,
        }),
        startProxy({
          engine: "envoy",
          bootstrap: breadthBootstrap({ listen: envoy, ...backends }),
          adminPort: envoyAdmin,
        }),
      ])),
    );
  }, 40_000);

  afterAll(async () => {
    for (const proxy of proxies) await proxy.stop();
    for (const origin of origins) await origin.stop(true);
    streams?.close();
    refusing?.stop();
  });

  test.each([...breadthCases, ...bodyCases, ...triesCases].map((item) => [item.name, item] as const))(
    "%s",
    async (_name, item) => {
      const both = await Promise.all(
        (["ours", "envoy"] as const).map((engine) =>
          ask(ports[engine], { ...item, headers: { ...item.headers, "x-engine": engine } }),
        ),
      );
      const [ours, envoy] = both.map((answer) => normalise(answer, item));
      expect(ours).toEqual(envoy as Answer);
      if (item.status !== undefined) expect(ours?.status).toBe(item.status);
      if (item.attempts !== undefined)
        expect(ours?.headers["x-envoy-attempt-count"] ?? "none").toBe(String(item.attempts));
    },
    30_000,
  );

  const counters = (filter: string) =>
    Promise.all(
      proxies.map(async (proxy) => {
        const text = await (await proxy.admin(`/stats?filter=${filter}`)).text();
        return text.trim().split("\n").sort();
      }),
    );

  test("counters of faults", async () => {
    const [ours, envoy] = await counters("^http.breadth.fault.*(delays|aborts)_injected$");
    expect(ours).toEqual(envoy ?? []);
    expect(ours).toContain("http.breadth.fault.delays_injected: 2");
  }, 30_000);

  test("counters of the tries", async () => {
    const [ours, envoy] = await counters("^cluster.r-.*upstream_rq_retry");
    expect(ours).toEqual(envoy ?? []);
    for (const line of [
      "cluster.r-full.upstream_rq_retry_overflow: 1",
      "cluster.r-budget-none.upstream_rq_retry_overflow: 1",
      "cluster.r-limited.upstream_rq_retry_backoff_ratelimited: 1",
      "cluster.r-limited.upstream_rq_retry_backoff_exponential: 2",
    ])
      expect(ours).toContain(line);
  }, 30_000);

  test.each(["ours", "envoy"] as const)("random gives every host its share: %s", async (engine) => {
    const item = { name: "", host: "tries.test", path: "/random", headers: { "x-engine": engine } };
    const counts: Record<string, number> = { a: 0, b: 0, c: 0 };
    for (let i = 0; i < 20; i++)
      for (const { headers } of await Promise.all(Array.from({ length: 6 }, () => ask(ports[engine], item)))) {
        const name = headers["x-origin"] ?? "";
        counts[name] = (counts[name] ?? 0) + 1;
      }
    // Of 120 requests 40 are due to each host; fewer than 12 come once in ten million runs.
    for (const count of Object.values(counts)) expect(count).toBeGreaterThan(11);
  }, 20_000);

  test("least request: a host that keeps its request gets no other", async () => {
    const keeping: Promise<void>[] = [];
    try {
      for (const engine of ["ours", "envoy"] as const) {
        const item = { name: "", host: "tries.test", path: "/least", headers: { "x-engine": engine } };
        const one = async () => {
          while (!kept.has(engine)) await ask(ports[engine], item);
        };
        keeping.push(one());
        await eventually(`a kept request of ${engine}`, () => kept.has(engine));
        // One after the other: a request that waits for its connection does not count yet.
        for (let i = 0; i < 20; i++) expect((await ask(ports[engine], item)).headers["x-origin"]).not.toBe("a");
      }
      expect([kept.get("ours"), kept.get("envoy")]).toEqual([1, 1]);
    } finally {
      release.resolve();
    }
    await Promise.all(keeping);
  }, 25_000);

  test("the runtime changes shares of traffic while it runs", async () => {
    const seen: string[] = [];
    for (const change of ["", ...runtimeChanges]) {
      const [ours, envoy] = await Promise.all(
        (["ours", "envoy"] as const).map(async (engine, i) => {
          const proxy = proxies[i];
          if (proxy === undefined) throw new Error("no proxy");
          const answer =
            change === "" ? "" : await (await proxy.admin(`/runtime_modify?${change}`, { method: "POST" })).text();
          const statuses: string[] = [];
          for (const path of runtimePaths) {
            const { status, body } = await ask(ports[engine], { name: "", host: "filters.test", path });
            statuses.push(`${path} ${status} ${body.startsWith("{") ? "" : body}`);
          }
          return { answer, statuses, page: await (await proxy.admin("/runtime")).json() };
        }),
      );
      expect(ours).toEqual(envoy as NonNullable<typeof envoy>);
      seen.push(ours?.statuses.map((line) => line.split(" ")[1]).join(" ") ?? "");
    }
    // Not every change may leave everything as it was.
    expect(new Set(seen).size).toBeGreaterThan(2);
  }, 20_000);

  test("mirrors got the same copies", async () => {
    for (const engine of ["ours", "envoy"])
      await ask(engine === "ours" ? ports.ours : ports.envoy, {
        name: "",
        path: "/mirror/body",
        method: "POST",
        body: "copy me",
        headers: { "x-engine": engine },
      });
    await eventually("both copies", () =>
      ["ours", "envoy"].every((engine) => mirrored.includes(`${engine} /mirror/body copy me`)),
    );
  }, 30_000);

  test("one connection to a host: the second request waits for it", async () => {
    const stats = await Promise.all(
      (["ours", "envoy"] as const).map(async (engine, i) => {
        const path = "/narrow/slow300then300";
        const item = { name: "", host: "act.test", path, headers: { "x-engine": engine } };
        const answers = await Promise.all([ask(ports[engine], item), ask(ports[engine], item)]);
        expect(answers.map(({ status }) => status)).toEqual([200, 200]);
        const text = await (await proxies[i]?.admin("/stats?filter=^cluster.narrow.upstream_(cx|rq)_total$"))?.text();
        return text?.trim().split("\n").sort();
      }),
    );
    expect(stats[0]).toEqual(["cluster.narrow.upstream_cx_total: 1", "cluster.narrow.upstream_rq_total: 2"]);
    expect(stats[0]).toEqual(stats[1] ?? []);
  }, 30_000);
});

function normalise(answer: Answer, item: BreadthCase): Answer {
  const headers = { ...answer.headers };
  // The value of a made cookie is chance.
  if (item.madeCookie === true) {
    headers["set-cookie"] = (headers["set-cookie"] ?? "").replace(/="[^"]*"/, '="…"');
    return { status: answer.status, headers: { "set-cookie": headers["set-cookie"] }, body: "" };
  }
  return { ...answer, headers };
}
