/** A listener is replaced, one of its chains as it was: clients of that chain go on from the handshakes that they had, beside real Envoy. */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { freePorts } from "@heddle/std/free-ports";
import { cluster, downstreamTls, httpFilterChain, listener, TLS_INSPECTOR } from "./rig/bootstrap.ts";
import { eventually } from "./rig/eventually.ts";
import { startH1Origin } from "./rig/h1-origin.ts";
import { envoyPath, type ProxyProcess, startProxy } from "./rig/proxy-process.ts";
import { issueWorkloads } from "./rig/workloads.ts";

setDefaultTimeout(60_000);
const engines = ["heddle", ...(envoyPath() === undefined ? [] : ["envoy"])] as ("heddle" | "envoy")[];
if (engines.length === 1) console.log("without a comparison: no Envoy; set HEDDLE_ENVOY or put envoy on PATH");
const folder = mkdtempSync(join(tmpdir(), "heddle-resumption-"));
const { app, client } = await issueWorkloads(folder, ["app", "client"]);
const origin = await startH1Origin();
const ports = freePorts(2 * engines.length);
const proxies: ProxyProcess[] = [];

afterAll(async () => {
  for (const proxy of proxies) await proxy.stop();
  origin.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Two chains by server name; the version is in one of them. */
function listenerOf(port: number, version: number) {
  const chain = (name: string, serverName: string) => ({
    ...httpFilterChain("app", { server_name: serverName }),
    ...downstreamTls(app, client, ["http/1.1"]),
    filter_chain_match: { server_names: [name], transport_protocol: "tls" },
    name,
  });
  return {
    version_info: String(version),
    resources: [
      {
        "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
        ...listener("web", port, [chain("same.example", "same"), chain("new.example", `v${version}`)], {
          listener_filters: [TLS_INSPECTOR],
        }),
      },
    ],
  };
}

interface Answer {
  readonly server: string;
  readonly reused: boolean;
  readonly session: Buffer | undefined;
}

/** One request over TLS 1.2, whose tickets come within the handshake. */
function ask(port: number, servername: string, session?: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const tls = {
      cert: readFileSync(client.chain),
      key: readFileSync(client.key),
      ca: readFileSync(client.root),
      maxVersion: "TLSv1.2" as const,
      ALPNProtocols: ["http/1.1"],
      checkServerIdentity: () => undefined,
    };
    const socket = connect({ host: "127.0.0.1", port, servername, ...tls, ...(session ? { session } : {}) }, () => {
      socket.write("GET /echo HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    });
    let text = "";
    let known: Pick<Answer, "reused" | "session"> = { reused: false, session: undefined };
    socket.on("data", (chunk) => {
      known = { reused: socket.isSessionReused(), session: socket.getSession() };
      text += chunk;
    });
    socket.on("error", reject);
    socket.on("close", () => resolve({ server: /^server: (.*)\r$/m.exec(text)?.[1] ?? text, ...known }));
  });
}

test.each(engines)("%s", async (engine) => {
  const [port = 0, adminPort = 0] = ports.splice(0, 2);
  const file = join(folder, `${engine}.json`);
  const place = (version: number) => {
    writeFileSync(`${file}.new`, JSON.stringify(listenerOf(port, version)));
    renameSync(`${file}.new`, file);
  };
  place(1);
  const bootstrap = {
    node: { id: "n", cluster: "c" },
    dynamic_resources: { lds_config: { path_config_source: { path: file }, resource_api_version: "V3" } },
    static_resources: { clusters: [cluster("app", [origin.port], "http1")] },
  };
  proxies.push(await startProxy({ engine, bootstrap, adminPort }));
  const serverNow = () => ask(port, "new.example").then(({ server }) => server, String);
  await eventually("the listener", async () => (await serverNow()) === "v1");
  const first = await ask(port, "same.example");
  expect(first).toMatchObject({ server: "same", reused: false });
  expect((await ask(port, "same.example", first.session)).reused).toBe(true);
  place(2);
  await eventually("the new listener", async () => (await serverNow()) === "v2");
  expect(await ask(port, "same.example", first.session)).toMatchObject({ server: "same", reused: true });
});
