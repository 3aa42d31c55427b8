import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { freePorts } from "@heddle/std/free-ports";
import type { Json } from "./rig/bootstrap.ts";
import { type DiscoveryRig, SERVED, type ServedType, startDiscoveryServer } from "./rig/discovery-server.ts";
import { eventually } from "./rig/eventually.ts";
import { foreignCertificate } from "./rig/foreign-certificate.ts";
import { envoyPath, type ProxyProcess, startProxy } from "./rig/proxy-process.ts";

const engines = ["heddle", ...(envoyPath() === undefined ? [] : ["envoy"])] as ("heddle" | "envoy")[];
if (engines.length === 1) console.log("without a comparison: no Envoy; set HEDDLE_ENVOY or put envoy on PATH");
const kinds = ["GRPC", "DELTA_GRPC", "file"] as const;
type Kind = (typeof kinds)[number];

const folder = mkdtempSync(join(tmpdir(), "heddle-sources-"));
const [discoveryPort = 0, ...ports] = freePorts(1 + 3 * kinds.length * engines.length);
const certificate = await foreignCertificate();
/** What the first is replaced by. */
const renewed = await foreignCertificate();
let discovery: DiscoveryRig;
const origins = ["one", "two"].map((text) =>
  Bun.serve({ hostname: "127.0.0.1", port: 0, idleTimeout: 0, fetch: () => new Response(text) }),
);
const proxies: ProxyProcess[] = [];

beforeAll(async () => {
  discovery = await startDiscoveryServer(discoveryPort);
});
afterAll(async () => {
  for (const proxy of proxies) await proxy.stop();
  for (const origin of origins) origin.stop(true);
  discovery.kill();
  rmSync(folder, { recursive: true, force: true });
});

const EXT = "type.googleapis.com/envoy.extensions";
const at = (port: number): Json => ({ socket_address: { address: "127.0.0.1", port_value: port } });

/** The resources of one proxy, all by sources of one kind. */
class Sources {
  readonly #files = new Map<ServedType, Map<string, Json>>();
  readonly group: string;
  readonly kind: Kind;

  constructor(group: string, kind: Kind) {
    this.group = group;
    this.kind = kind;
  }

  path(type: ServedType): string {
    return join(folder, `${this.group}-${type}.json`);
  }

  of(type: ServedType): Json {
    if (this.kind === "file") return { path_config_source: { path: this.path(type) }, resource_api_version: "V3" };
    return {
      resource_api_version: "V3",
      api_config_source: {
        api_type: this.kind,
        transport_api_version: "V3",
        grpc_services: [{ envoy_grpc: { cluster_name: "discovery" } }],
      },
    };
  }

  set(type: ServedType, name: string, json: Json): void {
    if (this.kind !== "file") {
      discovery.set(this.group, type, name, json);
      return;
    }
    const all = this.#files.get(type) ?? new Map<string, Json>();
    this.#files.set(type, all.set(name, { "@type": SERVED[type][0], ...json }));
    // Envoy looks at moves only, which is how files are replaced as a whole.
    writeFileSync(`${this.path(type)}.new`, JSON.stringify({ version_info: "1", resources: [...all.values()] }));
    renameSync(`${this.path(type)}.new`, this.path(type));
  }

