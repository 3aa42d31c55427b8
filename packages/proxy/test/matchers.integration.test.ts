/** Matcher trees beside real Envoy: which filter chain, whether a connection or request may pass, which route. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { freePorts } from "@heddle/std/free-ports";
import { ENGINES, type Engine, withoutEnvoy } from "./rig/engines.ts";
import {
  MATCHER_LISTENERS,
  type MatcherListener,
  matchersBootstrap,
  VALUE_CONDITIONS,
  VALUE_NAMES,
} from "./rig/matchers-config.ts";
import { type ProxyProcess, startProxy } from "./rig/proxy-process.ts";
import { clientHello } from "./rig/secure-talk.ts";
import { type Talk, talk } from "./rig/talk.ts";

setDefaultTimeout(60_000);
const skip = withoutEnvoy();

describe.skipIf(skip)("matcher trees as real Envoy has them", () => {
  const proxies: Partial<Record<Engine, ProxyProcess>> = {};
  const ports: Partial<Record<Engine, Readonly<Record<MatcherListener, number>>>> = {};

  beforeAll(async () => {
    const free = freePorts((MATCHER_LISTENERS.length + 1) * 2);
    await Promise.all(
      ENGINES.map(async (engine) => {
        const own = Object.fromEntries(MATCHER_LISTENERS.map((name) => [name, free.pop() ?? 0]));
        ports[engine] = own as Readonly<Record<MatcherListener, number>>;
        const bootstrap = matchersBootstrap(own as Readonly<Record<MatcherListener, number>>);
        proxies[engine] = await startProxy({ engine, bootstrap, adminPort: free.pop() ?? 0 });
      }),
    );
  });
  afterAll(async () => {
    await Promise.all(Object.values(proxies).map((proxy) => proxy.stop()));
  });

  const portOf = (engine: Engine, name: MatcherListener): number => ports[engine]?.[name] ?? 0;
  /** What our clients get; Envoy's must get the same. */
  const both = async <T>(take: (engine: Engine) => Promise<T>): Promise<T> => {
    const [ours, envoy] = await Promise.all(ENGINES.map((engine) => take(engine)));
    expect(ours as unknown).toEqual(envoy as unknown);
    return ours as T;
  };
  const says = (name: MatcherListener, how: Partial<Talk>) =>
    both(async (engine) => (await talk({ send: "", ...how, port: portOf(engine, name) })).text);

  test.each([
    ["127.0.0.1", "127.0.0.1", "eight"],
    ["127.0.1.1", "127.0.0.1", "twentyfour"],
    ["127.0.9.9", "127.0.0.1", "twentyfour"],
    ["127.0.1.7", "127.0.0.5", "seven"],
    // A block whose tree leads nowhere is passed over.
    ["127.0.1.7", "127.0.0.6", "twentyfour"],
    ["127.0.2.1", "127.0.0.1", "second"],
    ["127.0.2.7", "127.0.0.5", "seven"],
    // An exclusive block is none for those that a more specific one holds.
    ["127.0.2.7", "127.0.0.6", "eight"],
    // No chain has the name.
    ["127.0.3.1", "127.0.0.1", ""],
  ])("addresses: %s called from %s is %s", async (to, from, expected) => {
    expect(await says("ranges", { to, from })).toBe(expected);
  });

  test.each([
    ["one.match.test", [], "exact"],
    ["two.match.test", [], "wild"],
    ["a.b.match.test", [], "wild"],
    ["x.deep.match.test", ["h2", "http/1.1"], "both"],
    ["x.deep.match.test", ["h2"], "wild"],
    ["match.test", [], "any"],
    ["elsewhere.test", [], "any"],
    [undefined, [], "nameless"],
  ] as const)("names: %p with ALPN %p is %s", async (servername, ALPNProtocols, expected) => {
    const send = await clientHello({ ...(servername === undefined ? {} : { servername }), ALPNProtocols });
    expect(await says("names", { send })).toBe(expected);
  });

  test("names: plain HTTP, and bytes that are none", async () => {
    expect(await says("names", { send: "GET / HTTP/1.1\r\nhost: a\r\n\r\n" })).toBe("http");
    expect(await says("names", { send: "hello, I am nobody\r\n\r\n" })).toBe("otherwise");
  });

  test.each([
    ["127.0.0.3", "and"],
    ["127.0.0.1", "regex"],
    ["127.0.0.2", "regex"],
    ["127.0.0.9", "otherwise"],
  ])("conditions: from %s is %s", async (from, expected) => {
    expect(await says("conditions", { from })).toBe(expected);
  });

  test.each([
    ["127.0.0.2", "HTTP/1.1 200 OK"],
    ["127.0.0.3", ""],
    ["127.0.0.5", ""],
    // Without TLS nobody can tell what a certificate says.
    ["127.0.0.4", ""],
  ])("network RBAC: from %s hears %p", async (from, expected) => {
    const text = await both(async (engine) => {
      const send = "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
      return (await talk({ from, send, port: portOf(engine, "gate") })).text.split("\r\n")[0] ?? "";
    });
    expect(text).toBe(expected);
  });

  /** Status and body. */
  const ask = (name: MatcherListener, path: string, headers: Readonly<Record<string, string>> = {}) =>
    both(async (engine) => {
      const answer = await fetch(`http://127.0.0.1:${portOf(engine, name)}${path}`, { headers });
      return `${answer.status} ${await answer.text()}`;
    });
  const stats = (filter: string) =>
    both(async (engine) =>
      (await (await proxies[engine]?.admin(`/stats?filter=${encodeURIComponent(filter)}`))?.text())?.trim(),
    );

  test.each([
    ["/", { "x-role": "admin" }, "200"],
    ["/", { "x-role": "user" }, "200"],
    ["/", {}, "403"],
    ["/open", {}, "200"],
    ["/opener?x=1", {}, "200"],
    ["/open/shut/up", {}, "403"],
    ["/open/log", {}, "200"],
    ["/certificate", {}, "403"],
  ] as const)("HTTP RBAC: %s with %p is %s", async (path, headers, status) => {
    expect(await ask("rbac", path, headers)).toStartWith(status);
    expect(await ask("shadow", path, headers)).toStartWith("200");
    expect(await ask("empty", path, headers)).toStartWith("403");
  });

  test("RBAC: what trees decided is counted", async () => {
    expect(await stats("http.*rbac")).toMatch(/http\.unused\.rbac\.s\.?shadow_denied: [1-9]/);
    expect(await stats("gate.rbac.(allowed|denied)")).toBe("gate.rbac.allowed: 1\ngate.rbac.denied: 3");
  });

  test.each([
    ["/a/c", { "x-kind": "one" }, "201 201 /a"],
    ["/b", { "x-kind": "one" }, "404"],
    ["/a", { "x-kind": "many", "x-more": "1" }, "202 202 /a"],
    ["/a/b", { "x-kind": "many" }, "203 203 /a/b"],
    ["/a/c", { "x-kind": "many" }, "204"],
    ["/a", { "x-kind": "deep" }, "208 208 /a"],
    ["/b", { "x-kind": "deep" }, "404"],
    ["/only", { "x-kind": "deep" }, "206 206 /only"],
    ["/a", { "x-kind": "other" }, "207 207 /"],
    ["/a", {}, "207 207 /"],
  ] as const)("virtual hosts: %s with %p is %s", async (path, headers, expected) => {
    expect(await ask("hosts", path, headers)).toStartWith(expected);
  });

  test.each([
    [["x-kind: a", "x-kind: b"], "209"],
    [["x-kind: a,b"], "209"],
    [["x-kind: a", "x-other: 1", "x-kind: b"], "209"],
  ] as const)("headers that came more than once are one value: %p", async (lines, status) => {
    const send = ["GET / HTTP/1.1", "host: a", "connection: close", ...lines, "", ""].join("\r\n");
    const text = await both(async (engine) =>
      (await talk({ send, port: portOf(engine, "hosts") })).text.slice(0, "HTTP/1.1 200".length),
    );
    expect(text).toBe(`HTTP/1.1 ${status}`);
  });

  test.each(VALUE_NAMES)("conditions on %s, which came twice", async (name) => {
    const found = await both(async (engine) => {
      const port = portOf(engine, "values");
      const ask = async (i: number) => {
        const lines = [
          `GET /${name}/${i}/ HTTP/1.1`,
          "host: a",
          "connection: close",
          `${name}: 1`,
          `${name}: 2`,
          "",
          "",
        ];
        return (await talk({ send: lines.join("\r\n"), port })).text.slice("HTTP/1.1 ".length).slice(0, 3);
      };
      return Promise.all(VALUE_CONDITIONS.map((_, i) => ask(i)));
    });
    expect(new Set(found)).toEqual(new Set(["200", "404"]));
  });

  test("RBAC: no second line hides a value from a rule", async () => {
    for (const lines of [["x-role: admin", "x-role: user"], ["x-role: user", "x-role: admin"], ["x-role: admin"]]) {
      const send = ["GET / HTTP/1.1", "host: a", "connection: close", ...lines, "", ""].join("\r\n");
      const status = await both(async (engine) =>
        (await talk({ send, port: portOf(engine, "values") })).text.slice(9, 12),
      );
      expect(status).toBe("403");
    }
  });
});
