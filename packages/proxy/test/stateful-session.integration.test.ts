/** Sessions that stay at one host, by cookie and by header; the same in real Envoy and here. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { address, cluster, type Json } from "./rig/bootstrap.ts";
import { ENGINES, withoutEnvoy } from "./rig/engines.ts";
import {
  echoOrigin,
  type FilterCase,
  type FilterPair,
  filterMessage,
  routeTo,
  startFilterPair,
} from "./rig/filter-pair.ts";

const skip = withoutEnvoy();
const EXT = "type.googleapis.com/envoy.extensions";

const state = (kind: "cookie" | "header", fields: Json): Json => ({
  session_state: {
    name: `envoy.http.stateful_session.${kind}`,
    typed_config: {
      "@type": `${EXT}.http.stateful_session.${kind}.v3.${kind === "cookie" ? "CookieBased" : "HeaderBased"}SessionState`,
      ...fields,
    },
  },
});
const cookie = (fields: Json = {}): Json => state("cookie", { cookie: { name: "sess", ...fields } });
const header: Json = state("header", { name: "X-Sess" });
const filter = (fields: Json): Json => filterMessage("stateful_session", "StatefulSession", fields);
const perRoute = (fields: Json): Json => ({
  session: filterMessage("stateful_session", "StatefulSessionPerRoute", fields),
});
const base64 = (text: string): string => Buffer.from(text, "latin1").toString("base64");

describe.skipIf(skip)("sessions stay at one host, as in real Envoy", () => {
  let pair: FilterPair;
  const origins: ReturnType<typeof echoOrigin>[] = [];
  const at = (i: number): string => `127.0.0.1:${origins[i]?.port}`;

  beforeAll(async () => {
    for (const name of ["a", "b"]) origins.push(echoOrigin(name));
    // Balanced to the first alone, so that only a session leads to the second.
    const hosts = (name: string, status: string, options: Json = {}): Json =>
      cluster(name, [], "http1", {
        load_assignment: {
          cluster_name: name,
          endpoints: [0, 1].map((i) => ({
            priority: i,
            lb_endpoints: [
              { endpoint: { address: address(origins[i]?.port ?? 0) }, ...(i === 0 ? {} : { health_status: status }) },
            ],
          })),
        },
        ...options,
      });
    const statuses = (...list: readonly string[]): Json => ({
      common_lb_config: { override_host_status: { statuses: ["UNKNOWN", "HEALTHY", ...list] } },
    });
    pair = await startFilterPair({
      clusters: [
        hosts("fine", "HEALTHY"),
        hosts("unhealthy", "UNHEALTHY"),
        hosts("degraded", "DEGRADED"),
        hosts("draining", "DRAINING"),
        hosts("drained", "DRAINING", statuses("DRAINING")),
        hosts("undegraded", "DEGRADED", statuses()),
        cluster("nobody", [], "http1"),
      ],
      listeners: {
        cookie: {
          filters: { session: filter({ ...cookie(), stat_prefix: "main" }) },
          routes: [
            ...["unhealthy", "degraded", "draining", "drained", "undegraded", "nobody"].map((name) =>
              routeTo(`/${name}`, {}, name),
            ),
            routeTo("/off", perRoute({ disabled: true }), "fine"),
            routeTo("/none", perRoute({ stateful_session: {} }), "fine"),
            routeTo(
              "/strict",
              perRoute({ stateful_session: { ...cookie(), strict: true, stat_prefix: "strict" } }),
              "fine",
            ),
            routeTo(
              "/gone",
              perRoute({
                stateful_session: { ...cookie(), strict: true, status_on_strict_destination_not_found: 410 },
              }),
              "unhealthy",
            ),
            routeTo(
              "/path",
              perRoute({
                stateful_session: {
                  ...cookie({ path: "/path/in", attributes: [{ name: "SameSite", value: "Lax" }, { name: "Secure" }] }),
                  stat_prefix: "path",
                },
              }),
              "fine",
            ),
            routeTo("/slash", perRoute({ stateful_session: cookie({ path: "/slash/" }) }), "fine"),
            routeTo("/header", perRoute({ stateful_session: { ...header, stat_prefix: "header" } }), "fine"),
            { match: { prefix: "/direct" }, direct_response: { status: 200 } },
            routeTo("/", {}, "fine"),
          ],
        },
        uncounted: { filters: { session: filter(cookie()) }, routes: [routeTo("/", {}, "fine")] },
        timed: { filters: { session: filter(cookie({ ttl: "100s" })) }, routes: [routeTo("/", {}, "fine")] },
      },
    });
  }, 60_000);

  afterAll(async () => {
    await pair?.stop();
    for (const origin of origins) await origin.stop(true);
  });

  /** A cookie as Envoy writes it: `envoy.Cookie`. */
  const written = (host: string, expires?: bigint): string => {
    const end: number[] = [];
    if (expires !== undefined) {
      end.push(0x10);
      let left = expires;
      for (; left >= 0x80n; left >>= 7n) end.push(Number(left & 0x7fn) | 0x80);
      end.push(Number(left));
    }
    return Buffer.from([0x0a, host.length, ...Buffer.from(host), ...end]).toString("base64");
  };

  test("cookies of all kinds, hosts in every state, routes", async () => {
    const soon = BigInt(Math.trunc(Date.now() / 1000) + 1000);
    const cookies = [
      undefined,
      `sess=${written(at(1))}`,
      `a=b; sess="${written(at(1))}"; c=d`,
      `sess=${base64(at(1))}`,
      `sess=${base64(at(1)).replace(/=+$/, "")}`,
      `sess=${written(at(0))}`,
      `sess=${written("127.0.0.1:1")}`,
      `sess=${written(at(1), 1000n)}`,
      `sess=${written(at(1), soon)}`,
      `sess=${base64("10.0.0.1:8080")}`,
      `sess=${written("")}`,
      "sess=???",
      "sess=",
      `other=${written(at(1))}`,
    ];
    const paths = [
      "/",
      "/unhealthy",
      "/degraded",
      "/draining",
      "/drained",
      "/undegraded",
      "/nobody",
      "/off",
      "/none",
      "/strict",
      "/gone",
    ];
    const within = [
      "/path/in",
      "/path/in/x",
      "/path/in?x",
      "/path/inside",
      "/path",
      "/slash",
      "/slash/",
      "/slash/x",
      "/direct",
    ];
    const cases: FilterCase[] = [];
    for (const path of [...paths, ...within])
      for (const sent of cookies)
        cases.push({ to: "cookie", path, headers: sent === undefined ? {} : { cookie: sent } });
    for (const value of [undefined, base64(at(1)), base64(at(0)), base64("127.0.0.1:1"), "x", written(at(1)), at(1)])
      cases.push({ to: "cookie", path: "/header", headers: value === undefined ? {} : { "x-sess": value } });
    cases.push({ to: "uncounted", path: "/", headers: { cookie: `sess=${written(at(1))}` } });
    const results = await pair.compare(cases);
    expect(results[1]?.answer.body).toContain('"name":"b"');
    expect(results[0]?.answer.headers["set-cookie"]).toBe(`sess="${written(at(0))}"; HttpOnly`);
    // Those of routes are here once they count.
    await pair.compareStats(/^stateful_session\./, false);
    const stats = await pair.compareStats(/^http\.\w+\.stateful_session\./);
    expect(stats["http.cookie.stateful_session.main.routed"]).toBeGreaterThan(3);
    await pair.compareStats(/^cluster\.\w+\.upstream_cx_none_healthy$/);
  }, 60_000);

  test("a cookie that expires says when", async () => {
    const expiry = (text = "") => {
      const [, value = "", age = ""] = /^sess="([^"]+)"; Max-Age=(\d+); HttpOnly$/.exec(text) ?? [];
      return { age, bytes: Buffer.from(value, "base64").length };
    };
    const results = await Promise.all(ENGINES.map((engine) => pair.send(engine, [{ to: "timed", path: "/" }])));
    const [ours = "", envoys = ""] = results.map(([one]) => one?.answer.headers["set-cookie"] ?? "");
    expect(expiry(ours)).toEqual(expiry(envoys));
    expect(expiry(ours).age).toBe("100");
    // Each takes the other's.
    for (const sent of [ours, envoys]) {
      const results = await pair.compare([{ to: "timed", path: "/", headers: { cookie: sent.split(";")[0] ?? "" } }]);
      expect(results[0]?.answer.headers["set-cookie"]).toBeUndefined();
    }
  }, 30_000);
});
