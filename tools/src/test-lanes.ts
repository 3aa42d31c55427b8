import { join } from "node:path";

/** Sum of what test runners reported. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const nothing: Tally = { passed: 0, failed: 0, skipped: 0 };

export function add(a: Tally, b: Tally): Tally {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

/** Reads the closing lines of `bun test` (` 12 pass`, ` 1 fail`, ` 2 skip`). A run that printed none counts as one failure. */
export function tallyOf(output: string, exitCode: number): Tally {
  const count = (word: string) => Number(new RegExp(`^\\s*(\\d+) ${word}$`, "m").exec(output)?.[1] ?? 0);
  const tally = { passed: count("pass"), failed: count("fail"), skipped: count("skip") };
  const silent = tally.passed + tally.failed + tally.skipped === 0;
  return (exitCode !== 0 && tally.failed === 0) || silent ? { ...tally, failed: tally.failed + 1 } : tally;
}

/** Lines of a failing test's own output that the closing report repeats. */
const LINES_OF_A_FAILURE = 40;

/**
 * What failed in one run's output, each test with the lines before it: a log of thousands of lines is often kept by its end alone.
 * `bun test` prints a test's errors above its `(fail)` line. A run that failed without such a line gives its last lines.
 */
export function failuresOf(output: string): string[] {
  const lines = output.split("\n");
  const found: string[] = [];
  let from = 0;
  for (const [at, line] of lines.entries()) {
    if (/^\((pass|skip)\) /.test(line)) from = at + 1;
    if (!line.startsWith("(fail) ")) continue;
    found.push([line, ...lines.slice(Math.max(from, at - LINES_OF_A_FAILURE), at)].join("\n"));
    from = at + 1;
  }
  return found.length ? found : [lines.slice(-LINES_OF_A_FAILURE).join("\n")];
}

/** The closing line that continuous integration reads. */
export function closingLine(tally: Tally): string {
  return `${tally.passed} passed, ${tally.failed} failed${tally.skipped ? `, ${tally.skipped} skipped` : ""}`;
}

/** Where a run's output goes. */
export type Sink = (chunk: Uint8Array, stream: "stdout" | "stderr") => void;

/** As it comes. */
export const passedThrough: Sink = (chunk, stream) => void process[stream].write(chunk);

/** Kept until `flush`, so that a run beside others does not print between their lines. */
export function heldBack(): { readonly sink: Sink; flush(): void } {
  const kept: Parameters<Sink>[] = [];
  return {
    sink: (chunk, stream) => void kept.push([chunk, stream]),
    flush() {
      for (const [chunk, stream] of kept.splice(0)) passedThrough(chunk, stream);
    },
  };
}

/** Runs each of `items` in its order, `atOnce` of them at a time. */
export async function sideBySide<T>(
  items: readonly T[],
  atOnce: number,
  run: (item: T) => Promise<void>,
): Promise<void> {
  const left = [...items];
  const lane = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await run(item);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}

/** What one `bun test` process came to. `failures` is empty where `tally` counts none. */
export interface Outcome {
  readonly tally: Tally;
  readonly failures: readonly string[];
}

/** Runs one `bun test` process over `files`, hands its output to `sink`, and counts. */
export async function bunTest(
  root: string,
  files: readonly string[],
  timeoutMs: number,
  env: Record<string, string>,
  sink: Sink = passedThrough,
): Promise<Outcome> {
  const child = Bun.spawn([join(root, "bin/bun"), "test", "--timeout", String(timeoutMs), ...files], {
    cwd: root,
    env: { ...process.env, ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  let output = "";
  const pass = async (name: "stdout" | "stderr") => {
    const decoder = new TextDecoder();
    for await (const chunk of child[name]) {
      sink(chunk, name);
      output = (output + decoder.decode(chunk, { stream: true })).slice(-200_000);
    }
  };
  await Promise.all([pass("stdout"), pass("stderr")]);
  const tally = tallyOf(output, await child.exited);
  return { tally, failures: tally.failed > 0 ? failuresOf(output) : [] };
}
