import type { WorkerCommand, WorkerMessage } from "./messages.ts";
import type { WorkerChannel } from "./run-worker.ts";
import type { WorkerPoolDeps } from "./worker-pool.ts";

/** The command line that starts this program as a worker. `argv`: the arguments of the present role, which end the process's own; `logging`: flags of the log. */
export function workerCommand(
  execPath: string,
  processArgv: readonly string[],
  argv: readonly string[],
  logging: readonly string[],
): string[] {
  const [, script = "", ...words] = processArgv;
  const before = words.slice(0, words.length - argv.length);
  // A compiled program finds its script inside itself.
  const own = script.startsWith("/$bunfs/") ? [] : [script];
  return [execPath, ...own, ...before, "worker", ...logging];
}

/** Starts a worker with a channel of structured messages. Its output goes where ours goes. */
export function createSpawn(command: readonly string[]): WorkerPoolDeps["spawn"] {
  return (onMessage, onExit) => {
    let gone = false;
    const child = Bun.spawn([...command], {
      stdin: "ignore",
      stdout: "inherit",
      stderr: "inherit",
      serialization: "advanced",
      ipc: (message: WorkerMessage) => onMessage(message),
      onExit: (_child, code, signal) => {
        gone = true;
        onExit(signal === null ? `exit code ${code}` : `signal ${signal}`);
      },
    });
    return {
      pid: child.pid,
      // Between its end and our knowing of it there is nobody to send to.
      send: (command) => {
        if (!gone) child.send(command);
      },
      kill: () => void child.kill("SIGKILL"),
    };
  };
}

/** Our end of the channel, in a worker. Errors: undefined when nobody started us as a worker. */
export function openChannel(): WorkerChannel | undefined {
  if (process.send === undefined) return undefined;
  return {
    send: (message) => void process.send?.(message),
    onCommand: (take) => void process.on("message", (command: WorkerCommand) => take(command)),
    onLost: (run) => void process.on("disconnect", run),
  };
}
