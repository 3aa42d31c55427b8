import { closeSync, constants, openSync } from "node:fs";
import { IN_CONTAINER } from "./base.ts";
import { readFdLines } from "./fd-stream.ts";
import { type Identity, setprivArguments } from "./identity.ts";
import { ttyInitScript } from "./init-script.ts";
import type { Syscalls } from "./syscalls.ts";

/** A process of a container, already inside it. */
export interface RunningProcess {
  /** Its first process, as the node sees it. */
  readonly pid: number;
  /** Exit code; 128 + n after signal n. */
  readonly exited: Promise<number>;
}

export interface LaunchPlan {
  readonly sandboxPid: number;
  readonly rootfs: string;
  readonly workdir: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly identity: Identity;
  readonly rootless: boolean;
  /** Undefined: no input. For a terminal its slave end. */
  readonly stdinFd: number | undefined;
  readonly tty: boolean;
  /** For a terminal all three are its slave end. */
  readonly stdoutFd: number;
  readonly stderrFd: number;
}

/** Variables whose names a POSIX shell would drop; they go through `env` instead. */
export const unportableVariables = (env: Readonly<Record<string, string>>): readonly string[] =>
  Object.entries(env)
    .filter(([name]) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
    .map(([name, value]) => `${name}=${value}`);

/** The command line that enters the sandbox, makes the container's own namespaces and starts the program. Pure. */
export function launchArguments(plan: LaunchPlan): readonly string[] {
  const namespaces = ["net", "uts", "ipc"].map((name) => `--${name}=/proc/${plan.sandboxPid}/ns/${name}`);
  const init = plan.tty ? ["/bin/sh", "-c", ttyInitScript, "init"] : ["/bin/sh", `${IN_CONTAINER}/init`];
  return [
    "nsenter",
    ...namespaces,
    "--",
    "unshare",
    "--mount",
    "--pid",
    "--fork",
    "--kill-child",
    `--root=${plan.rootfs}`,
    `--wd=${plan.workdir}`,
    "--mount-proc",
    "--",
    ...setprivArguments(plan.identity, plan.rootless),
    "--",
    ...init,
    ...unportableVariables(plan.env),
    ...plan.argv,
  ];
}

/** The command line that runs a program beside a container's first process. Pure. */
export function execArguments(
  pid: number,
  identity: Identity,
  options: { readonly rootless: boolean; readonly tty: boolean },
  argv: readonly string[],
): readonly string[] {
  const namespaces = ["--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd"];
  // Dies with nsenter, so that a client that goes away or a probe that times out leaves nothing behind.
  const setpriv = [...setprivArguments(identity, options.rootless), "--pdeathsig=KILL"];
  const tty = options.tty ? ["setsid", "-cw"] : [];
  return ["nsenter", `--target=${pid}`, ...namespaces, "--", ...setpriv, "--", ...tty, ...argv];
}

/** Starts a container. Errors: rejects with what the tools wrote when the program could not be started. */
export async function launch(plan: LaunchPlan, syscalls: Syscalls): Promise<RunningProcess> {
  const report = syscalls.pipe(plan.identity.uid, plan.identity.gid);
  const problems = syscalls.pipe(0, 0);
  const proc = openSync("/proc", constants.O_RDONLY | constants.O_DIRECTORY);
  let child: Bun.Subprocess;
  try {
    child = Bun.spawn([...launchArguments(plan)], {
      cwd: "/",
      env: { ...plan.env },
      stdio: [plan.stdinFd ?? "ignore", plan.stdoutFd, problems.writeFd, report.writeFd, proc, plan.stderrFd],
    });
  } catch (error) {
    for (const fd of [report.readFd, problems.readFd]) closeSync(fd);
    throw error;
  } finally {
    for (const fd of [report.writeFd, problems.writeFd]) closeSync(fd);
    closeSync(proc);
  }
  const exited = child.exited.then((code) => (child.signalCode === null ? code : 128 + signalNumber(child.signalCode)));
  let pid: number | undefined;
  // One line only: `unshare` keeps the pipe open as long as the container lives.
  for await (const line of readFdLines(report.readFd)) {
    pid = Number(line);
    break;
  }
  if (pid === undefined || !Number.isInteger(pid)) {
    const said: string[] = [];
    for await (const line of readFdLines(problems.readFd)) said.push(line);
    throw new Error(said.join("; ") || `container process ended with code ${await exited} before it started`);
  }
  // `unshare` stays and may write a last word; without a reader that would kill it before it passes the exit code on.
  void exited.then(() => closeSync(problems.readFd));
  return { pid, exited };
}

const SIGNALS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGTERM: 15,
};

const signalNumber = (signal: string | number): number =>
  typeof signal === "number" ? signal : (SIGNALS[signal] ?? 0);
