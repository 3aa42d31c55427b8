/** Runs a program to its end and gives its exit code and everything that it printed (stdout and stderr together, bounded). */
export async function runCommand(argv: readonly string[], cwd: string): Promise<{ code: number; output: string }> {
  const child = Bun.spawn([...argv], { cwd, stdout: "pipe", stderr: "pipe", stdin: "ignore" });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, output: `${out}${err}`.slice(-60_000) };
}
