import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  addAddress,
  applyRuleset,
  createLibc,
  linkIndex,
  NETLINK_NETFILTER,
  NETLINK_ROUTE,
  openNetlinkSocket,
  runCommands,
  setLinkUp,
} from "@heddle/netlink";
import { DEFAULT_OPTIONS } from "../src/options.ts";
import { interceptRuleset } from "../src/ruleset.ts";

/**
 * Runs inside a fresh network namespace with a DNS server that is captured (10.99.0.53), one that is not (10.99.0.54), and the proxy's on
 * port 15053. Prints one JSON object: who answers which user, with the rules in iptables' form and in nft's own.
 */
const libc = createLibc();
const route = openNetlinkSocket(libc, NETLINK_ROUTE);
runCommands(route, [setLinkUp("lo")]);
const lo = linkIndex(route, "lo");
runCommands(route, [addAddress(lo, "10.99.0.53/32"), addAddress(lo, "10.99.0.54/32")]);
route.close();

const started: ChildProcess[] = [];
async function serve(name: string, ip: string, port: number): Promise<void> {
  const args = [`${import.meta.dir}/dns-talk.ts`, "serve", name, ip, String(port)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  started.push(child);
  await new Promise<void>((resolve, reject) => {
    child.stdout.once("data", () => resolve());
    child.once("exit", () => reject(new Error("a helper of the test ended at once")));
  });
}
await Promise.all([
  serve("captured", "10.99.0.53", 53),
  serve("other", "10.99.0.54", 53),
  serve("proxy", "127.0.0.1", 15053),
]);

function ask(uid: number, protocol: string, ip: string): string {
  const own = [`--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"];
  // The clone may stand in a home directory that only its owner may read.
  const caps = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"];
  const program = [process.execPath, `${import.meta.dir}/dns-talk.ts`, protocol, ip];
  return spawnSync("setpriv", [...own, ...caps, ...program], { encoding: "utf8" }).stdout;
}

const seen: Record<string, Record<string, string>> = {};
const ruleset = interceptRuleset({ ...DEFAULT_OPTIONS, dns: ["10.99.0.53"] }, ["ip"]);
for (const form of ["xtables", "native"]) {
  const socket = openNetlinkSocket(libc, NETLINK_NETFILTER);
  try {
    applyRuleset(socket, ruleset, { xtables: form === "xtables" });
  } catch (error) {
    if (form === "native") throw error;
    continue;
  } finally {
    socket.close();
  }
  const results: Record<string, string> = {};
  for (const protocol of ["udp", "tcp"]) results[`application ${protocol}`] = ask(1000, protocol, "10.99.0.53");
  // Not on TCP: this server has an address of the pod's own, where a proxy's connections turn to the incoming side.
  results["proxy udp"] = ask(1337, "udp", "10.99.0.53");
  results["application udp, another server"] = ask(1000, "udp", "10.99.0.54");
  seen[form] = results;
}
for (const child of started) child.kill("SIGKILL");
process.stdout.write(JSON.stringify(seen));
process.exit(0);
