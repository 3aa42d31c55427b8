/** Revoked certificates of clients and servers, by lists of openssl: who is refused is refused in real Envoy too. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "@heddle/std/free-ports";
import { ask } from "./rig/ask.ts";
import { cluster, type Json, listener } from "./rig/bootstrap.ts";
import { envoyPath, type ProxyProcess, startProxy } from "./rig/proxy-process.ts";
import { makeRevokingCa, type RevokingCa } from "./rig/revoking-ca.ts";

const missing = envoyPath() === undefined ? "Envoy" : Bun.which("openssl") === null ? "openssl" : undefined;
if (missing !== undefined) console.log(`skipped: no ${missing}; set HEDDLE_ENVOY, install openssl`);

const TYPE = "type.googleapis.com/envoy.extensions";
const MANAGER = `${TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager`;
const PEERS = ["good", "bad"] as const;

interface Case {
  readonly name: string;
  /** What stands in the context itself, and in a secret beside it. */
  context(ca: RevokingCa): Json;
  secret?(ca: RevokingCa): Json;
  /** Whether the good peer gets through; the bad one never does. */
  readonly good: boolean;
}

const text = (...pem: string[]): Json => ({ inline_string: pem.join("") });
const LEAF: Json = { only_verify_leaf_cert_crl: true };
const CASES: readonly Case[] = [
  {
    name: "whole",
    context: ({ root, lists }) => ({ trusted_ca: text(root), crl: text(lists.root, lists.inter) }),
    good: true,
  },
  { name: "half", context: ({ root, lists }) => ({ trusted_ca: text(root), crl: text(lists.inter) }), good: false },
  {
    name: "leaf",
    context: ({ root, lists }) => ({ trusted_ca: text(root), crl: text(lists.inter), ...LEAF }),
    good: true,
  },
  {
    name: "leaf-other",
    context: ({ root, lists }) => ({ trusted_ca: text(root), crl: text(lists.root), ...LEAF }),
    good: false,
  },
  {
    name: "over",
    context: ({ root, lists }) => ({ trusted_ca: text(root), crl: text(lists.root, lists.over) }),
    good: false,
  },
  {
    name: "leaf-over",
    context: ({ root, lists }) => ({ trusted_ca: text(root), crl: text(lists.over), ...LEAF }),
    good: false,
  },
  {
    name: "among-roots",
    context: ({ root, lists }) => ({ trusted_ca: text(root, lists.root, lists.inter) }),
    good: true,
  },
  {
    name: "shared",
    context: () => ({}),
    secret: ({ root, lists }) => ({ trusted_ca: text(root), crl: text(lists.root, lists.inter) }),
    good: true,
  },
  {
    name: "shared-roots",
    context: ({ lists }) => ({ crl: text(lists.inter), ...LEAF }),
    secret: ({ root }) => ({ trusted_ca: text(root) }),
    good: true,
  },
];

function bootstrap(ca: RevokingCa, http: number, ports: readonly number[], servers: readonly number[]): Json {
  const checked = ({ name, context, secret }: Case): Json =>
    secret === undefined
      ? { validation_context: context(ca) }
      : {
          combined_validation_context: {
            default_validation_context: context(ca),
            validation_context_sds_secret_config: { name },
          },
        };
  const manager = (routes: readonly Json[]): Json => ({
    filters: [
      {
        name: "http",
        typed_config: {
          "@type": MANAGER,
          stat_prefix: "in",
          http_filters: [{ name: "router", typed_config: { "@type": `${TYPE}.filters.http.router.v3.Router` } }],
          route_config: { virtual_hosts: [{ name: "all", domains: ["*"], routes }] },
        },
      },
    ],
  });
  const socket = (kind: "Downstream" | "Upstream", common: Json, more: Json): Json => ({
    transport_socket: {
      name: "tls",
      typed_config: {
        "@type": `${TYPE}.transport_sockets.tls.v3.${kind}TlsContext`,
        common_tls_context: common,
        ...more,
      },
    },
  });
  const own = { tls_certificates: [{ certificate_chain: text(ca.chains.good), private_key: text(ca.keys.good) }] };
  const outbound = manager([{ match: { prefix: "/" }, route: { cluster_header: "x-cluster" } }]);
  const inbound = manager([{ match: { prefix: "/" }, direct_response: { status: 200 } }]);
  return {
    static_resources: {
      secrets: CASES.flatMap(({ name, secret }) =>
        secret === undefined ? [] : [{ name, validation_context: secret(ca) }],
      ),
      listeners: [
        listener("out", http, [outbound]),
        ...CASES.map((item, i) =>
          listener(item.name, ports[i] ?? 0, [
            {
              ...inbound,
              ...socket("Downstream", { ...own, ...checked(item) }, { require_client_certificate: true }),
            },
          ]),
        ),
      ],
      clusters: CASES.flatMap((item) =>
        PEERS.map((peer, i) =>
          cluster(`${item.name}-${peer}`, [servers[i] ?? 0], "http1", socket("Upstream", checked(item), {})),
        ),
      ),
    },
  };
}

describe.skipIf(missing !== undefined)("revocation lists as real Envoy reads them", () => {
  const folder = mkdtempSync(join(tmpdir(), "heddle-revocation-"));
  const proxies: ProxyProcess[] = [];
  const places: { readonly http: number; readonly ports: readonly number[] }[] = [];
  const servers: Server[] = [];
  let ca: RevokingCa;

  beforeAll(async () => {
    ca = makeRevokingCa(folder);
    for (const peer of PEERS) {
      const server = createServer({ cert: ca.chains[peer], key: ca.keys[peer] }, (_, answer) => answer.end());
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      servers.push(server);
    }
    const at = servers.map((server) => (server.address() as AddressInfo).port);
    for (const engine of ["heddle", "envoy"] as const) {
      const [http = 0, adminPort = 0, ...ports] = freePorts(2 + CASES.length);
      places.push({ http, ports });
      proxies.push(await startProxy({ engine, adminPort, bootstrap: bootstrap(ca, http, ports, at) }));
    }
  }, 40_000);

  afterAll(async () => {
    for (const proxy of proxies) await proxy.stop();
    for (const server of servers) server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Whether a client that shows a certificate gets an answer. */
  const served = async (port: number, peer: (typeof PEERS)[number]): Promise<boolean> => {
    try {
      const tls = { rejectUnauthorized: false, cert: ca.chains[peer], key: ca.keys[peer] };
      const answer = await fetch(`https://127.0.0.1:${port}/`, { tls, keepalive: false });
      await answer.arrayBuffer();
      return answer.ok;
    } catch {
      return false;
    }
  };

  test.each(CASES.map((item, i): [string, number, boolean] => [item.name, i, item.good]))(
    "%s",
    async (name, i, good) => {
      const seen = await Promise.all(
        places.map(async ({ http, ports }) => ({
          clients: await Promise.all(PEERS.map((peer) => served(ports[i] ?? 0, peer))),
          servers: await Promise.all(
            PEERS.map(async (peer) => {
              const headers = { "x-cluster": `${name}-${peer}` };
              return (await ask(http, { name: "", path: "/", headers })).status;
            }),
          ),
        })),
      );
      expect(seen[0]).toEqual({ clients: [good, false], servers: [good ? 200 : 503, 503] });
      expect(seen[0]).toEqual(seen[1] ?? seen[0]);
    },
    15_000,
  );
});
