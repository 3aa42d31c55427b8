import { createKubeClient, type KubeClient } from "@heddle/kube-client";

export type Dialect = "heddle" | "istioctl" | "linkerd";

/** What a command gets: where it writes, who called it, and how it reaches the cluster. */
export interface CliContext {
  readonly dialect: Dialect;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  out(text: string): void;
  /** Progress, warnings and reports: standard error, so that pipes stay clean. */
  err(text: string): void;
  readStdin(): Promise<string>;
  /** Reads kubeconfig at the first call. Errors: `KubeError` with the cause and the next step. */
  kube(options: KubeOptions): Promise<KubeClient>;
}

/** The global flags that choose a cluster. */
export interface KubeOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
}

/** A refusal that the user can mend: printed as one line, no stack; the process ends with `code`. */
export class UsageError extends Error {
  readonly code: number;
  constructor(message: string, code = 1) {
    super(message);
    this.name = "UsageError";
    this.code = code;
  }
}

export function dialectOf(env: Readonly<Record<string, string | undefined>>): Dialect {
  const name = env["HEDDLE_INVOKED_AS"];
  return name === "istioctl" || name === "linkerd" ? name : "heddle";
}

/** The namespace that each tool's users expect the mesh in. */
export function defaultMeshNamespace(context: Pick<CliContext, "dialect" | "env">): string {
  if (context.dialect === "linkerd") return context.env["LINKERD_NAMESPACE"] ?? "linkerd";
  return context.env["ISTIO_NAMESPACE"] ?? "istio-system";
}

/** Exit code of a program that SIGPIPE ended. */
const PIPE_CLOSED = 141;

/** The reader may go (`heddle install | head`): then there is nothing left to do, as for any Unix program. */
function write(stream: NodeJS.WriteStream, text: string): void {
  const gone = (error: unknown): void => {
    if (typeof error === "object" && error !== null && "code" in error && error.code === "EPIPE")
      process.exit(PIPE_CLOSED);
    throw error;
  };
  if (stream.listenerCount("error") === 0) stream.on("error", gone);
  try {
    stream.write(text);
  } catch (error) {
    gone(error);
  }
}

export function createCliContext(env: CliContext["env"], version: string): CliContext {
  return {
    dialect: dialectOf(env),
    env,
    version,
    out: (text) => write(process.stdout, text),
    err: (text) => write(process.stderr, text),
    readStdin: () => new Response(Bun.stdin.stream()).text(),
    kube: (options) => createKubeClient({ ...options, env }),
  };
}
