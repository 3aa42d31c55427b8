import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fieldsOf, listOf, textOr } from "../src/kubelet/spec/decode.ts";
import { descendants, localClusters, PROGRAM } from "./cluster-process.ts";
import { until } from "./node-pods.ts";

const isRoot = process.getuid?.() === 0;
const probe = spawnSync("unshare", [
  ...(isRoot ? [] : ["-Ur"]),
  "--mount",
  "--pid",
  "--net",
  "--fork",
  "--mount-proc",
  "true",
]);
const available = probe.status === 0;
if (!available) console.log("skipped: this machine does not let this user make namespaces");

const state = mkdtempSync(join(tmpdir(), "hl-"));
const { env, heddle, ownerOf, api } = localClusters(state);

/** A zombie that nobody has collected yet does not run. */
function runs(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

async function gone(pids: readonly number[]): Promise<boolean> {
  for (let tries = 0; tries < 1000; tries++) {
    if (!pids.some(runs)) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return false;
}

describe.skipIf(!available)("heddle local", () => {
  beforeAll(() => {
    const up = heddle("up", "--name", "a");
    if (up.status !== 0) throw new Error(up.stderr);
  });
  afterAll(() => {
    heddle("down", "--all");
    rmSync(state, { recursive: true, force: true });
  });

  test("up serves an API with a ready node", async () => {
    const node = await (await api("a", "/api/v1/nodes/heddle-node")).json();
    const ready = expect.objectContaining({ type: "Ready", status: "True" });
    expect(node).toMatchObject({ status: { conditions: expect.arrayContaining([ready]) } });
    const status = heddle("status", "--name", "a");
    expect(status.status).toBe(0);
    expect(status.stdout).toContain("10.40.0.0/16");
    expect(heddle("list").stdout).toContain("ready");
    expect(heddle("kubeconfig", "--name", "a").stdout).toContain("current-context: a");
  });

  test("a second up of the same name is a sentence, another name runs beside it", () => {
    const again = heddle("up", "--name", "a");
    expect(again.status).toBe(1);
    expect(again.stderr).toContain('cluster "a" is running already');
    expect(heddle("up", "--name", "b").status).toBe(0);
    expect(heddle("list").stdout.match(/ready/g)).toHaveLength(2);
    expect(heddle("down", "--name", "b").status).toBe(0);
    expect(existsSync(join(state, "clusters", "b"))).toBe(false);
  });

  test("NodePorts and load balancers open on the host; one that is taken becomes an event and nothing else breaks", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => taken.once("listening", resolve));
    const clash = 31_987;
    const blocker = createServer().listen(clash, "127.0.0.1");
    await new Promise((resolve) => blocker.once("listening", resolve));
    const service = (name: string, nodePort: number, type = "NodePort", port = 443) => ({
      method: "POST",
      body: JSON.stringify({
        apiVersion: "v1",
        kind: "Service",
        metadata: { name },
        spec: { type, ports: [{ name: "https", port, nodePort, protocol: "TCP" }] },
      }),
    });
    const services = "/api/v1/namespaces/default/services";
    expect((await api("a", services, service("clash", clash))).status).toBe(201);
    expect((await api("a", services, service("open", 31_988))).status).toBe(201);
    expect((await api("a", services, service("balanced", 31_989, "LoadBalancer", 31_990))).status).toBe(201);
    const slice = (name: string) => ({
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: `${name}-1`, labels: { "kubernetes.io/service-name": name } },
      addressType: "IPv4",
      endpoints: [{ addresses: ["10.40.255.1"], conditions: { ready: true } }],
      ports: [{ name: "https", port: 6443, protocol: "TCP" }],
    });
    const slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
    for (const name of ["open", "balanced"])
      expect((await api("a", slices, { method: "POST", body: JSON.stringify(slice(name)) })).status).toBe(201);
    for (const port of [31_988, 31_989, 31_990]) {
      const through = await until(`port ${port} answers`, () =>
        fetch(`https://127.0.0.1:${port}/version`, { tls: { rejectUnauthorized: false } }).catch(() => undefined),
      );
      expect(through.status).toBeLessThan(500);
    }
    await until("the event", async () => {
      const events = listOf(fieldsOf(await (await api("a", "/api/v1/namespaces/default/events")).json())["items"]);
      const event = events.map(fieldsOf).find(({ reason }) => reason === "NodePortNotOpen");
      return textOr(event?.["message"], "").includes("port 31987 of the host is in use") || undefined;
    });
    blocker.close();
    taken.close();
  });

  test("kill -9 of the host process leaves no process, and the next up cleans", async () => {
    const pid = ownerOf("a");
    const inside = descendants(pid);
    expect(inside.length).toBeGreaterThanOrEqual(3);
    process.kill(pid, "SIGKILL");
    expect(await gone([pid, ...inside])).toBe(true);
    expect(heddle("list").stdout).toBe("");
    expect(heddle("up", "--name", "a").status).toBe(0);
  });

  test("down ends everything and removes the directory", async () => {
    const pid = ownerOf("a");
    const all = [pid, ...descendants(pid)];
    expect(heddle("down", "--name", "a")).toMatchObject({ status: 0, stderr: 'cluster "a" ended\n' });
    expect(await gone(all)).toBe(true);
    expect(readdirSync(join(state, "clusters"))).toEqual([]);
    expect(heddle("down", "--name", "a").stderr).toBe('cluster "a" is not running\n');
  });

  test("a cluster in the foreground ends with Ctrl-C", async () => {
    const child = spawn(process.execPath, [PROGRAM, "serve", "--name", "f"], {
      env,
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    await new Promise<void>((resolve) => {
      child.stdout.on("data", (chunk) => {
        text += chunk;
        if (text.includes('"ready"')) resolve();
      });
    });
    const all = descendants(child.pid ?? 0);
    child.kill("SIGINT");
    expect(await new Promise((resolve) => child.once("exit", resolve))).toBe(0);
    expect(await gone(all)).toBe(true);
    expect(existsSync(join(state, "clusters", "f"))).toBe(false);
  });

  test("where namespaces are not allowed, one sentence says so", () => {
    // A user namespace without a user map: nothing may be made from inside it.
    const { status, stderr } = spawnSync("unshare", ["-U", process.execPath, PROGRAM, "up", "--name", "n"], {
      encoding: "utf8",
      env,
    });
    expect(status).toBe(1);
    expect(stderr).toContain("does not let ordinary users make user namespaces");
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });

  test.skipIf(!isRoot)("root without a capability is told which", () => {
    const args = ["--bounding-set=-net_admin", "--inh-caps=-net_admin", process.execPath, PROGRAM, "up", "--name", "n"];
    const { status, stderr } = spawnSync("setpriv", args, { encoding: "utf8", env });
    expect(status).toBe(1);
    expect(stderr).toContain("root lacks the capability NET_ADMIN here");
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });

  test.skipIf(!isRoot)("a full disk is a sentence", () => {
    const small = mkdtempSync(join(tmpdir(), "hl-small-"));
    const command = `mount -t tmpfs -o size=64k small ${small} && HEDDLE_STATE=${small} exec "$@"`;
    const args = ["--mount", "sh", "-c", command, "sh", process.execPath, PROGRAM, "up"];
    const { status, stderr } = spawnSync("unshare", args, { encoding: "utf8", env });
    rmSync(small, { recursive: true, force: true });
    expect(status).toBe(1);
    expect(stderr).toContain(`left on the disk that holds ${small}: free some`);
  });

  test("wrong arguments are sentences", () => {
    for (const [args, expected] of [
      [["up", "--name", "No!"], "no cluster name"],
      [["up", "--port", "0"], '--port: "0" is no port'],
      [["up", "--nope"], "--nope"],
      [["sideways"], '"sideways" is no command'],
      [["status", "--name", "zz"], 'cluster "zz" is not running'],
    ] as const) {
      const { status, stderr } = heddle(...args);
      expect(status).toBe(1);
      expect(stderr).toStartWith("heddle local: ");
      expect(stderr).toContain(expected);
    }
  });
});
