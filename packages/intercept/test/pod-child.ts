import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import {
  addAddress,
  addVeth,
  createLibc,
  inNetworkNamespace,
  linkIndex,
  NETLINK_ROUTE,
  openNetlinkSocket,
  runCommands,
  setLinkUp,
} from "@heddle/netlink";

/**
 * Runs inside a fresh network namespace, "the node" 10.99.0.1, and makes a "pod" 10.99.0.2 beside it: application on 8080 (user 1000),
 * proxy on 15001 and 15006 (user 1337). Prints one JSON object: what each call reached.
 */
const libc = createLibc();
const started: ChildProcess[] = [];
const here = import.meta.dir;

async function ready(child: ChildProcess): Promise<void> {
  started.push(child);
  await new Promise<void>((resolve, reject) => {
    child.stdout?.once("data", () => resolve());
    child.once("exit", () => reject(new Error("a helper of the test ended at once")));
  });
}

const sandbox = spawn("unshare", ["-n", "sh", "-c", "echo in; exec sleep 300"], {
  stdio: ["ignore", "pipe", "inherit"],
});
await ready(sandbox);
const pid = sandbox.pid ?? 0;

const node = openNetlinkSocket(libc, NETLINK_ROUTE);
const peer = { name: "eth0", mac: "02:00:00:00:00:02", pid };
runCommands(node, [
  setLinkUp("lo"),
  addVeth({ name: "pod0", mac: "02:00:00:00:00:01", peer, mtu: 1500 }),
  setLinkUp("pod0"),
]);
const nodeLink = linkIndex(node, "pod0");
runCommands(node, [addAddress(nodeLink, "10.99.0.1/24"), addAddress(nodeLink, "10.98.0.1/24")]);
inNetworkNamespace(libc, `/proc/${pid}/ns/net`, () => {
  const pod = openNetlinkSocket(libc, NETLINK_ROUTE);
  const link = linkIndex(pod, "eth0");
  runCommands(pod, [
    setLinkUp("lo"),
    addAddress(link, "10.99.0.2/24"),
    addAddress(link, "10.98.0.2/24"),
    setLinkUp("eth0"),
  ]);
  pod.close();
});

const bun = process.execPath;
const inPod = (uid: number, argv: readonly string[]): string[] => [
  "nsenter",
  "-t",
  String(pid),
  "-n",
  "setpriv",
  `--reuid=${uid}`,
  `--regid=${uid}`,
  "--clear-groups",
  // The clone may stand in a home directory that only its owner may read.
  "--inh-caps=+dac_read_search",
  "--ambient-caps=+dac_read_search",
  ...argv,
];
function launch([file = "", ...args]: readonly string[]): ChildProcess {
  return spawn(file, args, { stdio: ["ignore", "pipe", "inherit"] });
}
await Promise.all([
  ready(launch([bun, `${here}/listener.ts`, "node", "0.0.0.0", "80", "25"])),
  ready(launch(inPod(1000, [bun, `${here}/listener.ts`, "app", "0.0.0.0", "8080", "15090"]))),
  ready(launch(inPod(1337, [bun, `${here}/listener.ts`, "out", "0.0.0.0", "15001"]))),
  ready(launch(inPod(1337, [bun, `${here}/listener.ts`, "in", "0.0.0.0", "15006"]))),
]);

function run(
  [file = "", ...args]: readonly string[],
  env: Record<string, string> = {},
): { out: string; code: number | null } {
  const { stdout, stderr, status } = spawnSync(file, args, { encoding: "utf8", env: { ...process.env, ...env } });
  return { out: stdout + stderr, code: status };
}
const intercept = (env: Record<string, string> = {}): number | null =>
  run(
    [
      "nsenter",
      "-t",
      String(pid),
      "-n",
      bun,
      `${here}/../src/main.ts`,
      "-o",
      "20-30",
      "-x",
      "10.98.0.0/24",
      "-d",
      "15080-15095",
    ],
    env,
  ).code;
