import { closeSync } from "node:fs";
import type { RunningContainer } from "../container/running-container.ts";
import { readFd } from "../host/fd-stream.ts";
import { createPipeWriter, createTerminalWriter, type FdWriter } from "../host/fd-writer.ts";
import type { Syscalls } from "../host/syscalls.ts";
import { exitStatus, failureStatus, parseResize } from "./command-status.ts";
import type { CommandStreams } from "./command-streams.ts";
import { finish, type RemoteStream } from "./remote-stream.ts";

/** A program that left its output open does not hold the client longer than this. Units: ms. */
const OUTPUT_GRACE_MS = 2000;

/** Runs a command in a container with the client's streams. Never rejects. */
export async function runExec(
  running: RunningContainer,
  command: readonly string[],
  tty: boolean,
  streams: CommandStreams,
  syscalls: Syscalls,
): Promise<void> {
  let status: string | undefined;
  try {
    const found = running.execCommand(command, tty);
    status =
      found.kind === "found"
        ? exitStatus(await execute(running, found.argv, tty, streams, syscalls), streams.structuredStatus)
        : failureStatus(
            `failed to exec in container: failed to start exec: OCI runtime exec failed: exec failed: unable to start container process: ${found.reason}`,
            streams.structuredStatus,
          );
  } catch (error) {
    status = failureStatus(error instanceof Error ? error.message : String(error), streams.structuredStatus);
  }
  await endCommand(streams, status);
}

/** Sends the verdict and ends all streams, then the connection. */
export async function endCommand(streams: CommandStreams, status: string | undefined): Promise<void> {
  await Promise.all([finish(streams.stdout), finish(streams.stderr)]);
  await finish(streams.error, status);
  streams.close();
}

async function execute(
  running: RunningContainer,
  argv: readonly string[],
  tty: boolean,
  streams: CommandStreams,
  syscalls: Syscalls,
): Promise<number> {
  const plumbing = tty ? terminal(running, streams, syscalls) : pipes(running, streams, syscalls);
  let child: Bun.Subprocess;
  try {
    child = Bun.spawn([...argv], {
      cwd: "/",
      env: { ...running.env, ...(tty ? { TERM: running.env["TERM"] ?? "xterm" } : {}) },
      stdio: [plumbing.stdin ?? "ignore", plumbing.stdout, plumbing.stderr],
    });
  } finally {
    plumbing.closeOwn();
  }
  void streams.closed.then(() => child.kill("SIGKILL"));
  if (streams.stdin && plumbing.input) void feed(streams.stdin, plumbing.input);
  const exitCode = await child.exited;
  await Promise.race([plumbing.copied, Bun.sleep(OUTPUT_GRACE_MS)]);
  plumbing.input?.close();
  return exitCode;
}

interface Plumbing {
  readonly stdin: number | undefined;
  readonly stdout: number | "ignore";
  readonly stderr: number | "ignore";
  readonly input: FdWriter | undefined;
  /** Resolves when all output is with the client. */
  readonly copied: Promise<unknown>;
  closeOwn(): void;
}

function pipes(running: RunningContainer, streams: CommandStreams, syscalls: Syscalls): Plumbing {
  const { uid, gid } = running.identity;
  const stdin = streams.stdin && syscalls.inputPipe(uid, gid);
  const stdout = streams.stdout && syscalls.pipe(uid, gid);
  const stderr = streams.stderr && syscalls.pipe(uid, gid);
  const own = [stdin?.readFd, stdout?.writeFd, stderr?.writeFd].filter((fd) => fd !== undefined);
  return {
    stdin: stdin?.readFd,
    stdout: stdout?.writeFd ?? "ignore",
    stderr: stderr?.writeFd ?? "ignore",
    input: stdin && createPipeWriter(stdin.writeFd),
    copied: Promise.all([
      stdout && copyOutput(stdout.readFd, streams.stdout),
      stderr && copyOutput(stderr.readFd, streams.stderr),
    ]),
    closeOwn() {
      for (const fd of own) closeSync(fd);
    },
  };
}

function terminal(running: RunningContainer, streams: CommandStreams, syscalls: Syscalls): Plumbing {
  const pty = syscalls.openPty(running.identity.uid);
  const input = createTerminalWriter(pty.masterFd);
  let open = true;
  const copied = copyOutput(pty.masterFd, streams.stdout).finally(() => {
    open = false;
    input.close();
  });
  followResize(streams.resize, (columns, rows) => {
    if (open) syscalls.setWindowSize(pty.masterFd, columns, rows);
  });
  return {
    stdin: pty.slaveFd,
    stdout: pty.slaveFd,
    stderr: pty.slaveFd,
    input,
    copied,
    closeOwn: () => closeSync(pty.slaveFd),
  };
}

/** Calls back for every new window size. */
export function followResize(resize: RemoteStream | undefined, onSize: (columns: number, rows: number) => void): void {
  resize?.on("data", (chunk: Buffer) => {
    for (const line of chunk.toString("utf8").split("\n")) {
      const size = parseResize(line);
      if (size) onSize(size.columns, size.rows);
    }
  });
}

/** Copies the client's input to a program until either ends. */
export async function feed(stdin: RemoteStream, input: FdWriter): Promise<void> {
  try {
    for await (const chunk of stdin) await input.write(chunk);
  } catch {
    // The client has gone.
  }
  input.end();
}

async function copyOutput(fd: number, stream: RemoteStream | undefined): Promise<void> {
  for await (const chunk of readFd(fd)) {
    if (!stream || stream.destroyed) continue;
    if (!stream.write(chunk)) await drained(stream);
  }
}

export function drained(stream: RemoteStream): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off("drain", done);
      stream.off("close", done);
      resolve();
    };
    stream.on("drain", done);
    stream.on("close", done);
  });
}
