import { type CliContext, createCliContext } from "../src/context.ts";
import { runProgram } from "../src/program.ts";

/** What a run of a command gave. */
export interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs `heddle`, `istioctl` or `linkerd` as a user does, but in this process: dozens of starts would be most of a test's time. */
export async function runInProcess(kubeconfig: string, argv: readonly string[], input = ""): Promise<Run> {
  const [tool = "", ...args] = argv;
  let out = "";
  let err = "";
  const context: CliContext = {
    ...createCliContext({ ...process.env, KUBECONFIG: kubeconfig, HEDDLE_INVOKED_AS: tool }, "0.1.0"),
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    readStdin: async () => input,
  };
  process.exitCode = 0;
  const code = await runProgram(context, args);
  process.exitCode = 0;
  return { code, out, err };
}
