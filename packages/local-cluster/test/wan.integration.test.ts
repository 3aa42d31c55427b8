import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdtempSync, openSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { localClusters, PROGRAM } from "./cluster-process.ts";

setDefaultTimeout(180_000);

function reasonToSkip(): string | undefined {
  if (Bun.which("kubectl") === null) return "no kubectl on PATH";
  try {
    closeSync(openSync("/dev/net/tun", "r+"));
    return undefined;
  } catch (error) {
    return `no TUN device: ${error instanceof Error ? error.message : error}`;
  }
}
const skip = reasonToSkip();
if (skip !== undefined) console.log(`skipped: ${skip}`);

async function settles(done: () => boolean): Promise<void> {
  const deadline = performance.now() + 40_000;
  while (!done()) {
    if (performance.now() > deadline) throw new Error("not within 40 s");
    await Bun.sleep(100);
  }
}

/** Answers every connection with its own name and the caller's address. */
const SERVER = `Bun.listen({hostname:"0.0.0.0",port:8080,socket:{open(s){s.end(process.env.NAME+" to "+s.remoteAddress+"\\n")},data(){}}})`;

describe.skipIf(skip !== undefined)("the line between clusters", () => {
  const state = mkdtempSync(join(tmpdir(), "hw-"));
  const clusters = localClusters(state);
  const kubectl = (name: string, ...args: string[]) => {
    const config = join(state, "clusters", name, "kubeconfig");
    const { status, stdout, stderr } = spawnSync("kubectl", ["--kubeconfig", config, ...args], { encoding: "utf8" });
    return { status, text: stdout + stderr };
  };
  const up = (name: string, ...flags: string[]) => {
    const { status, stderr } = clusters.heddle("up", "--name", name, ...flags);
    if (status !== 0) throw new Error(stderr);
  };
  const podIp = (name: string) => kubectl(name, "get", "pod", "server", "-o", "jsonpath={.status.podIP}").text;
  /** What a pod of cluster `name` gets from an address. */
  const call = (name: string, ip: string, port: number) =>
    kubectl(name, "exec", "server", "--", "timeout", "5", "bash", "-c", `exec 3<>/dev/tcp/${ip}/${port}; cat <&3`).text;

  beforeAll(async () => {
    // Two with equal addresses inside, two that are one network.
    for (const name of ["a", "b"]) up(name, "--pod-cidr", "10.244.0.0/16", "--service-cidr", "10.96.0.0/16");
    for (const name of ["c", "d"]) up(name, "--flat");
    for (const name of ["a", "b", "c", "d"]) {
      const run = ["run", "server", "--image=debian", `--env=NAME=${name}`, "--port=8080"];
      expect(kubectl(name, ...run, "--", "/opt/heddle/bun", "-e", SERVER).status).toBe(0);
      kubectl(name, "expose", "pod", "server", "--port=80", "--target-port=8080", "--type=LoadBalancer");
    }
    for (const name of ["a", "b", "c", "d"]) {
      kubectl(name, "wait", "--for=condition=Ready", "pod/server", "--timeout=40s");
      await settles(() => call(name, "127.0.0.1", 8080).startsWith(name));
    }
    // LoadBalancers lead to pods a moment after these are ready.
    for (const [from, balancer, to] of [
      ["a", "198.18.1.1", "b"],
      ["b", "198.18.0.1", "a"],
      ["c", "198.18.3.1", "d"],
    ] as const)
      await settles(() => call(from, balancer, 80).startsWith(to));
  });

  afterAll(() => {
    clusters.heddle("down", "--all");
    expect(existsSync(join(state, "clusters", "a"))).toBe(false);
    rmSync(state, { recursive: true, force: true });
  });

  test("equal addresses inside: LoadBalancers answer across, callers bear their node's address", () => {
    expect([podIp("a"), podIp("b")]).toEqual(["10.244.0.2", "10.244.0.2"]);
    expect(call("a", "198.18.1.1", 80)).toBe("b to 198.18.0.1\n");
    expect(call("b", "198.18.0.1", 80)).toBe("a to 198.18.1.1\n");
  });

  test("nothing else is reached: pods, ClusterIPs, NodePorts, a cluster that is not there", () => {
    for (const [ip, port] of [
      [podIp("c"), 8080],
      ["10.142.0.1", 443],
      ["198.18.2.1", 31_000],
    ] as const)
      expect(call("a", ip, port)).toContain("Connection refused");
    expect(call("a", "198.18.9.1", 80)).toContain("No route to host");
  });

  test("a flat network: pods reach pods, with their own addresses; others still do not", () => {
    expect(call("c", podIp("d"), 8080)).toBe(`d to ${podIp("c")}\n`);
    expect(call("c", "198.18.3.1", 80)).toBe("d to 198.18.2.1\n");
    expect(call("b", podIp("d"), 8080)).toContain("Connection refused");
  });

  test.skipIf(process.getuid?.() !== 0)(
    "a foreign network attached: called by its own address, calls back",
    async () => {
      // A namespace that lives as long as its process stands for the node of a real cluster.
      const foreign = spawn(
        "unshare",
        [
          "--net",
          "sh",
          "-c",
          `ip addr add 192.0.2.7/32 dev lo; ip link set lo up; exec "$0" -e '${SERVER}'`,
          process.execPath,
        ],
        {
          env: { ...process.env, NAME: "foreign" },
        },
      );
      const netns = `/proc/${foreign.pid}/ns/net`;
      await settles(() => readlinkSync(netns) !== readlinkSync("/proc/self/ns/net"));
      const inside = (ip: string, seconds = 5) =>
        spawnSync(
          "nsenter",
          [`--net=${netns}`, "timeout", `${seconds}`, "bash", "-c", `exec 3<>/dev/tcp/${ip}/80; cat <&3`],
          {
            encoding: "utf8",
          },
        ).stdout;
      const flags = ["attach", "--name", "real", "--netns", netns, "--address", "192.0.2.7"];
      const attached = spawn(process.execPath, [PROGRAM, ...flags], {
        env: clusters.env,
        stdio: ["ignore", "pipe", "inherit"],
      });
      try {
        const [said] = await once(attached.stdout, "data");
        expect(String(said)).toBe(
          "real: embedded clusters see it as 198.18.4.1, and reach it by 192.0.2.7 too; attached until this command ends\n",
        );
        await settles(() => call("a", "192.0.2.7", 8080) === "foreign to 198.18.0.1\n");
        await settles(() => call("b", "198.18.4.1", 8080) === "foreign to 198.18.1.1\n");
        expect(inside("198.18.1.1")).toBe("b to 198.18.4.1\n");
        expect(clusters.heddle("list").stdout).toMatch(/real +ready .*attached/);
        expect(clusters.heddle("wan", "--cut", "--between", "a,real").stdout).toMatch(/real +a +cut/);
        expect(inside("198.18.0.1", 1)).toBe("");
        expect(inside("198.18.1.1")).toBe("b to 198.18.4.1\n");
        expect(clusters.heddle("kubeconfig", "--name", "real").stderr).toContain("is an attached network");
        expect(clusters.heddle(...flags).stderr).toContain('"real" is running already');
        const twice = ["attach", "--name", "twice", "--netns", netns];
        expect(clusters.heddle(...twice, "--address", "192.0.2.7").stderr).toContain(
          '192.0.2.7 leads to "real" already',
        );
        expect(clusters.heddle(...twice).stderr).toContain("EBUSY");
        expect(inside("198.18.1.1")).toBe("b to 198.18.4.1\n");
        expect(clusters.heddle("attach", "--name", "x", "--netns", "/nowhere").stderr).toContain(
          "/nowhere is not there",
        );
        // Gone without a word, its address is answered for.
        foreign.kill("SIGKILL");
        await once(attached, "exit");
        await settles(() => call("a", "192.0.2.7", 8080).includes("No route to host"));
      } finally {
        foreign.kill("SIGKILL");
        attached.kill("SIGTERM");
      }
    },
  );

  test("loss and a cut are counted; wrong flags are sentences", () => {
    const { heddle } = clusters;
    expect(heddle("wan", "--cut", "--between", "a,b").stdout).toMatch(/a +b +cut +0 ms +0 % +\d+ +0\n/);
    expect(call("a", "198.18.1.1", 80)).not.toContain("b to");
    // The others are not concerned.
    expect(call("a", "198.18.3.1", 80)).toBe("d to 198.18.0.1\n");
    expect(heddle("wan", "--restore", "--loss", "25%", "--delay", "5ms").stdout).toMatch(
      /a +b +up +5 ms +25 % +\d+ +[1-9]/,
    );
    expect(heddle("wan", "--restore").status).toBe(0);
    expect(heddle("wan", "--delay", "soon").stderr).toContain('--delay: "soon" is no time');
    expect(heddle("wan", "--cut", "--between", "a,nobody").stderr).toContain('cluster "nobody" is not running');
    expect(heddle("up", "--name", "x", "--flat", "--pod-cidr", "10.9.0.0/16").stderr).toContain("--flat needs");
  });
});
