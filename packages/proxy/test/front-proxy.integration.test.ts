import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "@heddle/std/free-ports";
import { eventually } from "./rig/eventually.ts";
import { type ProxyProcess, startProxy } from "./rig/proxy-process.ts";

/** Scenario "the gateway, exposed": a front proxy from a bootstrap in Envoy's v2 form, as walkthroughs show it. */
const folder = mkdtempSync(join(tmpdir(), "heddle-front-"));
const log = join(folder, "access.log");
const [http = 0, https = 0, admin = 0] = freePorts(3);
let origin: ReturnType<typeof Bun.serve>;
let proxy: ProxyProcess;

const listener = (port: number, statPrefix: string) => ({
  address: { socket_address: { address: "127.0.0.1", port_value: port } },
  filter_chains: [
    {
      filters: [
        {
          name: "envoy.tcp_proxy",
          config: {
            stat_prefix: statPrefix,
            cluster: "gateway",
            access_log: [{ name: "envoy.file_access_log", config: { path: log } }],
          },
        },
      ],
    },
  ],
});

beforeAll(async () => {
  origin = Bun.serve({ hostname: "127.0.0.1", port: 0, idleTimeout: 0, fetch: () => new Response("from the gateway") });
  proxy = await startProxy({
    engine: "heddle",
    adminPort: admin,
    args: ["--service-cluster", "front", "--service-node", "front-1", "--base-id", "3"],
    bootstrap: {
      static_resources: {
        listeners: [listener(http, "ingress_http"), listener(https, "ingress_https")],
        clusters: [
          {
            name: "gateway",
            connect_timeout: "0.25s",
            type: "strict_dns",
            dns_lookup_family: "V4_ONLY",
            lb_policy: "round_robin",
            hosts: [{ socket_address: { address: "localhost", port_value: origin.port } }],
          },
        ],
      },
    },
  });
}, 30_000);

afterAll(async () => {
  await proxy?.stop();
  await origin?.stop(true);
  rmSync(folder, { recursive: true, force: true });
});

test("both listeners reach the gateway by name", async () => {
  for (const port of [http, https]) {
    await eventually(`an answer on ${port}`, async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: "close" } });
      return (await answer.text()) === "from the gateway";
    });
  }
}, 30_000);

test("connections are logged, and the admin port answers", async () => {
  await eventually("a line of the access log", () => readFileSync(log, "utf8").includes("127.0.0.1:"));
  expect((await proxy.admin("/ready")).status).toBe(200);
  expect(await (await proxy.admin("/clusters")).text()).toContain("gateway::127.0.0.1:");
}, 30_000);

test("the warning shows the v3 form", async () => {
  await eventually("the warning", () => proxy.log().includes("STRICT_DNS"));
  expect(proxy.log()).toContain("v2 form, which is deprecated");
  expect(proxy.log()).toContain("type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy");
}, 60_000);

test("--mode validate says so too; flags it does not know are refused by name", async () => {
  const file = join(folder, "old.json");
  const old = {
    static_resources: {
      clusters: [{ name: "a", type: "strict_dns", connect_timeout: "1s", hosts: [{ pipe: { path: "/a" } }] }],
    },
  };
  writeFileSync(file, JSON.stringify(old));
  const run = async (...flags: string[]) => {
    const child = Bun.spawn([process.execPath, join(import.meta.dir, "rig/run-proxy.ts"), "-c", file, ...flags], {
      stdout: "pipe",
      stderr: "pipe",
    });
    const [out, problems] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    return { code: await child.exited, out, problems };
  };
  const checked = await run("--mode", "validate");
  expect([checked.code, checked.out]).toEqual([0, `configuration '${file}' OK\n`]);
  expect(checked.problems).toContain("v2 form, which is deprecated");
  expect(checked.problems).toContain("load_assignment:");
  const wrong = await run("--mode", "check");
  expect(wrong.code).toBe(1);
  expect(wrong.problems).toContain('--mode is "check"; use serve or validate');
}, 30_000);
