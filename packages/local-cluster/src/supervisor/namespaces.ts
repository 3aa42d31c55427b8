import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { lackingCapabilities } from "./capabilities.ts";
import { ClusterProblem } from "./cluster-problem.ts";

/** How the node process is put into its own namespaces. */
export interface NamespaceLauncher {
  readonly rootless: boolean;
  /** The command line that runs `argv` under a first process which collects orphans, all of it ending with the caller. */
  command(argv: readonly string[]): readonly string[];
}

const NAMESPACES = ["--mount", "--pid", "--net", "--ipc", "--uts"];
/**
 * The first process of the namespace: a shell, because it waits for every child, adopted ones too, while Bun waits only for its own.
 * `exit $?` keeps the shell from replacing itself by the program.
 */
const FIRST_PROCESS = '"$@"; exit $?';

/**
 * Finds out whether namespaces can be made here.
 * Errors: throws `ClusterProblem` with one sentence: what is not allowed, why, how to mend it.
 */
export function createNamespaceLauncher(uid: number): NamespaceLauncher {
  // Root of a user namespace with few ids (`unshare -r`) can no more give a container its user than an ordinary user can.
  const rootless = uid !== 0 || !hasManyIds(readSwitch("/proc/self/uid_map") ?? "");
  const flags = [
    ...(uid === 0 ? [] : ["--user", "--map-root-user"]),
    ...NAMESPACES,
    "--mount-proc",
    "--fork",
    "--kill-child",
  ];
  const lacking = uid === 0 ? lackingCapabilities(readSwitch("/proc/self/status") ?? "") : [];
  if (lacking.length > 0) throw new ClusterProblem(explainCapabilities(lacking));
  const probe = spawnSync("unshare", [...flags, "true"], { encoding: "utf8" });
  if (probe.error !== undefined) {
    throw new ClusterProblem(
      `the program "unshare" (package util-linux) is needed and could not be run: ${probe.error.message}`,
    );
  }
  if (probe.status !== 0) throw new ClusterProblem(explain(uid !== 0, probe.stderr.trim()));
  return {
    rootless,
    command: (argv) => [
      "setpriv",
      "--pdeathsig",
      "KILL",
      "unshare",
      ...flags,
      "sh",
      "-c",
      FIRST_PROCESS,
      "heddle-node",
      ...argv,
    ],
  };
}

/** Whether `/proc/self/uid_map` knows the usual users, 65534 (nobody) among them. */
export function hasManyIds(uidMap: string): boolean {
  return uidMap.split("\n").some((line) => {
    const [first = 0, , count = 0] = line.trim().split(/\s+/).map(Number);
    return first <= 65_534 && first + count > 65_534;
  });
}

const ROOTLESS_SWITCHES = [
  {
    file: "/proc/sys/kernel/unprivileged_userns_clone",
    off: "0",
    mend: "sysctl -w kernel.unprivileged_userns_clone=1",
  },
  {
    file: "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
    off: "1",
    mend: "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
  },
  { file: "/proc/sys/user/max_user_namespaces", off: "0", mend: "sysctl -w user.max_user_namespaces=10000" },
] as const;

function explainCapabilities(lacking: readonly string[]): string {
  const flags = lacking.map((name) => `--cap-add=${name}`).join(" ");
  const noun = lacking.length === 1 ? "capability" : "capabilities";
  return `root lacks the ${noun} ${lacking.join(", ")} here, probably in a container without privileges: run it with ${flags} or --privileged, or run outside`;
}

function explain(ordinaryUser: boolean, reason: string): string {
  const said = reason === "" ? "" : ` (${reason})`;
  if (!ordinaryUser) {
    return `this machine does not let root make namespaces${said}, probably a container without privileges: run it with CAP_SYS_ADMIN, CAP_NET_ADMIN and an unmasked /proc (docker run --privileged), or outside`;
  }
  const blocked = ROOTLESS_SWITCHES.find(({ file, off }) => readSwitch(file) === off);
  const mend = blocked === undefined ? "ask the administrator to allow them" : `as root: ${blocked.mend}`;
  return `this machine does not let ordinary users make user namespaces${said}: run as root, or ${mend}`;
}

function readSwitch(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return undefined;
  }
}
