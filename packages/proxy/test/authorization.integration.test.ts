import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { freePorts } from "@heddle/std/free-ports";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { type Answer, ask } from "./rig/ask.ts";
import { startAuthorizer } from "./rig/authorizer.ts";
import { withoutEnvoy } from "./rig/engines.ts";
import { type ProxyProcess, startProxy } from "./rig/proxy-process.ts";

const skip = withoutEnvoy();

type Json = Record<string, unknown>;
const EXT = "type.googleapis.com/envoy.extensions";
const http = (name: string, message: string, fields: Json = {}): Json => ({
  "@type": `${EXT}.filters.http.${name}.v3.${message}`,
  ...fields,
});

/** Nothing here is late on purpose: as long as a busy machine may stand still. */
const PATIENCE = "20s";

function cluster(name: string, port: number): Json {
  const address = { socket_address: { address: "127.0.0.1", port_value: port } };
  return {
    name,
    type: "STATIC",
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] },
  };
}

function bootstrap(listen: number, origin: number, grpc: number, jwks: string): Json {
  const provider = { issuer: "https://issuer.test", audiences: ["me"], forward_payload_header: "x-payload" };
  const jwt = http("jwt_authn", "JwtAuthentication", {
    providers: {
      local: {
        ...provider,
        local_jwks: { inline_string: jwks },
        claim_to_headers: [{ header_name: "x-sub", claim_name: "sub" }],
        payload_in_metadata: "payload",
        normalize_payload_in_metadata: { space_delimited_claims: ["scope", "sub", "absent"] },
      },
      subject: { ...provider, local_jwks: { inline_string: jwks }, subjects: { exact: "alice" } },
      young: { ...provider, local_jwks: { inline_string: jwks }, max_lifetime: "700s" },
      remote: {
        ...provider,
        from_headers: [{ name: "x-token" }],
        remote_jwks: { http_uri: { uri: "http://keys.test/jwks", cluster: "origin", timeout: PATIENCE } },
      },
    },
    rules: [
      { match: { prefix: "/subject" }, requires: { provider_name: "subject" } },
      { match: { prefix: "/young" }, requires: { provider_name: "young" } },
      { match: { prefix: "/jwt" }, requires: { provider_name: "local" } },
      { match: { prefix: "/remote" }, requires: { provider_name: "remote" } },
      {
        match: { prefix: "/either" },
        requires: { requires_any: { requirements: [{ provider_name: "local" }, { allow_missing: {} }] } },
      },
    ],
  });
  const authz = http("ext_authz", "ExtAuthz", {
    http_service: {
      server_uri: { uri: "http://authz.test", cluster: "origin", timeout: PATIENCE },
      path_prefix: "/check",
      authorization_request: { allowed_headers: { patterns: [{ exact: "x-user" }] } },
      authorization_response: {
        allowed_upstream_headers: { patterns: [{ prefix: "x-granted" }] },
        allowed_client_headers: { patterns: [{ exact: "x-why" }] },
        dynamic_metadata_from_headers: { patterns: [{ prefix: "x-granted" }, { exact: "x-why" }] },
      },
    },
  });
  const authzGrpc = http("ext_authz", "ExtAuthz", {
    transport_api_version: "V3",
    grpc_service: { envoy_grpc: { cluster_name: "grpc" }, timeout: PATIENCE },
    metadata_context_namespaces: ["envoy.filters.http.jwt_authn"],
    route_metadata_context_namespaces: ["place"],
  });
  const limit = http("ratelimit", "RateLimit", {
    domain: "tests",
    timeout: PATIENCE,
    failure_mode_deny: true,
    enable_x_ratelimit_headers: "DRAFT_VERSION_03",
    rate_limit_service: { transport_api_version: "V3", grpc_service: { envoy_grpc: { cluster_name: "grpc" } } },
  });
  const body = (size: number, partial: boolean) => ({
    "authz-grpc": http("ext_authz", "ExtAuthzPerRoute", {
      check_settings: { with_request_body: { max_request_bytes: size, allow_partial_message: partial } },
    }),
  });
  // A claim of words is a list where that is asked for, also of one word.
  const word = (name: string, exact: string) => ({
    metadata: {
      filter: "envoy.filters.http.jwt_authn",
      path: [{ key: "payload" }, { key: name }],
      value: { list_match: { one_of: { string_match: { exact } } } },
    },
  });
  const allow = (principal: Json) =>
    http("rbac", "RBACPerRoute", {
      rbac: {
        rules: { action: "ALLOW", policies: { own: { permissions: [{ any: true }], principals: [principal] } } },
      },
    });
  const manager = {
    "@type": `${EXT}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: "authorization",
    http_filters: [
      { name: "jwt", typed_config: jwt },
      { name: "authz", disabled: true, typed_config: authz },
      { name: "authz-grpc", disabled: true, typed_config: authzGrpc },
      { name: "limit", typed_config: limit },
      { name: "rbac", typed_config: http("rbac", "RBAC") },
      { name: "router", typed_config: http("router", "Router") },
    ],
    route_config: {
      virtual_hosts: [
        {
          name: "all",
          domains: ["*"],
          response_headers_to_add: ["x-granted-by", "x-why", "x-other", "word", "ext_authz_duration"].map((key) => ({
            header: { key: `x-left-${key}`, value: `%DYNAMIC_METADATA(envoy.filters.http.ext_authz:${key})%` },
          })),
          rate_limits: [{ actions: [{ request_headers: { header_name: "x-host-wide", descriptor_key: "wide" } }] }],
          routes: [
            {
              match: { prefix: "/jwt/alice" },
              route: { cluster: "origin" },
              typed_per_filter_config: { rbac: allow(word("sub", "alice")) },
            },
            {
              match: { prefix: "/jwt/write" },
              route: { cluster: "origin" },
              typed_per_filter_config: { rbac: allow(word("scope", "write")) },
            },
            {
              match: { prefix: "/authz" },
              route: { cluster: "origin" },
              typed_per_filter_config: { authz: http("ext_authz", "ExtAuthzPerRoute", { check_settings: {} }) },
            },
            {
              match: { prefix: "/grpc-authz/body" },
              route: { cluster: "origin" },
              typed_per_filter_config: body(10, false),
            },
            {
              match: { prefix: "/grpc-authz/part" },
              route: { cluster: "origin" },
              typed_per_filter_config: body(10, true),
            },
            {
              match: { prefix: "/jwt/grpc-authz" },
              route: { cluster: "origin" },
              metadata: { filter_metadata: { place: { shelf: "top" } } },
              typed_per_filter_config: { "authz-grpc": http("ext_authz", "ExtAuthzPerRoute", { check_settings: {} }) },
            },
            {
              match: { prefix: "/counted" },
              route: {
                cluster: "origin",
                include_vh_rate_limits: true,
                rate_limits: [
                  {
                    actions: [
                      { destination_cluster: {} },
                      { source_cluster: {} },
                      { request_headers: { header_name: "x-user", descriptor_key: "user" } },
                    ],
                  },
                ],
              },
            },
            {
              match: { prefix: "/grpc-authz" },
              route: { cluster: "origin" },
              typed_per_filter_config: {
                "authz-grpc": http("ext_authz", "ExtAuthzPerRoute", {
                  check_settings: { context_extensions: { place: "here" } },
                }),
              },
            },
            { match: { prefix: "/" }, route: { cluster: "origin" } },
          ],
        },
      ],
    },
  };
  return {
    node: { id: "n", cluster: "tests" },
    static_resources: {
      listeners: [
        {
          name: "authorization",
          address: { socket_address: { address: "127.0.0.1", port_value: listen } },
          filter_chains: [{ filters: [{ name: "http", typed_config: manager }] }],
        },
      ],
      clusters: [
        cluster("origin", origin),
        {
          ...cluster("grpc", grpc),
          typed_extension_protocol_options: {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
              "@type": `${EXT}.upstreams.http.v3.HttpProtocolOptions`,
              explicit_http_config: { http2_protocol_options: {} },
            },
          },
        },
      ],
    },
  };
}

const LIFE = 600;

describe.skipIf(skip)("JWT and external authorization as real Envoy has them", () => {
  const proxies: ProxyProcess[] = [];
  const ports: number[] = [];
  const tokens = new Map<string, string>();
  let authorizer: Awaited<ReturnType<typeof startAuthorizer>> | undefined;
  let origin: ReturnType<typeof Bun.serve>;

  beforeAll(async () => {
    const pair = await generateKeyPair("ES256");
    const stranger = await generateKeyPair("ES256");
    const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(pair.publicKey)), kid: "k", alg: "ES256" }] });
    const now = Math.trunc(Date.now() / 1000);
    const sign = (claims: Json, key = pair.privateKey) =>
      new SignJWT({ iss: "https://issuer.test", aud: "me", exp: now + LIFE, ...claims })
        .setProtectedHeader({ alg: "ES256", kid: "k" })
        .sign(key);
    tokens.set("good", await sign({ sub: "alice", scope: "read  write" }));
    tokens.set("bob", await sign({ sub: "bob", scope: "read writer" }));
    tokens.set("young", await sign({ exp: now + 300 }));
    tokens.set("old", await sign({ exp: now + 2000 }));
    tokens.set("expired", await sign({ exp: now - LIFE }));
    tokens.set("other audience", await sign({ aud: "you" }));
    tokens.set("other issuer", await sign({ iss: "https://stranger.test" }));
    tokens.set("bad signature", await sign({}, stranger.privateKey));
    tokens.set("no token", "abc");
    origin = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      idleTimeout: 0,
      fetch(incoming) {
        const url = new URL(incoming.url);
        if (url.pathname === "/jwks") return new Response(jwks);
        const user = incoming.headers.get("x-user");
        if (url.pathname.startsWith("/check")) {
          if (user === "broken") return new Response("", { status: 503 });
          if (user !== "alice")
            return new Response("go away", { status: 401, headers: { "x-why": "stranger", "x-own": "1" } });
          return new Response("", { headers: { "x-granted-by": "check", "x-other": "1" } });
        }
        const names = ["authorization", "x-payload", "x-sub", "x-token", "x-granted-by", "x-other"];
        return Response.json({
          path: url.pathname + url.search,
          seen: Object.fromEntries(names.map((name) => [name, incoming.headers.get(name)])),
        });
      },
    });
    const [ours = 0, envoy = 0, oursAdmin = 0, envoyAdmin = 0] = freePorts(4);
    ports.push(ours, envoy);
    const to = origin.port ?? 0;
    authorizer = await startAuthorizer();
    const grpc = authorizer.port;
    proxies.push(
      ...(await Promise.all([
        startProxy({ engine: "heddle", bootstrap: bootstrap(ours, to, grpc, jwks), adminPort: oursAdmin }),
        startProxy({ engine: "envoy", bootstrap: bootstrap(envoy, to, grpc, jwks), adminPort: envoyAdmin }),
      ])),
    );
  }, 40_000);

  afterAll(async () => {
    for (const proxy of proxies) await proxy.stop();
    authorizer?.close();
    await origin?.stop(true);
  });

  async function compare(path: string, headers: Record<string, string>, body?: string): Promise<Answer | undefined> {
    const sent = body === undefined ? {} : { method: "POST", body };
    const both = await Promise.all(
      ports.map((port) => ask(port, { name: "", host: "a.test", path, headers, ...sent })),
    );
    const [ours, theirs] = both.map(masked);
    expect(ours).toEqual(theirs as Answer);
    return ours;
  }

  test.each([
    ["a good token", "good", 200],
    ["an expired token", "expired", 401],
    ["another audience", "other audience", 403],
    ["another issuer", "other issuer", 401],
    ["a bad signature", "bad signature", 401],
    ["something that is no token", "no token", 401],
  ])(
    "JWT: %s",
    async (_name, token, status) => {
      const headers = { authorization: `Bearer ${tokens.get(token)}`, "x-sub": "forged" };
      expect((await compare("/jwt/x", headers))?.status).toBe(status);
    },
    30_000,
  );

  test("JWT: missing, in the query, optional, not asked for", async () => {
    expect((await compare("/jwt/x", {}))?.status).toBe(401);
    expect((await compare(`/jwt/x?access_token=${tokens.get("good")}`, {}))?.status).toBe(200);
    expect((await compare("/either", {}))?.status).toBe(200);
    expect((await compare("/either", { authorization: `Bearer ${tokens.get("expired")}` }))?.status).toBe(401);
    expect((await compare("/free", { authorization: "Bearer abc" }))?.status).toBe(200);
  }, 30_000);

  test("JWT: keys from a cluster", async () => {
    expect((await compare("/remote", { "x-token": tokens.get("good") ?? "" }))?.status).toBe(200);
    expect((await compare("/remote", { "x-token": tokens.get("bad signature") ?? "" }))?.status).toBe(401);
  }, 30_000);

  test("RBAC by a claim, and by a word of one", async () => {
    for (const path of ["/jwt/alice", "/jwt/write"]) {
      expect((await compare(path, { authorization: `Bearer ${tokens.get("good")}` }))?.status).toBe(200);
      expect((await compare(path, { authorization: `Bearer ${tokens.get("bob")}` }))?.status).toBe(403);
    }
  }, 30_000);

  test("external authorization over HTTP: allowed, denied, broken", async () => {
    const allowed = await compare("/authz/x?a=1", { "x-user": "alice" });
    expect(allowed?.status).toBe(200);
    expect(allowed?.headers).toMatchObject({ "x-left-x-granted-by": "check", "x-left-ext_authz_duration": "ms" });
    expect((await compare("/authz/x", { "x-user": "bob" }))?.status).toBe(401);
    expect((await compare("/authz/x", { "x-user": "broken" }))?.status).toBe(403);
  }, 30_000);

  test("JWT: subjects and lifetimes", async () => {
    const bearer = (name: string) => ({ authorization: `Bearer ${tokens.get(name)}` });
    expect((await compare("/subject", bearer("good")))?.status).toBe(200);
    expect((await compare("/subject", bearer("bob")))?.status).not.toBe(200);
    expect((await compare("/young", bearer("young")))?.status).toBe(200);
    expect((await compare("/young", bearer("old")))?.status).not.toBe(200);
    await compare("/young", bearer("good"));
  }, 30_000);

  test("external authorization with bodies", async () => {
    const post = (path: string, text: string) => compare(path, { "x-user": "alice" }, text);
    expect((await post("/grpc-authz/body", "short"))?.body).toContain("body=short partial=false");
    expect((await post("/grpc-authz/body", "0123456789"))?.status).toBe(200);
    expect((await post("/grpc-authz/body", "0123456789a"))?.status).toBe(413);
    expect((await post("/grpc-authz/part", "0123456789abc"))?.body).toContain("body=0123456789 partial=true");
    expect((await post("/grpc-authz/body", ""))?.status).toBe(200);
    expect((await post("/grpc-authz/part", "x".repeat(400_000)))?.status).toBe(200);
  }, 30_000);

  test("external authorization with metadata of filters and routes", async () => {
    const headers = { authorization: `Bearer ${tokens.get("good")}`, "x-user": "alice" };
    const answer = await compare("/jwt/grpc-authz", headers);
    expect(answer?.body).toContain("meta=true");
    expect(answer?.body).toContain("shelf");
  }, 30_000);

  test("rate limit service: within the limit, beyond it, broken, not asked", async () => {
    expect((await compare("/counted", { "x-user": "alice" }))?.status).toBe(200);
    expect((await compare("/counted", { "x-user": "alice", "x-host-wide": "w" }))?.status).toBe(200);
    expect((await compare("/counted", { "x-user": "bob" }))?.status).toBe(429);
    expect((await compare("/counted", { "x-user": "broken" }))?.status).toBe(500);
    expect((await compare("/counted", {}))?.status).toBe(200);
    expect((await compare("/free", { "x-host-wide": "bob" }))?.status).toBe(429);
    for (const proxy of proxies) {
      const stats = await (await proxy.admin("/stats?filter=ratelimit")).text();
      for (const [name, count] of Object.entries({ ok: 2, over_limit: 2, error: 1 }))
        expect(stats).toContain(`cluster.origin.ratelimit.${name}: ${count}`);
    }
  }, 30_000);

  test("external authorization over gRPC: allowed, denied, broken", async () => {
    expect((await compare("/grpc-authz/x?a=1", { "x-user": "alice" }))?.status).toBe(200);
    expect((await compare("/grpc-authz/x", { "x-user": "bob" }))?.status).toBe(429);
    expect((await compare("/grpc-authz/x", { "x-user": "broken" }))?.status).toBe(403);
  }, 30_000);
});

/** Without how long the service took. */
function masked(answer: Answer): Answer {
  const name = "x-left-ext_authz_duration";
  const took = answer.headers[name];
  return /^\d/.test(took ?? "") ? { ...answer, headers: { ...answer.headers, [name]: "ms" } } : answer;
}
