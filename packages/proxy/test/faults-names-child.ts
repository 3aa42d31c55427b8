/** The inside of `faults-names.integration.test.ts`: a mount namespace whose resolver asks a name server of ours. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "@heddle/std/free-ports";
import { cluster, httpFilterChain, type Json, listener } from "./rig/bootstrap.ts";
import { eventually } from "./rig/eventually.ts";
import { startNameServer } from "./rig/name-server.ts";
import { startProxy } from "./rig/proxy-process.ts";

const NAME = "app.faults.test";
// Any address of the loopback network will do; this one is nobody's.
const SERVER = `127.77.${process.pid & 255}.53`;
const folder = mkdtempSync(join(tmpdir(), "heddle-names-"));
writeFileSync(join(folder, "resolv.conf"), `nameserver ${SERVER}\noptions timeout:1 attempts:1\n`);
const mounted = spawnSync("mount", ["--bind", join(folder, "resolv.conf"), "/etc/resolv.conf"], { encoding: "utf8" });
if (mounted.status !== 0) throw new Error(`resolv.conf can't be replaced: ${mounted.stderr}`);

const names = await startNameServer(SERVER, { kind: "addresses", ips: ["127.0.0.1"] });
const app = createServer((request, answer) => answer.end(`${request.url} at ${request.socket.localAddress}`));
const [appPort = 0, web = 0, admin = 0, web2 = 0, admin2 = 0] = freePorts(5);
await new Promise<void>((done) => app.listen(appPort, "0.0.0.0", done));

const bootstrap = (port: number): Json => ({
  static_resources: {
    clusters: [
      {
        ...cluster("app", [], "http1"),
        type: "STRICT_DNS",
        dns_refresh_rate: "0.1s",
        dns_lookup_family: "V4_ONLY",
        load_assignment: {
          cluster_name: "app",
          endpoints: [
            {
              lb_endpoints: [{ endpoint: { address: { socket_address: { address: NAME, port_value: appPort } } } }],
            },
          ],
        },
      },
    ],
    listeners: [listener("web", port, [httpFilterChain("app")])],
  },
});

let nextId = 0;
async function ask(port: number): Promise<{ readonly status: number; readonly id: string; readonly body: string }> {
  const id = `/n${nextId++}`;
  const answer = await fetch(`http://127.0.0.1:${port}${id}`, { signal: AbortSignal.timeout(5000) });
  return { status: answer.status, id, body: await answer.text() };
}

const from =
  (ip: string, port = web) =>
  async () => {
    const { id, body } = await ask(port);
    return body === `${id} at ${ip}`;
  };

/** Requests while the name server misbehaves, until it was asked some times more. Gives what was not as it should be. */
async function during(kind: "failure" | "unknown" | "silence", ip: string): Promise<readonly string[]> {
  const bad: string[] = [];
  const before = names.asked;
  names.answer = { kind };
  await eventually(`questions are asked while the server answers with ${kind}`, async () => {
    const { status, id, body } = await ask(web);
    if (body !== `${id} at ${ip}`) bad.push(`${kind}: ${status} ${body}`);
    return names.asked >= before + 2;
  });
  return bad;
}

const proxy = await startProxy({ engine: "heddle", bootstrap: bootstrap(web), adminPort: admin });
const results: Record<string, unknown> = {};
try {
  await eventually("the first answer", from("127.0.0.1"));
  results["failure"] = await during("failure", "127.0.0.1");
  results["unknown"] = await during("unknown", "127.0.0.1");
  results["silence"] = await during("silence", "127.0.0.1");
  const late = await startProxy({ engine: "heddle", bootstrap: bootstrap(web2), adminPort: admin2 });
  const { status, body } = await ask(web2);
  results["never resolved"] = `${status} ${body}`;
  names.answer = { kind: "addresses", ips: ["127.0.0.2"] };
  results["moved"] = await eventually("the new address", from("127.0.0.2"));
  results["resolved at last"] = await eventually("the late proxy has an address", from("127.0.0.2", web2));
  await late.stop();
} finally {
  await proxy.stop();
  names.close();
  app.close();
  app.closeAllConnections();
  spawnSync("umount", ["/etc/resolv.conf"]);
  rmSync(folder, { recursive: true, force: true });
}
process.stdout.write(`${JSON.stringify(results)}\n`, () => process.exit(0));
