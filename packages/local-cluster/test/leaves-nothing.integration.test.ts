/** Whatever way a cluster ends, the machine is as it was before. In namespaces of its own, so that nobody else changes anything meanwhile. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createLibc,
  type Family,
  listLinks,
  listRuleset,
  NETLINK_NETFILTER,
  NETLINK_ROUTE,
  openNetlinkSocket,
  runCommands,
  setLinkUp,
} from "@heddle/netlink";
import { fieldsOf } from "../src/kubelet/spec/decode.ts";
import { descendants, localClusters, PROGRAM } from "./cluster-process.ts";
import { enterLanes } from "./node-lanes.ts";
import { until } from "./node-pods.ts";

/** What could stay behind. */
interface Machine {
  readonly processes: readonly string[];
  readonly networkNamespaces: readonly string[];
  /** Those beyond the ones that this mount namespace began with, which others may take away. */
  readonly mounts: readonly string[];
  readonly links: readonly string[];
  readonly rules: readonly string[];
  readonly listeners: readonly string[];
  readonly files: string;
}

const FAMILIES: readonly Family[] = ["ip", "ip6", "inet"];

function look(state: string, known: readonly string[] = []): Machine {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const read = (of: () => string): string => {
    try {
      return of();
    } catch {
      // It has just ended.
      return "";
    }
  };
  const libc = createLibc();
  const route = openNetlinkSocket(libc, NETLINK_ROUTE);
  const filter = openNetlinkSocket(libc, NETLINK_NETFILTER);
  const links = listLinks(route).map(({ name }) => name);
  const rules = FAMILIES.flatMap((family) => listRuleset(filter, family).map((rule) => JSON.stringify(rule)));
  route.close();
  filter.close();
  const distinct = (texts: readonly string[]) => [...new Set(texts.filter((text) => text !== ""))].sort();
  return {
    processes: distinct(
      pids.map((pid) => read(() => `${pid} ${readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")}`)),
    ),
    networkNamespaces: distinct(pids.map((pid) => read(() => readlinkSync(`/proc/${pid}/ns/net`)))),
    mounts: distinct(readFileSync("/proc/self/mountinfo", "utf8").split("\n")).filter((line) => !known.includes(line)),
    links,
    rules,
    listeners: distinct(
      readFileSync("/proc/net/tcp", "utf8")
        .split("\n")
        .map((line) => line.trim().split(/\s+/))
        .map(([, local = "", , status]) => (status === "0A" ? local : "")),
    ),
    files: read(() => readdirSync(join(state, "clusters"), { recursive: true }).join(" ")),
  };
}

