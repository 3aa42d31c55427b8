import { join } from "node:path";
import { root } from "./heddle-process.ts";

export interface ShellResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Command lines as a walkthrough has them: `heddle`, `istioctl`, `linkerd` are this clone's. */
export interface Shell {
  /** What a command printed. Errors: the command with all that it said, when it fails. */
  ok(command: string, stdin?: string): Promise<string>;
  /** The same, whatever the exit code. */
  run(command: string, stdin?: string): Promise<ShellResult>;
}

/** @param env joins the own environment. Each command ends after `timeoutMs`. */
export function createShell(cwd: string, env: Readonly<Record<string, string>>, timeoutMs = 60_000): Shell {
  const path = `${join(root, "bin")}:${process.env["PATH"] ?? ""}`;
  const run = async (command: string, stdin = ""): Promise<ShellResult> => {
    const child = Bun.spawn(["bash", "-c", command], {
      cwd,
      env: { ...process.env, ...env, PATH: path },
      stdin: new TextEncoder().encode(stdin),
      stdout: "pipe",
      stderr: "pipe",
      timeout: timeoutMs,
    });
    const [out, err, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    return { code, out, err };
  };
  return {
    run,
    async ok(command, stdin) {
      const { code, out, err } = await run(command, stdin);
      if (code !== 0) throw new Error(`$ ${command}\nexit code ${code}\n${out}${err}`);
      return out;
    },
  };
}
