import type { RunningContainer } from "./running-container.ts";

export interface ExecOutcome {
  readonly exitCode: number;
  readonly output: string;
  readonly timedOut: boolean;
}

/** Runs a short command, as probes and hooks do. Never rejects. */
export async function execInContainer(
  running: RunningContainer,
  command: readonly string[],
  timeoutMs: number,
): Promise<ExecOutcome> {
  const found = running.execCommand(command, false);
  if (found.kind === "missing")
    return { exitCode: 127, output: `failed to exec in container: ${found.reason}`, timedOut: false };
  const child = Bun.spawn([...found.argv], {
    cwd: "/",
    env: { ...running.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    child.kill("SIGKILL");
  }, timeoutMs);
  const [stdout, stderr, exitCode] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  clearTimeout(timer);
  return { exitCode, output: `${stdout}${stderr}`.slice(0, 10 * 1024), timedOut };
}
