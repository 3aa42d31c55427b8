/** What filters leave for logs: tokens that were verified or not, rules that allowed or would have refused; the same in real Envoy and here. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "@heddle/std/free-ports";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { ask } from "./rig/ask.ts";
import { cluster, httpFilterChain, type Json, listener } from "./rig/bootstrap.ts";
import { ENGINES, type Engine, withoutEnvoy } from "./rig/engines.ts";
import { eventually } from "./rig/eventually.ts";
import { type ProxyProcess, startProxy } from "./rig/proxy-process.ts";

const skip = withoutEnvoy();

const EXT = "type.googleapis.com/envoy.extensions";
type Case = readonly [to: "one" | "several", path: string, headers: Record<string, string>];
const http = (name: string, type: string, fields: Json = {}): Json => ({
  "@type": `${EXT}.filters.http.${name}.v3.${type}`,
  ...fields,
});

const FORMAT = {
  path: "%REQ(:PATH)%",
  code: "%RESPONSE_CODE%",
  details: "%RESPONSE_CODE_DETAILS%",
  jwt: "%DYNAMIC_METADATA(envoy.filters.http.jwt_authn)%",
  failure: "%DYNAMIC_METADATA(envoy.filters.http.jwt_authn:failure:code)%",
  subject: "%METADATA(DYNAMIC:envoy.filters.http.jwt_authn:payload:sub)%",
  rbac: "%DYNAMIC_METADATA(envoy.filters.http.rbac)%",
  shadow: "%DYNAMIC_METADATA(envoy.filters.http.rbac:shadow_engine_result)%",
  text: "sub=%DYNAMIC_METADATA(envoy.filters.http.jwt_authn:payload:sub)%",
};

const provider = (jwks: string, issuer: string, fields: Json = {}): Json => ({
  issuer: `https://${issuer}.test`,
  audiences: ["me"],
  local_jwks: { inline_string: jwks },
  payload_in_metadata: "payload",
  header_in_metadata: "header",
  failed_status_in_metadata: "failure",
  ...fields,
});

const anyone = { permissions: [{ any: true }] };
const rules = (header: string): Json => ({
  action: "DENY",
  policies: { [header]: { ...anyone, principals: [{ header: { name: header, present_match: true } }] } },
});

function chain(jwks: string, log: string, several: boolean): Json {
  const local = { provider_name: "local" };
  const any = (...requirements: Json[]): Json => ({ requires_any: { requirements } });
  const jwt = http("jwt_authn", "JwtAuthentication", {
    providers: {
      local: provider(jwks, "issuer"),
      ...(several ? { second: provider(jwks, "second", { failed_status_in_metadata: "second" }) } : {}),
    },
    rules: [
      { match: { prefix: "/failed" }, requires: { allow_missing_or_failed: {} } },
      { match: { prefix: "/missing" }, requires: any(local, { allow_missing: {} }) },
      { match: { prefix: "/lenient" }, requires: any(local, { allow_missing_or_failed: {} }) },
      ...(several ? [{ match: { prefix: "/either" }, requires: any(local, { provider_name: "second" }) }] : []),
      { match: { prefix: "/jwt" }, requires: local },
    ],
  });
  return httpFilterChain("origin", {
    access_log: [
      {
        name: "file",
        typed_config: {
          "@type": `${EXT}.access_loggers.file.v3.FileAccessLog`,
          path: log,
          log_format: { json_format: FORMAT },
        },
      },
    ],
    http_filters: [
      { name: "jwt", typed_config: jwt },
      {
        name: "rbac",
        typed_config: http("rbac", "RBAC", { rules: rules("x-bad"), shadow_rules: rules("x-odd") }),
      },
      { name: "router", typed_config: http("router", "Router") },
    ],
  });
}

describe.skipIf(skip)("metadata of filters in logs as real Envoy has it", () => {
  const folder = mkdtempSync(join(tmpdir(), "heddle-log-metadata-"));
  const proxies: ProxyProcess[] = [];
  const ports: Partial<Record<Engine, Readonly<Record<"one" | "several", number>>>> = {};
  const tokens = new Map<string, string>();
  let origin: ReturnType<typeof Bun.serve>;
  const logOf = (engine: Engine): string => join(folder, `${engine}.log`);

  beforeAll(async () => {
    const pair = await generateKeyPair("ES256");
    const stranger = await generateKeyPair("ES256");
    const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(pair.publicKey)), kid: "k", alg: "ES256" }] });
    const now = Math.trunc(Date.now() / 1000);
    const sign = (claims: Json, key = pair.privateKey, kid = "k") =>
      new SignJWT({ iss: "https://issuer.test", aud: "me", sub: "alice", exp: 4_000_000_000, ...claims })
        .setProtectedHeader({ alg: "ES256", kid })
        .sign(key);
    tokens.set("good", await sign({ roles: ["a", "b"], deep: { one: 1 } }));
    tokens.set("good of the second", await sign({ iss: "https://second.test" }));
    tokens.set("expired", await sign({ exp: now - 600 }));
    tokens.set("expired of the second", await sign({ iss: "https://second.test", exp: now - 600 }));
    tokens.set("too early", await sign({ nbf: now + 6000 }));
    tokens.set("other audience", await sign({ aud: "you" }));
    tokens.set("other issuer", await sign({ iss: "https://stranger.test" }));
    tokens.set("bad signature", await sign({}, stranger.privateKey));
    tokens.set("unknown key", await sign({}, stranger.privateKey, "none"));
    tokens.set("no token", "abc");
    origin = Bun.serve({ hostname: "127.0.0.1", port: 0, idleTimeout: 0, fetch: () => new Response("fine") });
    const free = freePorts(6);
    for (const engine of ENGINES) {
      const own = { one: free.pop() ?? 0, several: free.pop() ?? 0 };
      ports[engine] = own;
      const log = logOf(engine);
      writeFileSync(log, "");
      const bootstrap = {
        static_resources: {
          listeners: [
            listener("one", own.one, [chain(jwks, log, false)]),
            listener("several", own.several, [chain(jwks, log, true)]),
          ],
          clusters: [cluster("origin", [origin.port ?? 0], "http1")],
        },
      };
      const args = engine === "envoy" ? ["--file-flush-interval-msec", "50"] : [];
      proxies.push(await startProxy({ engine, bootstrap, adminPort: free.pop() ?? 0, args }));
    }
  }, 40_000);

  afterAll(async () => {
    for (const proxy of proxies) await proxy.stop();
    await origin?.stop(true);
    rmSync(folder, { recursive: true, force: true });
  });

  const bearer = (kind: string) => ({ authorization: `Bearer ${tokens.get(kind)}` });
  const KINDS = [
    "good",
    "good of the second",
    "expired",
    "expired of the second",
    "too early",
    "other audience",
    "other issuer",
    "bad signature",
    "unknown key",
    "no token",
    "",
  ];
  const places: readonly (readonly ["one" | "several", string])[] = [
    ...["/jwt", "/failed", "/missing", "/lenient"].flatMap((path) => [
      ["one", path] as const,
      ["several", path] as const,
    ]),
    ["several", "/either"],
  ];
  /** All at once at both: files are written now and then only. */
  const compared = async (cases: readonly Case[]): Promise<readonly Json[]> => {
    const [ours = [], envoy = []] = await Promise.all(
      ENGINES.map(async (engine) => {
        const before = readFileSync(logOf(engine), "utf8").length;
        for (const [to, path, headers] of cases) await ask(ports[engine]?.[to] ?? 0, { name: "", path, headers });
        return eventually(`the lines of ${engine}`, () => {
          const lines = readFileSync(logOf(engine), "utf8").slice(before).split("\n").slice(0, -1);
          return lines.length === cases.length && lines.map((line) => JSON.parse(line) as Json);
        });
      }),
    );
    cases.forEach(([to, path], i) => {
      expect({ to, path, ...ours[i] }).toEqual({ to, path, ...envoy[i] });
    });
    return ours;
  };

  test.each(places)(
    "%s: %s with tokens of all kinds",
    async (to, path) => {
      const lines = await compared(
        KINDS.map((kind) => [to, `${path}?${kind.replaceAll(" ", "-")}`, kind === "" ? {} : bearer(kind)] as const),
      );
      expect(lines[0]?.["subject"]).toBe("alice");
    },
    20_000,
  );

  test("rules of RBAC: refused, refused in the shadow, neither", async () => {
    const lines = await compared([
      ["one", "/free", { "x-bad": "1" }],
      ["one", "/free", { "x-odd": "1" }],
      ["one", "/free", {}],
    ]);
    expect(lines.map((line) => line["code"])).toEqual([403, 200, 200]);
    expect(lines.map((line) => line["shadow"])).toEqual(["allowed", "denied", "allowed"]);
  }, 20_000);
});
