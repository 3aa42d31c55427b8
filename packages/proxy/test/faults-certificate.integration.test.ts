/** A certificate expires while it serves: new connections are refused with the reason, open ones go on, a renewed one repairs it. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { createPublicKey } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Authority, createAuthority, createSelfSignedRoot, exportPrivateKey, generateKey } from "@heddle/identity";
import { freePorts } from "@heddle/std/free-ports";
import { type AdsServer, type Configuration, dynamicBootstrap, startAdsServer } from "./rig/ads-server.ts";
import { cluster, downstreamTls, httpFilterChain, listener, tcpFilterChain, upstreamTls } from "./rig/bootstrap.ts";
import { eventually } from "./rig/eventually.ts";
import { type Origin, startOrigin } from "./rig/origin.ts";
import { type ProxyProcess, startProxy } from "./rig/proxy-process.ts";
import { connectRaw, type RawClient } from "./rig/raw-client.ts";
import type { WorkloadFiles } from "./rig/workloads.ts";

setDefaultTimeout(60_000);
const folder = mkdtempSync(join(tmpdir(), "heddle-expiry-"));
/** The caller's. Callers themselves are told only that the connection failed. Source: Envoy 1.40. */
const reasons = join(folder, "reasons.log");
const [inbound = 0, inboundTcp = 0, outbound = 0, outboundTcp = 0, adsPort = 0, adminA = 0, adminB = 0] = freePorts(7);
/** Long enough for an update to arrive and a connection to be made. Units: ms. */
const SHORT_MS = 5000;
let authority: Authority;
let client: WorkloadFiles;
let origin: Origin;
let ads: AdsServer;
let server: ProxyProcess;
let caller: ProxyProcess;
let issued = 0;

async function issue(account: string, ttlMs?: number): Promise<WorkloadFiles & { readonly notAfterMs: number }> {
  const key = await generateKey();
  const spiffeId = `spiffe://cluster.local/ns/test/sa/${account}`;
  const made = authority.issue({
    publicKey: createPublicKey(key),
    names: { uris: [spiffeId] },
    nowMs: Date.now(),
    ttlMs,
  });
  const base = join(folder, `${account}-${issued++}`);
  const files = { spiffeId, chain: `${base}.pem`, key: `${base}.key`, root: join(folder, "root.pem") };
  writeFileSync(files.chain, made.chain.join(""));
  writeFileSync(files.key, exportPrivateKey(key), { mode: 0o600 });
  return { ...files, notAfterMs: made.notAfterMs };
}

const serving = (own: WorkloadFiles, generation: string): Configuration => ({
  clusters: [cluster("app", [origin.port], "http1")],
  listeners: [
    listener("web", inbound, [
      { ...httpFilterChain("app", { server_name: generation }), ...downstreamTls(own, client, ["http/1.1"]) },
    ]),
    listener("tcp", inboundTcp, [{ ...tcpFilterChain("app"), ...downstreamTls(own, client, ["istio"]) }]),
  ],
});

beforeAll(async () => {
  const made = createAuthority(await createSelfSignedRoot("cluster.local", Date.now()), Date.now());
  if (!made.ok) throw new Error("the CA refuses its own material");
  authority = made.value;
  writeFileSync(join(folder, "root.pem"), authority.rootPem);
  client = await issue("client");
  const own = await issue("server");
  origin = await startOrigin(({ target, socket }) => {
    const text = `you asked ${target}`;
    socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\n\r\n${text}`);
  });
  ads = await startAdsServer(adsPort, serving(own, "first"));
  const options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
  const one = {
    typed_extension_protocol_options: {
      [options]: {
        "@type": `type.googleapis.com/${options}`,
        explicit_http_config: { http_protocol_options: {} },
        common_http_protocol_options: { max_requests_per_connection: 1 },
      },
    },
  };
  server = await startProxy({ engine: "heddle", bootstrap: dynamicBootstrap(adsPort), adminPort: adminA });
  caller = await startProxy({
    engine: "heddle",
    adminPort: adminB,
    bootstrap: {
      static_resources: {
        clusters: [
          // Each request makes a connection of its own, and so a handshake.
          cluster("web", [inbound], "http1", { ...upstreamTls(client, own, ["http/1.1"]), ...one }),
          cluster("tcp", [inboundTcp], "http1", upstreamTls(client, own, ["istio"])),
        ],
        listeners: [
          listener("web", outbound, [
            httpFilterChain("web", {
              server_header_transformation: "PASS_THROUGH",
              access_log: [
                {
                  name: "envoy.access_loggers.file",
                  typed_config: {
                    "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
                    path: reasons,
                    log_format: { text_format: "%REQ(:PATH)% %UPSTREAM_TRANSPORT_FAILURE_REASON%\n" },
                  },
                },
              ],
            }),
          ]),
          listener("tcp", outboundTcp, [tcpFilterChain("tcp")]),
        ],
      },
    },
  });
  await eventually("the server's side", async () => (await ask()).includes("200 OK"));
});

afterAll(async () => {
  await caller?.stop();
  await server?.stop();
  ads?.kill();
  origin?.close();
  rmSync(folder, { recursive: true });
});

let asked = 0;

/** Checks that no answer belongs to another request. */
async function ask(): Promise<string> {
  const id = `/n${asked++}`;
  const connection = await connectRaw(outbound);
  connection.send(`GET ${id} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`);
  const text = await connection.ended();
  if (text.startsWith("HTTP/1.1 200")) expect(text).toEndWith(`you asked ${id}`);
  return text;
}

const TUNNELLED = "GET /tunnel HTTP/1.1\r\nhost: a\r\n\r\n";

/** A connection under a certificate that ends soon. A machine that was too busy to make it in time gets more of it. */
async function openUnderShort(ttlMs = SHORT_MS): Promise<{ readonly tunnel: RawClient; readonly notAfterMs: number }> {
  const short = await issue("server", ttlMs);
  ads.push(serving(short, `short-${ttlMs}`));
  await eventually("it serves with the short-lived one", async () => {
    const text = await ask();
    return text.includes(`server: short-${ttlMs}`) || Date.now() > short.notAfterMs;
  });
  const tunnel = await connectRaw(outboundTcp);
  tunnel.send(TUNNELLED);
  const inTime = await tunnel
    .until((text) => text.endsWith("you asked /tunnel"))
    .then(
      () => true,
      () => false,
    );
  if (inTime || ttlMs > 4 * SHORT_MS) return { tunnel, notAfterMs: short.notAfterMs };
  tunnel.close();
  return openUnderShort(ttlMs * 2);
}

test("expired, refused with the reason; an open connection goes on; a renewed certificate serves again", async () => {
  const { tunnel, notAfterMs } = await openUnderShort();
  await eventually("it has expired", () => Date.now() > notAfterMs + 1000);
  const path = `/n${asked}`;
  expect(await ask()).toStartWith("HTTP/1.1 503");
  const logged = () => (existsSync(reasons) ? readFileSync(reasons, "utf8").split("\n") : []);
  await eventually("the reason", () => logged().some((line) => line.startsWith(`${path} CERTIFICATE_VERIFY_FAILED`)));
  expect(logged().find((line) => line.startsWith(`${path} `))).toContain("expired");
  tunnel.send(TUNNELLED);
  await tunnel.until((text) => text.split("you asked /tunnel").length === 3);
  tunnel.close();
  ads.push(serving(await issue("server"), "renewed"));
  await eventually("it serves with the renewed one", async () => (await ask()).includes("server: renewed"));
});
