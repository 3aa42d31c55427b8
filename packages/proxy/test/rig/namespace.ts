import { join } from "node:path";

/** Runs a program of the tests' folder in a namespace of its own: `-m` mounts, `-n` network. */
export async function runInNamespace(
  kind: "-m" | "-n",
  program: string,
): Promise<{ readonly code: number; readonly out: string; readonly errors: string }> {
  const child = Bun.spawn(["unshare", kind, process.execPath, join(import.meta.dir, "..", program)], {
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, errors, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, out, errors };
}
