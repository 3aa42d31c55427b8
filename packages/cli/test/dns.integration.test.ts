import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type ChildProcess, spawn } from "node:child_process";
import { Resolver } from "node:dns/promises";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "@heddle/std/free-ports";
import { settles } from "./settles.ts";

/** `heddle dns` beside a control plane that reads files, behind a real CoreDNS: what a cluster's DNS does with the zone `global`. */
const folder = mkdtempSync(join(tmpdir(), "heddle-dns-"));
const known = [process.env["HEDDLE_COREDNS"], Bun.which("coredns"), join(homedir(), ".cache/kube-rig/bin/coredns")];
const coredns = known.find((path): path is string => typeof path === "string" && existsSync(path));
if (coredns === undefined) console.log("skipped: CoreDNS, which is not here; set HEDDLE_COREDNS to the program");

// What kube-dns runs: it turns `stubDomains: {"global": ["A"]}` into `--server=/global/A`.
const dnsmasq = process.env["HEDDLE_DNSMASQ"] ?? Bun.which("dnsmasq") ?? undefined;
if (dnsmasq === undefined) console.log("skipped: dnsmasq, which is not here; set HEDDLE_DNSMASQ to the program");

const started: ChildProcess[] = [];
const program = join(import.meta.dir, "../src/main.ts");
let dns: Resolver;

/** Starts a program and waits for a line that `pattern` matches; gives its first group. */
function run(argv: readonly string[], pattern: RegExp): Promise<string> {
  const [file = "", ...args] = argv;
  const child = spawn(file, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, PROXY_CONFIG: '{"statusPort": 0}' },
  });
  started.push(child);
  return new Promise((resolve, reject) => {
    let text = "";
    const timer = setTimeout(() => reject(new Error(`${argv.join(" ")} did not say ${pattern}: ${text}`)), 30_000);
    const read = (bytes: Buffer) => {
      text += bytes.toString();
      const match = pattern.exec(text);
      if (match === null) return;
      clearTimeout(timer);
      resolve(match[1] ?? "");
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.once("exit", (code) => reject(new Error(`${argv.join(" ")} ended with ${code}: ${text}`)));
  });
}

function resolver(port: number | string): Resolver {
  const made = new Resolver({ timeout: 2000, tries: 3 });
  made.setServers([`127.0.0.1:${port}`]);
  return made;
}

const entry = (name: string, host: string, address: string) => `---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ${name}, namespace: default}
spec:
  hosts: [${host}]
  ${address === "" ? "" : `addresses: [${address}]`}
  location: MESH_INTERNAL
  resolution: DNS
  ports: [{number: 8000, name: http1, protocol: HTTP}]
  endpoints: [{address: 192.0.2.1, ports: {http1: 15443}}]
`;

beforeAll(async () => {
  const write = (text: string) => writeFileSync(join(folder, "entries.yaml"), text);
  write(entry("chosen", "httpbin.bar.global", "240.0.0.2") + entry("given", "other.bar.global", ""));
  const grpc = freePort();
  const quiet = ["--httpAddr=", "--httpsAddr=", "--monitoringAddr=", "--secureGRPCAddr="];
  const discovery = ["discovery", "--registries=", `--configDir=${folder}`, `--grpcAddr=127.0.0.1:${grpc}`, ...quiet];
  await run([process.execPath, program, ...discovery, `--caDir=${join(folder, "ca")}`], /(control plane is ready)/);
  const answering = ["dns", "--address", "127.0.0.1:0", "--discovery", `127.0.0.1:${grpc}`, "--plaintext"];
  const port = await run([process.execPath, program, ...answering], /answering names.*port[=:]"?(\d+)/);
  dns = resolver(port);
  await settles(() => dns.resolve4("httpbin.bar.global"));
  if (dnsmasq !== undefined) {
    const stub = freePort();
    const asKubeDns = [
      "-k",
      "--cache-size=1000",
      "--no-negcache",
      "--dns-loop-detect",
      "--log-facility=-",
      "--no-resolv",
    ];
    const here = [
      `--port=${stub}`,
      "--listen-address=127.0.0.1",
      "--bind-interfaces",
      "--user=root",
      "--conf-file=/dev/null",
    ];
    await run([dnsmasq, ...asKubeDns, ...here, `--server=/global/127.0.0.1#${port}`], /(using nameserver)/);
    stubbed = resolver(stub);
  }
  if (coredns === undefined) return;
  const front = freePort();
  writeFileSync(join(folder, "Corefile"), `global:${front} {\n  forward . 127.0.0.1:${port}\n  errors\n}\n`);
  await run([coredns, "-conf", join(folder, "Corefile")], /(CoreDNS-)/);
  behind = resolver(front);
}, 90_000);

let behind: Resolver | undefined;
let stubbed: Resolver | undefined;

afterAll(() => {
  for (const child of started) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

describe("names of other clusters", () => {
  const check = async (ask: Resolver) => {
    expect(await settles(() => ask.resolve4("httpbin.bar.global"))).toEqual(["240.0.0.2"]);
    const [given] = await ask.resolve4("other.bar.global");
    expect(given).toMatch(/^240\.0\.\d+\.\d+$/);
    await expect(ask.resolve4("nobody.bar.global")).rejects.toMatchObject({ code: "ENOTFOUND" });
  };

  test("the mesh's own DNS answers for them", async () => {
    await check(dns);
    // Nobody else is asked, so other names are not its business.
    await expect(dns.resolve4("example.com")).rejects.toThrow();
  }, 60_000);

  test.skipIf(coredns === undefined)(
    "so does a real CoreDNS that forwards the zone",
    () => check(behind ?? dns),
    60_000,
  );

  test.skipIf(dnsmasq === undefined)(
    "and a real dnsmasq, with the flags that kube-dns makes of its stubDomains",
    () => check(stubbed ?? dns),
    60_000,
  );
});
