/** A cluster that kubectl talks to. */
export interface Cluster {
  readonly name: "real" | "embedded";
  readonly kubeconfig: string;
  /** What steps kept for later ones. */
  readonly kept: Map<string, string>;
  /** Errors: none; a program that failed or took over `timeoutMs` says so in its code and `stderr`. Default: 60 s. */
  kubectl(
    args: readonly string[],
    options?: {
      readonly stdin?: string | undefined;
      readonly timeoutMs?: number;
      readonly env?: Readonly<Record<string, string>> | undefined;
    },
  ): Promise<Printed>;
}

export interface Printed {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, bounded. */
export async function run(
  argv: readonly string[],
  options: {
    readonly stdin?: string | undefined;
    readonly env?: Readonly<Record<string, string>> | undefined;
    readonly timeoutMs?: number | undefined;
    readonly cwd?: string | undefined;
  } = {},
): Promise<Printed> {
  const child = Bun.spawn([...argv], {
    env: { ...process.env, ...options.env },
    stdin: options.stdin === undefined ? "ignore" : new TextEncoder().encode(options.stdin),
    stdout: "pipe",
    stderr: "pipe",
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    timeout: options.timeoutMs ?? 60_000,
    killSignal: "SIGKILL",
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  const late = child.signalCode === "SIGKILL" ? `\nkilled after ${(options.timeoutMs ?? 60_000) / 1000} s\n` : "";
  return { code, stdout, stderr: stderr + late };
}

export function createCluster(name: Cluster["name"], kubeconfig: string, kubectl: string): Cluster {
  return {
    name,
    kubeconfig,
    kept: new Map(),
    kubectl: (args, options) =>
      run([kubectl, ...args], { ...options, env: { ...options?.env, KUBECONFIG: kubeconfig } }),
  };
}

/** Runs a command that must succeed. Errors: throws with what it printed. */
export async function must(cluster: Cluster, args: readonly string[], stdin?: string): Promise<string> {
  const { code, stdout, stderr } = await cluster.kubectl(args, { ...(stdin !== undefined && { stdin }) });
  if (code !== 0) throw new Error(`kubectl ${args.join(" ")} on the ${cluster.name} cluster: ${stderr}${stdout}`);
  return stdout;
}
