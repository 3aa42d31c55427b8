import { chmodSync, closeSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { readFd } from "../host/fd-stream.ts";
import { createPipeWriter, createTerminalWriter, type FdWriter } from "../host/fd-writer.ts";
import type { Identity } from "../host/identity.ts";
import { execArguments, launch, type RunningProcess } from "../host/launch.ts";
import { findProgram } from "../host/path-in-root.ts";
import { buildRootfs } from "../host/rootfs.ts";
import type { ContainerLog, OutputStream } from "../logs/log-file.ts";
import type { PodContext } from "../node-context.ts";
import type { ContainerSpec } from "../spec/container-spec.ts";
import type { ContainerConfig } from "./container-config.ts";

export type ExecCommand =
  | { readonly kind: "found"; readonly argv: readonly string[] }
  | { readonly kind: "missing"; readonly reason: string };

export type OutputListener = (stream: OutputStream, chunk: Uint8Array) => void;

/** One run of a container. */
export interface RunningContainer {
  readonly id: string;
  readonly pid: number;
  readonly identity: Identity;
  readonly env: Readonly<Record<string, string>>;
  /** Resolves when the program has ended and its output is in the log. */
  readonly exited: Promise<number>;
  /** Harmless when it has ended. */
  signal(name: "SIGTERM" | "SIGKILL"): void;
  /** Copies of the output as it comes, for `attach`. */
  listen(listener: OutputListener): () => void;
  /** Undefined where the container has no `stdin`. */
  readonly stdin: FdWriter | undefined;
  resize(columns: number, rows: number): void;
  /** The command line that runs `words` inside, or why they cannot run there. */
  execCommand(words: readonly string[], tty: boolean): ExecCommand;
  terminationMessage(): string | undefined;
}

/** The program could not be started; shown as `RunContainerError`. */
export class StartError extends Error {}

const MAX_MESSAGE = 4096;

/** Errors: rejects with `StartError`. */
export async function runContainer(
  context: PodContext,
  container: ContainerSpec,
  config: ContainerConfig,
  log: ContainerLog,
): Promise<RunningContainer> {
  const { node } = context;
  const { syscalls } = node;
  const directory = path.join(context.directory, "containers", container.name);
  const rootfs = path.join(directory, "rootfs");
  const messageFile = path.join(directory, "termination-log");
  let argv: readonly string[];
  try {
    argv = prepare(context, container, config, rootfs, messageFile);
  } catch (error) {
    syscalls.unmount(rootfs);
    throw error instanceof StartError ? error : new StartError(error instanceof Error ? error.message : String(error));
  }
  const listeners = new Set<OutputListener>();
  const emit = (stream: OutputStream, chunk: Uint8Array): void => {
    log.append(stream, chunk);
    for (const listener of listeners) listener(stream, chunk);
  };
  const outputs = container.tty ? terminalOutput(context, config) : pipeOutput(context, config, container.stdin);
  const pumps = outputs.read.map(async ([stream, fd]) => {
    for await (const chunk of readFd(fd)) emit(stream, chunk);
    if (container.tty) outputs.input?.close();
    log.endStream(stream);
  });
  let process_: RunningProcess;
  try {
    process_ = await launch(
      {
        sandboxPid: context.sandbox().pid,
        rootfs,
        workdir: config.workdir,
        argv,
        env: config.env,
        identity: config.identity,
        rootless: node.rootless,
        stdinFd: outputs.stdinFd,
        tty: container.tty,
        stdoutFd: outputs.stdoutFd,
        stderrFd: outputs.stderrFd,
      },
      syscalls,
    );
  } catch (error) {
    outputs.closeOwn();
    await Promise.all(pumps);
    syscalls.unmount(rootfs);
    throw new StartError(error instanceof Error ? error.message : String(error));
  }
  outputs.closeOwn();
  // The container has its own copy of the mounts; the node doesn't need to keep one.
  syscalls.unmount(rootfs);
  const { pid } = process_;
  let ended = false;
  const exited = process_.exited.then(async (code) => {
    ended = true;
    // A process that left the container's process tree could hold the pipes: don't wait for it for ever.
    await Promise.race([Promise.all(pumps), Bun.sleep(1000)]);
    outputs.input?.close();
    return code;
  });
  return {
    id: node.newId(),
    pid,
    identity: config.identity,
    env: config.env,
    exited,
    signal(name) {
      if (ended) return;
      try {
        process.kill(pid, name);
      } catch {
        // It has just ended.
      }
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stdin: container.stdin ? outputs.input : undefined,
    resize: outputs.resize,
    execCommand(words, tty) {
      const found = programIn(`/proc/${pid}/root`, config, words);
      if (found.kind === "missing") return found;
      const command = [found.program, ...words.slice(1)];
      return { kind: "found", argv: execArguments(pid, config.identity, { rootless: node.rootless, tty }, command) };
    },
    terminationMessage() {
      try {
        return readFileSync(messageFile).subarray(0, MAX_MESSAGE).toString("utf8").trimEnd() || undefined;
      } catch {
        return undefined;
      }
    },
  };
}

/** Gives the command line to run. */
function prepare(
  context: PodContext,
  container: ContainerSpec,
  config: ContainerConfig,
  rootfs: string,
  messageFile: string,
): readonly string[] {
  const { node } = context;
  mkdirSync(path.dirname(messageFile), { recursive: true });
  writeFileSync(messageFile, "");
  chmodSync(messageFile, 0o666);
  node.syscalls.unmount(rootfs);
  buildRootfs(
    {
      directory: rootfs,
      base: node.base,
      files: config.files,
      binds: [...config.binds, { source: path.join(context.directory, "shm"), target: "/dev/shm", readOnly: false }],
      terminationLog: { source: messageFile, target: container.terminationMessagePath, readOnly: false },
      workdir: config.workdir,
      home: config.home,
      folders: config.folders,
      readOnly: container.security.readOnlyRootFilesystem,
    },
    node.syscalls,
  );
  const program = programIn(rootfs, config, config.argv);
  if (program.kind === "missing") {
    throw new StartError(
      `failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: ${program.reason}`,
    );
  }
  return [program.program, ...config.argv.slice(1)];
}

const programIn = (root: string, config: ContainerConfig, [program = ""]: readonly string[]) =>
  findProgram(root, program, config.env["PATH"] ?? "", config.workdir, config.programFolder);

interface Outputs {
  readonly read: readonly (readonly [OutputStream, number])[];
  readonly stdinFd: number | undefined;
  readonly stdoutFd: number;
  readonly stderrFd: number;
  /** Closes the ends that belong to the program. */
  closeOwn(): void;
  readonly input: FdWriter | undefined;
  resize(columns: number, rows: number): void;
}

function pipeOutput(context: PodContext, config: ContainerConfig, withInput: boolean): Outputs {
  const { uid, gid } = config.identity;
  const stdout = context.node.syscalls.pipe(uid, gid);
  const stderr = context.node.syscalls.pipe(uid, gid);
  const stdin = withInput ? context.node.syscalls.inputPipe(uid, gid) : undefined;
  return {
    read: [
      ["stdout", stdout.readFd],
      ["stderr", stderr.readFd],
    ],
    stdinFd: stdin?.readFd,
    stdoutFd: stdout.writeFd,
    stderrFd: stderr.writeFd,
    closeOwn() {
      if (stdin) closeSync(stdin.readFd);
      closeSync(stdout.writeFd);
      closeSync(stderr.writeFd);
    },
    input: stdin && createPipeWriter(stdin.writeFd),
    resize() {},
  };
}

function terminalOutput(context: PodContext, config: ContainerConfig): Outputs {
  const { syscalls } = context.node;
  const pty = syscalls.openPty(config.identity.uid);
  return {
    read: [["stdout", pty.masterFd]],
    stdinFd: pty.slaveFd,
    stdoutFd: pty.slaveFd,
    stderrFd: pty.slaveFd,
    closeOwn: () => closeSync(pty.slaveFd),
    input: createTerminalWriter(pty.masterFd),
    resize: (columns, rows) => syscalls.setWindowSize(pty.masterFd, columns, rows),
  };
}
