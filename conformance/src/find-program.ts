import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** A ready program: on PATH, or in `HEDDLE_TOOLS` (default: ~/.cache/heddle-tools). */
export function findProgram(name: string): string | undefined {
  const found = Bun.which(name);
  if (found !== null) return found;
  const path = join(process.env["HEDDLE_TOOLS"] ?? `${homedir()}/.cache/heddle-tools`, name);
  return existsSync(path) ? path : undefined;
}

/** Runs a program and gives everything that it said. Errors: none; a program that takes too long is killed, with code -1. */
export async function runProgram(argv: readonly string[], timeoutMs: number): Promise<{ code: number; out: string }> {
  const child = Bun.spawn([...argv], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill("SIGKILL");
  }, timeoutMs);
  const [out, errors, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  clearTimeout(timer);
  return { code: late ? -1 : code, out: late ? `${out}${errors}\nkilled after ${timeoutMs} ms` : out + errors };
}