function leavesNothing(): void {
  const state = mkdtempSync(join(tmpdir(), "hl-"));
  const { env, heddle, ownerOf, api } = localClusters(state);
  const mountsOfOthers = look(state).mounts;
  const now = (): Machine => look(state, mountsOfOthers);
  let before: Machine;

  beforeAll(async () => {
    const route = openNetlinkSocket(createLibc(), NETLINK_ROUTE);
    runCommands(route, [setLinkUp("lo")]);
    route.close();
    // Makes the state directory.
    heddle("up");
    heddle("down");
    // A process that has ended but is not yet taken away has no command line.
    before = await until("no process is ending", async () => {
      const machine = now();
      return machine.processes.some((process) => /^\d+ $/.test(process)) ? undefined : machine;
    });
  });
  afterAll(() => {
    heddle("down", "--all");
    rmSync(state, { recursive: true, force: true });
  });

  async function up(name: string): Promise<void> {
    const { status, stderr } = heddle("up", "--name", name);
    expect({ status, stderr: status === 0 ? "" : stderr }).toEqual({ status: 0, stderr: "" });
    const post = async (kind: string, resource: string, object: object) => {
      const body = JSON.stringify({ apiVersion: "v1", kind, ...object });
      expect((await api(name, `/api/v1/namespaces/default/${resource}`, { method: "POST", body })).status).toBe(201);
    };
    await post("Service", "services", {
      metadata: { name: "balanced" },
      spec: { type: "LoadBalancer", selector: { app: "p" }, ports: [{ port: 8123, protocol: "TCP" }] },
    });
    const mount = [{ name: "v", mountPath: "/v" }];
    const container = { image: "busybox", command: ["sh", "-c", "sleep 1000 & sleep 1000"], volumeMounts: mount };
    await post("Pod", "pods", {
      metadata: { name: "p", labels: { app: "p" } },
      spec: { containers: [{ name: "c", ...container }], volumes: [{ name: "v", emptyDir: { medium: "Memory" } }] },
    });
    await runs(name, "p");
  }

  const runs = (name: string, pod: string): Promise<boolean> =>
    until("the pod runs", async () => {
      const object = fieldsOf(await (await api(name, `/api/v1/namespaces/default/pods/${pod}`)).json());
      return fieldsOf(object["status"])["phase"] === "Running" || undefined;
    });

  /** Everything but files, which a killed cluster leaves to the next start. */
  const settles = (): Promise<boolean> =>
    until("the machine is as before", async () => {
      const { files } = before;
      return Bun.deepEquals({ ...now(), files }, before) || undefined;
    }).catch(() => {
      expect(now()).toEqual(before);
      return false;
    });

  test("down while pods of two clusters run", async () => {
    await Promise.all([up("a"), up("b")]);
    const during = now();
    expect(during.networkNamespaces.length).toBeGreaterThanOrEqual(before.networkNamespaces.length + 4);
    // What a cluster does to the network and to mounts, it does in namespaces of its own.
    expect({ ...during, processes: [], networkNamespaces: [], listeners: [], files: "" }).toEqual({
      ...before,
      processes: [],
      networkNamespaces: [],
      listeners: [],
      files: "",
    });
    expect(heddle("down", "--all").status).toBe(0);
    await settles();
    expect(now().files).toEqual(before.files);
  });

  test("kill -9 of the process that holds a cluster", async () => {
    await up("k");
    process.kill(ownerOf("k"), "SIGKILL");
    await settles();
    await up("k");
    expect(heddle("down", "--name", "k").status).toBe(0);
    await settles();
    expect(now().files).toEqual(before.files);
  });

  test("kill -9 of the node inside", async () => {
    await up("n");
    const node = descendants(ownerOf("n")).find((pid) =>
      readFileSync(`/proc/${pid}/cmdline`, "utf8").endsWith("/node-main.ts\0"),
    );
    process.kill(node ?? 0, "SIGKILL");
    await settles();
    expect(heddle("list").stdout).toBe("");
    await up("n");
    expect(heddle("down", "--name", "n").status).toBe(0);
    await settles();
    expect(now().files).toEqual(before.files);
  });

  test("kill -9 at any moment of the start", async () => {
    for (const waitMs of [0, 60, 150, 300]) {
      const child = spawn(process.execPath, [PROGRAM, "serve", "--name", "s"], { env, stdio: "ignore" });
      await Bun.sleep(waitMs);
      child.kill("SIGKILL");
      await settles();
    }
    await up("s");
    expect(heddle("down", "--name", "s").status).toBe(0);
    await settles();
    expect(now().files).toEqual(before.files);
  });

  test("programs that ignore SIGTERM do not outlive down", async () => {
    await up("t");
    const body = JSON.stringify({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "deaf" },
      spec: {
        terminationGracePeriodSeconds: 3600,
        containers: [
          { name: "c", image: "busybox", command: ["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"] },
        ],
      },
    });
    expect((await api("t", "/api/v1/namespaces/default/pods", { method: "POST", body })).status).toBe(201);
    await runs("t", "deaf");
    expect(heddle("down", "--name", "t").status).toBe(0);
    await settles();
    expect(now().files).toEqual(before.files);
  });
}

if (enterLanes(import.meta.path) !== undefined) leavesNothing();
