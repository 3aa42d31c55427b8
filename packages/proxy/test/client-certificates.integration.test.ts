/** Which client certificates a listener believes, where it requires one and where it only takes one. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "@heddle/std/free-ports";
import { cluster, downstreamTls, httpFilterChain, listener } from "./rig/bootstrap.ts";
import { foreignCertificate } from "./rig/foreign-certificate.ts";
import { startH1Origin } from "./rig/h1-origin.ts";
import { type ProxyProcess, startProxy } from "./rig/proxy-process.ts";
import { issueWorkloads } from "./rig/workloads.ts";

setDefaultTimeout(60_000);
const folder = mkdtempSync(join(tmpdir(), "heddle-client-certificates-"));
const [required = 0, named = 0, optional = 0, adminPort = 0] = freePorts(4);
let proxy: ProxyProcess;
let close: () => void = () => undefined;
let clients: Readonly<Record<"none" | "own" | "foreign", { readonly cert: string; readonly key: string } | undefined>>;

beforeAll(async () => {
  const { app, client } = await issueWorkloads(folder, ["app", "client"]);
  const origin = await startH1Origin();
  close = origin.close;
  clients = {
    none: undefined,
    own: { cert: readFileSync(client.chain, "utf8"), key: readFileSync(client.key, "utf8") },
    foreign: await foreignCertificate(),
  };
  const chain = { ...httpFilterChain("app"), ...downstreamTls(app, client, ["http/1.1"]) };
  const asked = JSON.stringify(chain).replace(
    '"require_client_certificate":true',
    '"require_client_certificate":false',
  );
  const lenient = JSON.parse(asked.replace(/,"match_typed_subject_alt_names":\[.*?\]/, ""));
  proxy = await startProxy({
    engine: "heddle",
    adminPort,
    bootstrap: {
      static_resources: {
        listeners: [
          listener("required", required, [chain]),
          listener("named", named, [JSON.parse(asked)]),
          listener("optional", optional, [lenient]),
        ],
        clusters: [cluster("app", [origin.port], "http1")],
      },
    },
  });
});

afterAll(async () => {
  await proxy?.stop();
  close();
  rmSync(folder, { recursive: true, force: true });
});

/** The status, or "refused" where the connection ends without an answer. */
async function ask(port: number, who: keyof typeof clients): Promise<number | "refused"> {
  const tls = { rejectUnauthorized: false, ...clients[who] };
  try {
    const answer = await fetch(`https://127.0.0.1:${port}/echo`, { tls, keepalive: false });
    await answer.arrayBuffer();
    return answer.status;
  } catch {
    return "refused";
  }
}

test.each([
  ["required", required, { none: "refused", own: 200, foreign: "refused" }],
  // Where names are accepted, there must be one, as in Envoy.
  ["optional with names", named, { none: "refused", own: 200, foreign: "refused" }],
  // A certificate that is shown has to be good: what it says is believed by authorization and by the application.
  ["optional", optional, { none: 200, own: 200, foreign: "refused" }],
] as const)("a certificate is %s", async (_name, port, expected) => {
  const found = { none: await ask(port, "none"), own: await ask(port, "own"), foreign: await ask(port, "foreign") };
  expect(found).toEqual(expected);
});
