import { readFileSync } from "node:fs";
import { createLibc, type Family } from "@heddle/netlink";
import { applyIntercept, hasIpv6 } from "./apply.ts";
import { parseCommandLine, USAGE } from "./command-line.ts";
import { isMapped } from "./id-map.ts";
import { iptablesText } from "./iptables-text.ts";
import type { InterceptOptions } from "./options.ts";
import { interceptRuleset } from "./ruleset.ts";

/** `heddle intercept`: the sidecar's init container. Gives the exit code. */
export async function main(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const command = parseCommandLine(argv, env, nameservers());
  switch (command.kind) {
    case "help":
      process.stdout.write(USAGE);
      return 0;
    case "problems":
      for (const problem of command.problems) process.stderr.write(`heddle intercept: ${problem}\n`);
      return 2;
    case "run":
      return run(command);
  }
}

function run(command: Extract<ReturnType<typeof parseCommandLine>, { kind: "run" }>): number {
  for (const notice of command.notices) process.stderr.write(`heddle intercept: ${notice}\n`);
  try {
    const problem = identityProblem(command.options);
    if (problem !== undefined && !command.dryRun) throw new Error(problem);
    const libc = createLibc();
    const families: Exclude<Family, "inet">[] = (command.ipv6 ?? hasIpv6(libc)) ? ["ip", "ip6"] : ["ip"];
    const ruleset = interceptRuleset(command.options, families);
    const change = !command.dryRun && ruleset.tables.length > 0;
    const xtables = change ? applyIntercept(libc, ruleset).xtables : true;
    // Only now: where something is missing, the one sentence that says so must not drown.
    process.stdout.write(iptablesText(ruleset));
    if (!xtables)
      process.stdout.write(
        "# the kernel lacks iptables' extensions: `nft list ruleset` shows these rules, iptables does not\n",
      );
    return 0;
  } catch (error) {
    process.stderr.write(`heddle intercept: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

/** Rules about a user that this user namespace does not know would match nothing, or be refused. */
function identityProblem({ mode, proxy }: InterceptOptions): string | undefined {
  if (mode === "NONE" || proxy.kind === "mark") return undefined;
  const users = readMap("uid_map");
  const groups = readMap("gid_map");
  const user = proxy.users.find((id) => !isMapped(users, id));
  const group = proxy.groups.find((id) => !isMapped(groups, id));
  if (user === undefined && group === undefined) return undefined;
  return `${user === undefined ? `group ${group}` : `user ${user}`} does not exist in this user namespace (a rootless node), so the proxy can't be told by it: set HEDDLE_PROXY_MARK=1337 in the environment of this container and of the proxy`;
}

/** Servers of the pod's resolv.conf; none where there is no such file. */
function nameservers(): readonly string[] {
  try {
    const text = readFileSync("/etc/resolv.conf", "utf8");
    return [...text.matchAll(/^\s*nameserver\s+([0-9a-fA-F.:]+)/gm)].map(([, address = ""]) => address);
  } catch {
    return [];
  }
}

function readMap(name: "uid_map" | "gid_map"): string {
  return readFileSync(`/proc/self/${name}`, "utf8");
}

if (import.meta.main) process.exit(await main(process.argv.slice(2), process.env));
