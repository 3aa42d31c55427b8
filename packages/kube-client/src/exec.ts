import { Readable, Writable } from "node:stream";
import { type ChannelSocket, createChannelSocket } from "./channel-socket.ts";
import { listAt, textAt } from "./json-fields.ts";
import { KubeError } from "./kube-error.ts";
import type { Transport } from "./transport.ts";

export interface ExecOptions {
  /** Default: the pod's default container. */
  readonly container?: string;
  /** Default: false. */
  readonly stdin?: boolean;
  /** One stream for output and errors, as a terminal has. Default: false. */
  readonly tty?: boolean;
  readonly signal?: AbortSignal;
}

/** A command that runs in a container. */
export interface ExecSession {
  /** Ends the command's stdin on `end()` (protocol v5; older servers ignore it). */
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Errors: `KubeError` when the command could not run or the connection broke. */
  readonly done: Promise<{ readonly exitCode: number }>;
  resize(columns: number, rows: number): void;
  close(): void;
}

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
const STATUS = 3;
const RESIZE = 4;
const CLOSE = 255;

/** Runs a command. Source: `v5.channel.k8s.io` and `v4.channel.k8s.io` of Kubernetes' remotecommand. */
export async function openExec(
  transport: Transport,
  namespace: string,
  pod: string,
  command: readonly string[],
  options: ExecOptions = {},
): Promise<ExecSession> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/exec`;
  const query = {
    command,
    container: options.container,
    stdin: options.stdin === true,
    stdout: true,
    stderr: options.tty !== true,
    tty: options.tty === true,
  };
  const socket = await transport.upgrade(path, query, ["v5.channel.k8s.io", "v4.channel.k8s.io"], options.signal);
  const session = createSession(socket);
  options.signal?.addEventListener("abort", () => session.close(), { once: true });
  return session;
}

function createSession(socket: WebSocket): ExecSession {
  const stdout = new Readable({ read() {} });
  const stderr = new Readable({ read() {} });
  const outcome = Promise.withResolvers<{ readonly exitCode: number }>();
  // Whoever only reads the output must not be killed by an unhandled rejection.
  outcome.promise.catch(() => {});
  const finish = (settle: () => void) => {
    stdout.push(null);
    stderr.push(null);
    settle();
  };
  const channels: ChannelSocket = createChannelSocket(socket, {
    onData(channel, data) {
      if (channel === STDOUT) stdout.push(data);
      else if (channel === STDERR) stderr.push(data);
      else if (channel === STATUS) {
        const result = exitOf(Buffer.from(data).toString("utf8"));
        finish(() => (result instanceof Error ? outcome.reject(result) : outcome.resolve(result)));
        channels.close();
      }
    },
    onClose: (error) =>
      finish(() =>
        outcome.reject(error ?? new KubeError(0, "UpgradeFailed", "the connection ended before the command did")),
      ),
  });
  const stdin = new Writable({
    write: (chunk: Buffer, _encoding, callback) => void channels.send(STDIN, chunk).then(() => callback(), callback),
    final: (callback) => {
      if (channels.protocol !== "v5.channel.k8s.io") callback();
      else
        channels.send(CLOSE, Uint8Array.of(STDIN)).then(
          () => callback(),
          () => callback(),
        );
    },
  });
  stdin.on("error", () => {});
  return {
    stdin,
    stdout,
    stderr,
    done: outcome.promise,
    resize: (columns, rows) =>
      void channels.send(RESIZE, Buffer.from(JSON.stringify({ Width: columns, Height: rows }))).catch(() => {}),
    close() {
      channels.close();
      finish(() => outcome.reject(new KubeError(0, "UpgradeFailed", "closed")));
    },
  };
}

function exitOf(text: string): { readonly exitCode: number } | KubeError {
  let status: unknown;
  try {
    status = JSON.parse(text);
  } catch {
    return new KubeError(0, "InvalidResponse", `the container runtime answered: ${text}`);
  }
  if (textAt(status, "status") === "Success") return { exitCode: 0 };
  if (textAt(status, "reason") === "NonZeroExitCode") {
    const causes = listAt((status as { readonly details?: unknown }).details, "causes");
    const code = Number(
      textAt(
        causes.find((cause) => textAt(cause, "reason") === "ExitCode"),
        "message",
      ),
    );
    if (Number.isInteger(code)) return { exitCode: code };
  }
  return new KubeError(0, textAt(status, "reason") ?? "InternalError", textAt(status, "message") ?? text);
}
