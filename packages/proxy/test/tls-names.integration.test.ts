/** Checks of upstream certificates beyond the chain: names from requests, pinned certificates and keys, encrypted keys; as in real Envoy. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash, createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import { createServer, type Server } from "node:tls";
import { createAuthority, createSelfSignedRoot, exportPrivateKey, generateKey } from "@heddle/identity";
import { freePorts } from "@heddle/std/free-ports";
import { type Answer, ask } from "./rig/ask.ts";
import { cluster, type Json, listener } from "./rig/bootstrap.ts";
import { withoutEnvoy } from "./rig/engines.ts";
import { type ProxyProcess, startProxy } from "./rig/proxy-process.ts";

const skip = withoutEnvoy();

const TYPE = "type.googleapis.com/envoy.extensions";

/** Cluster, `max_session_keys`, newest TLS version, and how many of four handshakes go on from an earlier one. */
const RESUMING = [
  ["s-default", undefined, "TLSv1_3", 3],
  ["s-none", 0, "TLSv1_3", 0],
  ["s-old", undefined, "TLSv1_2", 3],
  ["s-old-none", 0, "TLSv1_2", 0],
] as const;

/** A cluster for each way of checking the server. */
function clusters(origin: number, ca: string, strangers: string, leaf: X509Certificate, key: string): readonly Json[] {
  const hash = createHash("sha256").update(leaf.raw).digest("hex");
  const spki = createHash("sha256")
    .update(leaf.publicKey.export({ type: "spki", format: "der" }))
    .digest("base64");
  const wrong = createHash("sha256").update("other").digest();
  const trusted = { trusted_ca: { inline_string: ca } };
  const encrypted = createPrivateKey(key).export({
    type: "pkcs8",
    format: "pem",
    cipher: "aes-256-cbc",
    passphrase: "open sesame",
  });
  const one = (name: string, context: Json, upstream: Json = {}, sessions: Json = {}): Json => ({
    ...cluster(name, [origin], "http1"),
    transport_socket: {
      name: "tls",
      typed_config: {
        "@type": `${TYPE}.transport_sockets.tls.v3.UpstreamTlsContext`,
        common_tls_context: context,
        ...sessions,
        // A server of the right name, signed by nobody that is trusted.
        ...(name === "web" ? { sni: "good.test" } : {}),
        ...(name === "fixed" ? { sni: "fixed.test" } : {}),
      },
    },
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": `${TYPE}.upstreams.http.v3.HttpProtocolOptions`,
        explicit_http_config: { http_protocol_options: {} },
        upstream_http_protocol_options: upstream,
      },
    },
  });
  return [
    one("fixed", { validation_context: trusted }),
    one("strangers", { validation_context: { trusted_ca: { inline_string: strangers } } }),
    one("web", {
      validation_context: { trusted_ca: { filename: "/etc/ssl/certs/ca-certificates.crt" } },
      alpn_protocols: ["http/1.1"],
    }),
    one("unchecked", {}),
    one("auto", { validation_context: trusted }, { auto_sni: true }),
    one("checked", { validation_context: trusted }, { auto_sni: true, auto_san_validation: true }),
    one("header", { validation_context: trusted }, { auto_sni: true, override_auto_sni_header: "x-sni" }),
    one("hash", { validation_context: { ...trusted, verify_certificate_hash: [hash] } }),
    one("no-hash", { validation_context: { ...trusted, verify_certificate_hash: [wrong.toString("hex")] } }),
    one("spki", { validation_context: { ...trusted, verify_certificate_spki: [spki] } }),
    one("no-spki", { validation_context: { ...trusted, verify_certificate_spki: [wrong.toString("base64")] } }),
    one("either", {
      validation_context: {
        verify_certificate_hash: [wrong.toString("hex")],
        verify_certificate_spki: [spki],
        ...trusted,
      },
    }),
    ...RESUMING.map(([name, keys, version]) =>
      one(
        name,
        { validation_context: trusted, tls_params: { tls_maximum_protocol_version: version } },
        { auto_sni: true },
        keys === undefined ? {} : { max_session_keys: keys },
      ),
    ),
    one("encrypted", {
      validation_context: trusted,
      tls_certificates: [
        {
          certificate_chain: { inline_string: leaf.toString() },
          private_key: { inline_string: String(encrypted) },
          password: { inline_string: "open sesame" },
        },
      ],
    }),
  ];
}

