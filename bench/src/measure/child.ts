import type { Subprocess } from "bun";

/** A process that the benchmark started. */
export interface Child {
  readonly pid: number;
  /** Everything it wrote to stderr, the last 4 KiB. */
  stderrTail(): string;
  /** Waits until the process has printed a text (within its last 4 KiB). Errors: throws with what it printed instead. */
  printed(text: string, timeoutMs: number): Promise<void>;
  stop(): Promise<void>;
}

export interface ChildOptions {
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Processors to stay on, for `taskset`. Default: any. */
  readonly cpus?: string | undefined;
}

const TAIL_BYTES = 4096;

/** Starts a process; its output is kept for error messages only. */
export function startChild(options: ChildOptions): Child {
  const pinned = options.cpus === undefined ? [] : ["taskset", "-c", options.cpus];
  const child = Bun.spawn([...pinned, ...options.argv], {
    env: { ...process.env, ...options.env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  let tail = "";
  const keep = async (stream: ReadableStream<Uint8Array>) => {
    for await (const chunk of stream) tail = (tail + Buffer.from(chunk).toString()).slice(-TAIL_BYTES);
  };
  void keep(child.stdout);
  void keep(child.stderr);
  const printed = async (text: string, timeoutMs: number) => {
    const giveUpAt = performance.now() + timeoutMs;
    while (!tail.includes(text)) {
      if (performance.now() > giveUpAt || child.exitCode !== null)
        throw new Error(`${options.argv.join(" ")} did not print "${text}" but: ${tail}`);
      await Bun.sleep(20);
    }
  };
  return { pid: child.pid, stderrTail: () => tail, printed, stop: () => stop(child) };
}

async function stop(child: Subprocess): Promise<void> {
  child.kill("SIGTERM");
  const killed = setTimeout(() => child.kill("SIGKILL"), 3000);
  await child.exited;
  clearTimeout(killed);
}

/** Runs a process to its end and gives what it printed. Errors: throws with its stderr when it fails. */
export async function runChild(options: ChildOptions): Promise<string> {
  const pinned = options.cpus === undefined ? [] : ["taskset", "-c", options.cpus];
  const child = Bun.spawn([...pinned, ...options.argv], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [out, errors, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0) throw new Error(`${options.argv.join(" ")} failed (${code}): ${errors.trim()}`);
  if (errors !== "") process.stderr.write(errors.slice(0, TAIL_BYTES));
  return out;
}

/** Waits until something listens. Errors: throws with what the process said when it does not within `timeoutMs`. */
export async function waitForPort(port: number, child: Child, timeoutMs = 15_000): Promise<void> {
  const giveUpAt = performance.now() + timeoutMs;
  while (performance.now() < giveUpAt) {
    try {
      const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
      socket.end();
      return;
    } catch {
      await Bun.sleep(50);
    }
  }
  throw new Error(`nothing listens on port ${port} after ${timeoutMs} ms; the process said: ${child.stderrTail()}`);
}
