/** Certificates and roots in files that are renewed while the proxy serves, as in real Envoy: files that are replaced, folders behind a link, what can't be used. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { freePorts } from "@heddle/std/free-ports";
import { cluster, type Json, listener, tcpFilterChain } from "./rig/bootstrap.ts";
import { ENGINES, type Engine, withoutEnvoy } from "./rig/engines.ts";
import { eventually } from "./rig/eventually.ts";
import { foreignCertificate } from "./rig/foreign-certificate.ts";
import { type ProxyProcess, startProxy } from "./rig/proxy-process.ts";

const skip = withoutEnvoy();

type Pair = Awaited<ReturnType<typeof foreignCertificate>>;
const EXT = "type.googleapis.com/envoy.extensions";
/** Files that are replaced one by one, and a folder behind a link, as Kubernetes mounts Secrets. */
const WAYS = ["files", "folder"] as const;
type Way = (typeof WAYS)[number];

describe.skipIf(skip)("secrets in files as in real Envoy", () => {
  const folder = mkdtempSync(join(tmpdir(), "heddle-secret-files-"));
  const proxies = new Map<Engine, ProxyProcess>();
  const ports = new Map<string, number>();
  const app = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  let round = 0;

  const place = (way: Way, name: string): string => join(folder, way, way === "folder" ? `..data/${name}` : name);
  /** Both at once behind a link, else one after the other. */
  const put = ({ cert, key }: Pair): void => {
    for (const [name, text] of [
      ["tls.crt", cert],
      ["tls.key", key],
    ] as const) {
      writeFileSync(join(folder, "files", `${name}.new`), text);
      renameSync(join(folder, "files", `${name}.new`), join(folder, "files", name));
    }
    const fresh = `..${++round}`;
    mkdirSync(join(folder, "folder", fresh));
    writeFileSync(join(folder, "folder", fresh, "tls.crt"), cert);
    writeFileSync(join(folder, "folder", fresh, "tls.key"), key);
    symlinkSync(fresh, join(folder, "folder", "..new"));
    renameSync(join(folder, "folder", "..new"), join(folder, "folder", "..data"));
  };
  const secretFile = (way: Way): Json => ({
    version_info: "1",
    resources: [
      {
        "@type": `${EXT}.transport_sockets.tls.v3.Secret`,
        name: way,
        tls_certificate: {
          certificate_chain: { filename: place(way, "tls.crt") },
          private_key: { filename: place(way, "tls.key") },
          ...(way === "folder" ? { watched_directory: { path: join(folder, way) } } : {}),
        },
      },
    ],
  });
  const bootstrap = (engine: Engine): Json => ({
    node: { id: "secrets", cluster: "secrets" },
    static_resources: {
      listeners: WAYS.map((way) =>
        listener(way, ports.get(`${engine} ${way}`) ?? 0, [
          {
            ...tcpFilterChain("app"),
            transport_socket: {
              name: "tls",
              typed_config: {
                "@type": `${EXT}.transport_sockets.tls.v3.DownstreamTlsContext`,
                common_tls_context: {
                  tls_certificate_sds_secret_configs: [
                    {
                      name: way,
                      sds_config: {
                        resource_api_version: "V3",
                        path_config_source: { path: join(folder, `${way}.json`) },
                      },
                    },
                  ],
                },
              },
            },
          },
        ]),
      ),
      clusters: [cluster("app", [app.port])],
    },
  });
  /** Serial number of the certificate that is shown; "": no handshake. */
  const shown = (engine: Engine, way: Way): Promise<string> =>
    new Promise((resolve) => {
      const socket = connect({
        host: "127.0.0.1",
        port: ports.get(`${engine} ${way}`) ?? 0,
        rejectUnauthorized: false,
      });
      socket.on("secureConnect", () => {
        resolve(socket.getPeerCertificate().serialNumber ?? "");
        socket.destroy();
      });
      socket.on("error", () => resolve(""));
      socket.on("close", () => resolve(""));
    });
  const serial = ({ cert }: Pair): string => new X509Certificate(cert).serialNumber;
  const everywhere = ENGINES.flatMap((engine) => WAYS.map((way) => [engine, way] as const));
  const allShow = (pair: Pair): Promise<unknown> =>
    eventually(
      "all show the certificate",
      async () => {
        const seen = await Promise.all(everywhere.map(([engine, way]) => shown(engine, way)));
        if (seen.some((one) => one !== serial(pair))) throw new Error(JSON.stringify([serial(pair), seen]));
        return true;
      },
      15_000,
    );

  let pairs: readonly Pair[] = [];
  beforeAll(async () => {
    pairs = await Promise.all([0, 1, 2, 3].map(() => foreignCertificate()));
    for (const way of WAYS) {
      mkdirSync(join(folder, way));
      writeFileSync(join(folder, `${way}.json`), JSON.stringify(secretFile(way)));
    }
    put(pairs[0] as Pair);
    const free = freePorts(6);
    for (const [engine, way] of everywhere) ports.set(`${engine} ${way}`, free.pop() ?? 0);
    await Promise.all(
      ENGINES.map(async (engine) => {
        proxies.set(engine, await startProxy({ engine, bootstrap: bootstrap(engine), adminPort: free.pop() ?? 0 }));
      }),
    );
  }, 40_000);
  afterAll(async () => {
    await Promise.all([...proxies.values()].map((proxy) => proxy.stop()));
    app.stop(true);
    rmSync(folder, { recursive: true, force: true });
  });

  test("what is renewed is shown", async () => {
    await allShow(pairs[0] as Pair);
    put(pairs[1] as Pair);
    await allShow(pairs[1] as Pair);
  }, 40_000);

  test("what can't be used changes nothing, and what comes after it does", async () => {
    put({ cert: "no certificate", key: "no key" });
    await eventually("it is said", () => proxies.get("heddle")?.log().includes("can't be used (yet)"), 8000);
    await allShow(pairs[1] as Pair);
    // A certificate without its key.
    put({ cert: pairs[2]?.cert ?? "", key: pairs[3]?.key ?? "" });
    await Bun.sleep(1500);
    await allShow(pairs[1] as Pair);
    put(pairs[2] as Pair);
    await allShow(pairs[2] as Pair);
    expect(proxies.get("heddle")?.log()).not.toContain("PRIVATE KEY");
  }, 60_000);
});
