import { join } from "node:path";

export const root = join(import.meta.dir, "../../..");

/** A run of the command line program. */
export interface HeddleProcess {
  readonly pid: number;
  readonly exited: Promise<number>;
  /** Everything printed so far, both streams. */
  output(): string;
  stdout(): string;
  /** Resolves when `pattern` was printed. Errors: the output so far when the process ends or `timeoutMs` is over first. */
  printed(pattern: RegExp, timeoutMs: number): Promise<string>;
  kill(signal: NodeJS.Signals): void;
}

/** `under` is a command line that starts it, such as `unshare --user`. */
export function heddle(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  under: readonly string[] = [],
): HeddleProcess {
  const child = Bun.spawn([...under, join(root, "bin/heddle"), ...args], {
    env: { ...process.env, ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  let out = "";
  let err = "";
  const follow = async (stream: ReadableStream<Uint8Array>, take: (text: string) => void) => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) take(decoder.decode(chunk, { stream: true }));
  };
  const streams = Promise.all([
    follow(child.stdout, (text) => {
      out += text;
    }),
    follow(child.stderr, (text) => {
      err += text;
      process.stderr.write(text);
    }),
  ]);
  const exited = child.exited.then(async (code) => {
    await streams;
    return code;
  });
  let ended = false;
  void exited.then(() => {
    ended = true;
  });
  return {
    pid: child.pid,
    exited,
    output: () => out + err,
    stdout: () => out,
    kill: (signal) => child.kill(signal),
    async printed(pattern, timeoutMs) {
      const deadline = performance.now() + timeoutMs;
      for (;;) {
        const found = pattern.exec(out + err);
        if (found) return found[0];
        if (ended || performance.now() > deadline)
          throw new Error(`${pattern} was not printed:\n${(out + err).slice(-4000)}`);
        await Bun.sleep(50);
      }
    },
  };
}