const fromPod = (uid: number, ...args: string[]): string => run(inPod(uid, [bun, `${here}/probe.ts`, ...args])).out;
const fromNode = (...args: string[]): string => run([bun, `${here}/probe.ts`, ...args]).out;

const ACCEPT_DAD = "/proc/sys/net/ipv6/conf/pod0/accept_dad";
const seen: Record<string, unknown> = {};
seen["exit codes"] = [intercept(), intercept()];
seen["application out"] = fromPod(1000, "10.99.0.1", "80");
seen["proxy out"] = fromPod(1337, "10.99.0.1", "80");
seen["excluded port"] = fromPod(1000, "10.99.0.1", "25");
seen["excluded range"] = fromPod(1000, "10.98.0.1", "80");
seen["loopback"] = fromPod(1000, "127.0.0.1", "8080");
seen["own address"] = fromPod(1000, "10.99.0.2", "8080");
seen["proxy to itself"] = fromPod(1337, "10.99.0.2", "8080");
seen["pass-through"] = fromPod(1337, "10.99.0.2", "8080", "from", "127.0.0.6");
seen["incoming"] = fromNode("10.99.0.2", "8080");
seen["excluded incoming port"] = fromNode("10.99.0.2", "15090");
seen["mark exit code"] = intercept({ HEDDLE_PROXY_MARK: "1337" });
seen["mark: application out"] = fromPod(1337, "10.99.0.1", "80");
seen["mark: proxy out"] = run([
  "nsenter",
  "-t",
  String(pid),
  "-n",
  bun,
  `${here}/probe.ts`,
  "10.99.0.1",
  "80",
  "mark",
  "1337",
]).out;
if (existsSync(ACCEPT_DAD)) {
  const seenV6: Record<string, unknown> = {};
  // Addresses count at once, without asking the neighbours first.
  writeFileSync(ACCEPT_DAD, "0");
  runCommands(node, [addAddress(nodeLink, "fd00:99::1/64")]);
  inNetworkNamespace(libc, `/proc/${pid}/ns/net`, () => {
    writeFileSync("/proc/sys/net/ipv6/conf/eth0/accept_dad", "0");
    const pod = openNetlinkSocket(libc, NETLINK_ROUTE);
    runCommands(pod, [addAddress(linkIndex(pod, "eth0"), "fd00:99::2/64")]);
    pod.close();
  });
  await Promise.all([
    ready(launch([bun, `${here}/listener.ts`, "node", "fd00:99::1", "80", "25"])),
    ready(launch(inPod(1000, [bun, `${here}/listener.ts`, "app", "fd00:99::2", "8080", "15090"]))),
    ready(launch(inPod(1337, [bun, `${here}/listener.ts`, "out", "::1", "15001"]))),
    ready(launch(inPod(1337, [bun, `${here}/listener.ts`, "in", "fd00:99::2", "15006"]))),
  ]);
  seenV6["exit code"] = intercept();
  seenV6["application out"] = fromPod(1000, "fd00:99::1", "80");
  seenV6["proxy out"] = fromPod(1337, "fd00:99::1", "80");
  seenV6["excluded port"] = fromPod(1000, "fd00:99::1", "25");
  seenV6["own address"] = fromPod(1000, "fd00:99::2", "8080");
  seenV6["incoming"] = fromNode("fd00:99::2", "8080");
  seenV6["excluded incoming port"] = fromNode("fd00:99::2", "15090");
  seen["ipv6"] = seenV6;
}
const without = run(inPod(1000, [bun, `${here}/../src/main.ts`]));
seen["without capability"] = [
  without.code,
  without.out.split("\n").find((line) => line.startsWith("heddle intercept:")),
];
for (const child of started) child.kill("SIGKILL");
process.stdout.write(JSON.stringify(seen));
process.exit(0);