  listener(name: string, port: number, tls: boolean): void {
    const secret = { name: "server", sds_config: this.of("Secret") };
    const transport_socket = {
      name: "envoy.transport_sockets.tls",
      typed_config: {
        "@type": `${EXT}.transport_sockets.tls.v3.DownstreamTlsContext`,
        common_tls_context: { tls_certificate_sds_secret_configs: [secret] },
      },
    };
    const manager = {
      "@type": `${EXT}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
      stat_prefix: name,
      rds: { route_config_name: "routes", config_source: this.of("Route") },
      http_filters: [{ name: "router", typed_config: { "@type": `${EXT}.filters.http.router.v3.Router` } }],
    };
    this.set("Listener", name, {
      name,
      address: at(port),
      filter_chains: [{ filters: [{ name: "http", typed_config: manager }], ...(tls ? { transport_socket } : {}) }],
    });
  }

  routes(prefix: string): void {
    const routes = [{ match: { prefix }, route: { cluster: "app" } }];
    this.set("Route", "routes", { name: "routes", virtual_hosts: [{ name: "all", domains: ["*"], routes }] });
  }

  certificate({ cert, key }: typeof certificate): void {
    this.set("Secret", "server", {
      name: "server",
      tls_certificate: { certificate_chain: { inline_string: cert }, private_key: { inline_string: key } },
    });
  }

  endpoint(port: number): void {
    const endpoints = [{ lb_endpoints: [{ endpoint: { address: at(port) } }] }];
    this.set("Endpoint", "app", { cluster_name: "app", endpoints });
  }

  bootstrap(): Json {
    return {
      node: { id: this.group, cluster: this.group },
      dynamic_resources: { lds_config: this.of("Listener"), cds_config: this.of("Cluster") },
      static_resources: {
        clusters: [
          {
            name: "discovery",
            type: "STATIC",
            typed_extension_protocol_options: {
              "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": `${EXT}.upstreams.http.v3.HttpProtocolOptions`,
                explicit_http_config: { http2_protocol_options: {} },
              },
            },
            load_assignment: {
              cluster_name: "discovery",
              endpoints: [{ lb_endpoints: [{ endpoint: { address: at(discoveryPort) } }] }],
            },
          },
        ],
      },
    };
  }
}

/** Fingerprint of the certificate that a new connection to a port is shown. */
function shownBy(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

const cases = engines.flatMap((engine) => kinds.map((kind) => ({ engine, kind })));

describe("resources by sources of their own", () => {
  test.each(cases.map((one, i) => ({ ...one, index: i * 3 })))("$engine: $kind", async ({ engine, kind, index }) => {
    const [http = 0, https = 0, adminPort = 0] = ports.slice(index);
    const sources = new Sources(`${engine}-${kind}`, kind);
    sources.set("Cluster", "app", {
      name: "app",
      type: "EDS",
      eds_cluster_config: { eds_config: sources.of("Endpoint") },
    });
    sources.endpoint(origins[0]?.port ?? 0);
    sources.routes("/");
    sources.certificate(certificate);
    sources.listener("plain", http, false);
    sources.listener("secure", https, true);
    const proxy = await startProxy({ engine, adminPort, bootstrap: sources.bootstrap() });
    proxies.push(proxy);
    const ask = async (url: string) => {
      const answer = await fetch(url, { tls: { rejectUnauthorized: false }, signal: AbortSignal.timeout(10_000) });
      return `${answer.status} ${await answer.text()}`;
    };
    const plain = `http://127.0.0.1:${http}/a`;
    await eventually("the first answer", async () => (await ask(plain)) === "200 one", 15_000);
    await eventually(
      "the answer over TLS",
      async () => (await ask(`https://127.0.0.1:${https}/a`)) === "200 one",
      15_000,
    );

    expect(await shownBy(https)).toBe(new X509Certificate(certificate.cert).fingerprint256);
    sources.certificate(renewed);
    const fingerprint = new X509Certificate(renewed.cert).fingerprint256;
    await eventually("the renewed certificate", async () => (await shownBy(https)) === fingerprint, 15_000);

    sources.endpoint(origins[1]?.port ?? 0);
    await eventually("other endpoints", async () => (await ask(plain)) === "200 two", 15_000);
    sources.routes("/only");
    await eventually("other routes", async () => (await ask(plain)).startsWith("404"), 15_000);
    expect(await ask(`${plain.slice(0, -1)}only`)).toBe("200 two");

    // What is refused changes nothing, and the server is told where it is wrong.
    sources.set("Route", "routes", {
      name: "routes",
      virtual_hosts: [
        {
          name: "all",
          domains: ["*"],
          routes: [{ match: { prefix: "/" }, route: { cluster: "app", regex_rewrite: { pattern: { regex: "(" } } } }],
        },
      ],
    });
    await eventually(
      "the refusal",
      () => {
        if (kind === "file") return engine === "envoy" || proxy.log().includes("regex_rewrite.pattern.regex");
        const reasons = discovery
          .clients()
          .flatMap(({ group, types }) => (group === sources.group ? types.map(({ rejection }) => rejection) : []));
        return reasons.some((reason) =>
          engine === "envoy" ? reason : reason?.includes("regex_rewrite.pattern.regex"),
        );
      },
      15_000,
    );
    expect(await ask(`${plain.slice(0, -1)}only`)).toBe("200 two");
  }, 60_000);

  test("each dialect called the service of each type", () => {
    // Runtime values and scoped routes have tests of their own.
    const types = Object.keys(SERVED).filter((type) => type !== "Runtime" && type !== "ScopedRoutes");
    const methods = types.flatMap((type) =>
      ["Stream", "Delta"].map(
        (how) => `/envoy.service.${type.toLowerCase()}.v3.${type}DiscoveryService/${how}${type}s`,
      ),
    );
    expect([...discovery.called].sort()).toEqual(methods.sort());
  });
});
