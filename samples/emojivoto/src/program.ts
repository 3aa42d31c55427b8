/** What the four programs have in common when they start and end. */

export type Env = Readonly<Record<string, string | undefined>>;

/** A line on standard output, with Go's time stamp as the original programs write it. */
export function log(message: string): void {
  const now = new Date();
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${now.getFullYear()}/${two(now.getMonth() + 1)}/${two(now.getDate())}`;
  process.stdout.write(`${day} ${two(now.getHours())}:${two(now.getMinutes())}:${two(now.getSeconds())} ${message}\n`);
}

/** Errors: a sentence that names the variable. */
export function requiredText(env: Env, name: string): string {
  const value = env[name];
  if (value === undefined || value === "")
    throw new Error(`${name} (currently [${value ?? ""}]) environment variable must be set to run the program`);
  return value;
}

/** Errors: a sentence that names the variable. */
export function portOf(name: string, value: string): number {
  const port = Number(value);
  if (!Number.isInteger(port) || port < 0 || port > 65535)
    throw new Error(`${name} is "${value}", which is not a port; give a number from 0 to 65535`);
  return port;
}

/** Runs a program until it is told to end; drains at SIGTERM and SIGINT. */
export async function runProgram(start: (env: Env) => Promise<{ close(): Promise<void> }>): Promise<void> {
  try {
    const program = await start(process.env);
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      process.once(signal, () => {
        void program.close().then(() => process.exit(0));
      });
    }
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
}