function bootstrap(listen: number, members: readonly Json[]): Json {
  const manager = {
    "@type": `${TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: "names",
    http_filters: [{ name: "router", typed_config: { "@type": `${TYPE}.filters.http.router.v3.Router` } }],
    route_config: {
      virtual_hosts: [
        {
          name: "all",
          domains: ["*"],
          routes: [{ match: { prefix: "/" }, route: { cluster_header: "x-cluster" } }],
        },
      ],
    },
  };
  return {
    static_resources: {
      listeners: [listener("in", listen, [{ filters: [{ name: "http", typed_config: manager }] }])],
      clusters: members,
    },
  };
}

describe.skipIf(skip)("certificates of upstreams as real Envoy checks them", () => {
  const proxies: ProxyProcess[] = [];
  const ports: number[] = [];
  let server: Server;

  beforeAll(async () => {
    const nowMs = Date.now();
    const authority = createAuthority(await createSelfSignedRoot("tests", nowMs), nowMs);
    if (!authority.ok) throw new Error(JSON.stringify(authority.error));
    const strangers = await createSelfSignedRoot("strangers", nowMs);
    const key = await generateKey();
    const made = authority.value.issue({
      publicKey: createPublicKey(key),
      names: { uris: ["spiffe://a/b"], dns: ["good.test"] },
      nowMs,
    });
    const pem = made.chain[0] ?? "";
    const privateKey = exportPrivateKey(key);
    // Answers with the name that it was asked by.
    server = createServer({ cert: pem, key: privateKey }, (socket) => {
      socket.on("error", () => undefined);
      socket.on("data", () => {
        const text = typeof socket.servername === "string" ? socket.servername : "none";
        socket.end(`HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\nconnection: close\r\n\r\n${text}`);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const at = server.address();
    const origin = typeof at === "object" && at !== null ? at.port : 0;
    const members = clusters(origin, authority.value.rootPem, strangers.caCert, new X509Certificate(pem), privateKey);
    for (const engine of ["heddle", "envoy"] as const) {
      const [listen = 0, adminPort = 0] = freePorts(2);
      ports.push(listen);
      proxies.push(await startProxy({ engine, bootstrap: bootstrap(listen, members), adminPort }));
    }
  }, 40_000);

  afterAll(async () => {
    for (const proxy of proxies) await proxy.stop();
    server?.close();
  });

  test.each([
    ["fixed", "good.test", 200, "fixed.test"],
    ["strangers", "good.test", 503, undefined],
    ["web", "good.test", 503, undefined],
    ["unchecked", "good.test", 200, undefined],
    ["auto", "good.test", 200, "good.test"],
    ["auto", "other.test:8080", 200, "other.test"],
    ["auto", "127.0.0.1", 200, "none"],
    ["checked", "good.test", 200, "good.test"],
    ["checked", "other.test", 503, undefined],
    ["header", "good.test", 200, "from.header"],
    ["hash", "a.test", 200, undefined],
    ["no-hash", "a.test", 503, undefined],
    ["spki", "a.test", 200, undefined],
    ["no-spki", "a.test", 503, undefined],
    ["either", "a.test", 200, undefined],
    ["encrypted", "a.test", 200, undefined],
  ] as const)(
    "%s: %s",
    async (name, host, status, body) => {
      const headers = { "x-cluster": name, "x-sni": "from.header" };
      const [ours, envoy] = await Promise.all(ports.map((port) => ask(port, { name: "", host, path: "/", headers })));
      const seen = (answer: Answer | undefined) => [answer?.status, answer?.status === 200 ? answer.body : ""];
      expect(seen(ours)).toEqual(seen(envoy));
      expect(ours?.status).toBe(status);
      if (body !== undefined) expect(ours?.body).toBe(body);
    },
    15_000,
  );

  test.each(RESUMING)(
    "%s: max_session_keys %s with %s",
    async (name, _keys, _version, reused) => {
      const filter = `/stats?filter=^cluster.${name}.ssl.(handshake|session_reused)$`;
      const counted = await Promise.all(
        ports.map(async (port, i) => {
          // Each answer ends its connection.
          for (let request = 0; request < 4; request++) {
            const headers = { "x-cluster": name };
            expect((await ask(port, { name: "", host: "good.test", path: "/", headers })).status).toBe(200);
          }
          return (await (await proxies[i]?.admin(filter))?.text())?.trim().split("\n").sort();
        }),
      );
      expect(counted[0]).toEqual([`cluster.${name}.ssl.handshake: 4`, `cluster.${name}.ssl.session_reused: ${reused}`]);
      expect(counted[0]).toEqual(counted[1] ?? []);
    },
    15_000,
  );

  test("a resumed handshake by another name", async () => {
    const said = await Promise.all(
      ports.map(async (port) => {
        const names: (string | undefined)[] = [];
        for (const host of ["one.test", "two.test", "two.test", "one.test"])
          names.push((await ask(port, { name: "", host, path: "/", headers: { "x-cluster": "s-default" } })).body);
        return names;
      }),
    );
    expect(said[0]).toEqual(["one.test", "two.test", "two.test", "one.test"]);
    expect(said[0]).toEqual(said[1] ?? []);
  }, 15_000);
});
