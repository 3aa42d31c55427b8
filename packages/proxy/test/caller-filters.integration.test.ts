/** Filters that say who may call: csrf, basic_auth, api_key_auth; the same in real Envoy and here. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import type { Json } from "./rig/bootstrap.ts";
import { withoutEnvoy } from "./rig/engines.ts";
import {
  echoOrigin,
  type FilterCase,
  type FilterPair,
  filterMessage,
  originCluster,
  routeTo,
  startFilterPair,
} from "./rig/filter-pair.ts";

const skip = withoutEnvoy();

const share = (percent: number): Json => ({ default_value: { numerator: percent } });
const csrf = (fields: Json = {}): Json =>
  filterMessage("csrf", "CsrfPolicy", {
    filter_enabled: share(100),
    additional_origins: [{ exact: "friend.test" }, { suffix: ".mine.test:8443" }, { safe_regex: { regex: "r[0-9]+" } }],
    ...fields,
  });

const sha = (password: string): string => `{SHA}${createHash("sha1").update(password).digest("base64")}`;
const users = (...pairs: readonly (readonly [string, string])[]): Json => ({
  inline_string: ["# people", ...pairs.map(([name, password]) => `${name}:${sha(password)}`), ""].join("\n"),
});
const basic = (fields: Json = {}): Json =>
  filterMessage("basic_auth", "BasicAuth", { users: users(["ann", "secret"], ["zoë", "pä:ß"]), ...fields });
const basicRoute = (fields: Json): Json => filterMessage("basic_auth", "BasicAuthPerRoute", fields);

const KEYS = [
  { key: "one", client: "first" },
  { key: "two", client: "second" },
  { key: "a b&c", client: "spaced" },
  { key: "Bearer x", client: "never" },
];
const sources = [{ header: "X-Key" }, { header: "authorization" }, { query: "key" }, { cookie: "key" }];
const keys = (fields: Json = {}): Json =>
  filterMessage("api_key_auth", "ApiKeyAuth", { credentials: KEYS, key_sources: sources, ...fields });
const keysRoute = (fields: Json): Json => filterMessage("api_key_auth", "ApiKeyAuthPerRoute", fields);

const encoded = (text: string): string => `Basic ${Buffer.from(text).toString("base64")}`;

describe.skipIf(skip)("filters that say who may call, as in real Envoy", () => {
  let pair: FilterPair;
  let origin: ReturnType<typeof echoOrigin>;

  beforeAll(async () => {
    origin = echoOrigin();
    pair = await startFilterPair({
      clusters: [originCluster(origin)],
      log: { basic: "%DYNAMIC_METADATA(basic)%" },
      listeners: {
        csrf: {
          filters: { csrf: csrf() },
          routes: [
            routeTo("/shadow", { csrf: csrf({ filter_enabled: share(0), shadow_enabled: share(100) }) }),
            routeTo("/off", { csrf: csrf({ filter_enabled: share(0) }) }),
            routeTo("/none", { csrf: csrf({ additional_origins: [] }) }),
            routeTo("/"),
          ],
        },
        basic: {
          filters: { basic: basic({ forward_username_header: "X-User", emit_dynamic_metadata: true }) },
          routes: [
            routeTo("/others", { basic: basicRoute({ users: users(["bob", "geheim"]), realm: "others" }) }),
            routeTo("/"),
          ],
        },
        lenient: {
          filters: { basic: basic({ allow_missing: true, authentication_header: "X-Auth", realm: "home" }) },
          routes: [routeTo("/")],
        },
        keys: {
          filters: { keys: keys() },
          routes: [
            routeTo("/some", { keys: keysRoute({ allowed_clients: ["second"] }) }),
            routeTo("/own", { keys: keysRoute({ credentials: [{ key: "three", client: "third" }] }) }),
            routeTo("/header", { keys: keysRoute({ key_sources: [{ header: "x-other" }] }) }),
            routeTo("/told", { keys: keysRoute({ forwarding: { header: "x-client" } }) }),
            routeTo("/hidden", { keys: keysRoute({ forwarding: { header: "x-client", hide_credentials: true } }) }),
            routeTo("/"),
          ],
        },
        unsourced: { filters: { keys: keys({ key_sources: [] }) }, routes: [routeTo("/")] },
      },
    });
  }, 60_000);

  afterAll(async () => {
    await pair?.stop();
    await origin?.stop(true);
  });

  test("csrf: sites of all kinds, methods, routes", async () => {
    const sites: readonly Record<string, string>[] = [
      {},
      { origin: "http://act.test" },
      { origin: "https://act.test" },
      { origin: "http://act.test:80" },
      { origin: "http://user:word@act.test" },
      { origin: "http://act.test/path" },
      { origin: "http://act.test?x" },
      { origin: "act.test" },
      { origin: "null" },
      { origin: "" },
      { origin: "http://" },
      { origin: "HTTP://ACT.test" },
      { origin: "http+x://act.test" },
      { origin: "//act.test" },
      { origin: "1http://act.test" },
      { origin: "http_x://act.test" },
      { origin: "http://act_test" },
      { origin: "http://act%20test" },
      { origin: "http://act.test#x" },
      { origin: "http://act.test:x" },
      { origin: "http://friend.test" },
      { origin: "http://friend.test:8080" },
      { origin: "friend.test" },
      { origin: "https://a.mine.test:8443/x" },
      { origin: "http://r17" },
      { origin: "http://evil.test" },
      { referer: "http://act.test/page?x=1" },
      { referer: "http://evil.test/http://act.test" },
      { origin: "http://evil.test", referer: "http://act.test/" },
      { origin: "", referer: "http://act.test/" },
      { origin: "null", referer: "http://act.test/" },
    ];
    const cases: FilterCase[] = [];
    for (const path of ["/", "/shadow", "/off", "/none"])
      for (const headers of sites) cases.push({ to: "csrf", method: "POST", path, headers });
    for (const method of ["GET", "HEAD", "PUT", "DELETE", "PATCH", "post"])
      cases.push({ to: "csrf", method, path: "/", headers: { origin: "http://evil.test" } });
    cases.push({
      to: "csrf",
      method: "POST",
      path: "/",
      host: "act.test:8080",
      headers: { origin: "http://act.test:8080" },
    });
    cases.push({
      to: "csrf",
      method: "POST",
      path: "/",
      host: "act.test:8080",
      headers: { origin: "http://act.test" },
    });
    cases.push({ to: "csrf", method: "POST", path: "/", host: "[::1]:80", headers: { origin: "http://[::1]:80" } });
    const results = await pair.compare(cases);
    const statuses = results.map(({ answer }) => answer.status);
    expect(statuses.slice(0, 3)).toEqual([403, 200, 200]);
    const stats = await pair.compareStats(/^http\.csrf\.csrf\./);
    expect(stats["http.csrf.csrf.request_invalid"]).toBeGreaterThan(20);
  }, 60_000);

  test("basic_auth: credentials of all kinds, routes, a header of its own", async () => {
    const given: readonly (string | undefined)[] = [
      undefined,
      "",
      "Basic",
      "Basic ",
      "basic YW5uOnNlY3JldA==",
      "Bearer YW5uOnNlY3JldA==",
      encoded("ann:secret"),
      encoded("ann:secret").replace(/=+$/, ""),
      `${encoded("ann:secret")} `,
      encoded("ann:secret").replace("Basic ", "Basic  "),
      encoded("ann:wrong"),
      encoded("ann:"),
      encoded(":secret"),
      encoded("ann"),
      encoded("eve:secret"),
      encoded("bob:geheim"),
      encoded("zoë:pä:ß"),
      "Basic !!!",
      "Basic YW5uOnNlY3JldB==",
      "Basic YW5uOnNlY3JldA===",
      "Basic YW5uOnNlY3JldA=",
    ];
    const cases: FilterCase[] = [];
    for (const [to, path, header] of [
      ["basic", "/", "authorization"],
      ["basic", "/others/x?y=1", "authorization"],
      ["lenient", "/", "x-auth"],
      ["lenient", "/", "authorization"],
    ] as const)
      for (const value of given) cases.push({ to, path, headers: value === undefined ? {} : { [header]: value } });
    cases.push({ to: "basic", path: `/${"long".repeat(100)}`, host: "act.test:8080" });
    cases.push({ to: "basic", path: "/", headers: { authorization: encoded("ann:secret"), "x-user": "eve" } });
    const results = await pair.compare(cases);
    expect(results[0]?.answer.status).toBe(401);
    expect(results[6]?.line["basic"]).toEqual({ username: "ann" });
    await pair.compareStats(/^http\.\w+\.basic_auth\./);
  }, 60_000);

  test("api_key_auth: keys in every place, routes, what the server is told", async () => {
    const requests: readonly Omit<FilterCase, "to" | "path">[] = [
      {},
      { headers: { "x-key": "one" } },
      { headers: { "x-key": "two" } },
      { headers: { "x-key": "three" } },
      { headers: { "x-key": "" } },
      { headers: { "x-key": "Bearer two" } },
      { headers: { "x-key": "bearer two" } },
      { headers: { "x-key": ["one", "two"] } },
      { headers: { authorization: "Bearer one" } },
      { headers: { "x-key": "none", authorization: "one" } },
      { headers: { cookie: "other=1; key=one" } },
      { headers: { cookie: 'key="two"' } },
      { headers: { cookie: "key=one; other=1; key=two" } },
      { headers: { "x-other": "one" } },
      { headers: { "x-key": "one", "x-client": "eve" } },
    ];
    const queries = [
      "",
      "?key=one",
      "?a=1&key=two&b=2",
      "?key=a%20b%26c",
      "?key=a+b%26c",
      "?key=",
      "?key",
      "?key=one&key=two",
      "?%6bey=one",
      "?a=1&key=one&c=",
    ];
    const cases: FilterCase[] = [];
    for (const path of ["/", "/some", "/own", "/header", "/told", "/hidden"]) {
      for (const request of requests) cases.push({ to: "keys", path, ...request });
      for (const query of queries) cases.push({ to: "keys", path: path + query });
    }
    cases.push({ to: "unsourced", path: "/", headers: { "x-key": "one" } });
    const results = await pair.compare(cases);
    expect(results.slice(0, 4).map(({ answer }) => answer.status)).toEqual([401, 200, 200, 401]);
    await pair.compareStats(/^http\.\w+\.api_key_auth\./);
  }, 60_000);
});
