import { Command, CommanderError } from "commander";
import { addAnalyze } from "./commands/analyze.ts";
import { addBugReport } from "./commands/bug-report.ts";
import { addCa } from "./commands/ca.ts";
import { addCheck, addVizCheck } from "./commands/check.ts";
import { addCreateRemoteSecret } from "./commands/create-remote-secret.ts";
import { addDashboards } from "./commands/dashboard.ts";
import { addDemo } from "./commands/demo.ts";
import { addDiagnostics } from "./commands/diagnostics.ts";
import { addExperimental } from "./commands/experimental.ts";
import { addExplain } from "./commands/explain.ts";
import { addInject } from "./commands/inject.ts";
import { addInstall } from "./commands/install.ts";
import { addMulticluster } from "./commands/multicluster.ts";
import { addServiceProfile } from "./commands/profile.ts";
import { addProxyConfig } from "./commands/proxy-config.ts";
import { addProxyStatus } from "./commands/proxy-status.ts";
import { addRemoteClusters } from "./commands/remote-clusters.ts";
import { addUninject } from "./commands/uninject.ts";
import { addUninstall } from "./commands/uninstall.ts";
import { addValidate } from "./commands/validate.ts";
import { addVersion } from "./commands/version.ts";
import { addViz } from "./commands/viz.ts";
import { type CliContext, createCliContext, defaultMeshNamespace, UsageError } from "./context.ts";
import { commandWordsFirst } from "./flag-order.ts";
import { version } from "./version.ts";

/** Every command of the program, one file each. Roles (`discovery`, `proxy` …) and `local` are started before the parser, see roles.ts. */
const commands = [
  addInstall,
  addUninstall,
  addCheck,
  addInject,
  addUninject,
  addVersion,
  addProxyStatus,
  addRemoteClusters,
  addCreateRemoteSecret,
  addProxyConfig,
  addAnalyze,
  addValidate,
  addExplain,
  addServiceProfile,
  addViz,
  addVizCheck,
  addDiagnostics,
  addDashboards,
  addBugReport,
  addCa,
  addMulticluster,
  addDemo,
  addExperimental,
] as const satisfies readonly ((program: Command, context: CliContext) => void)[];

export function createProgram(context: CliContext): Command {
  const program = new Command(context.dialect)
    .description("Heddle, a Kubernetes service mesh. Also: heddle local up|down|list|status (embedded cluster).")
    .option("--kubeconfig <file>", "kubeconfig of the cluster (default: $KUBECONFIG, then ~/.kube/config)")
    .option("--context <name>", "context of the kubeconfig")
    .option("-i, --istioNamespace <namespace>", "namespace of the control plane", defaultMeshNamespace(context))
    .option("-L, --linkerd-namespace <namespace>", "the same, as linkerd calls it")
    .showHelpAfterError("(--help lists the commands and flags)")
    .exitOverride()
    .configureOutput({ writeOut: context.out, writeErr: context.err });
  for (const add of commands) add(program, context);
  return program;
}

/** `analyze -L` lists analyzers, as istioctl's does; everywhere else `-L` is linkerd's namespace. */
function analyzersListed(argv: readonly string[]): readonly string[] {
  return argv[0] === "analyze" ? argv.map((arg) => (arg === "-L" ? "--list-analyzers" : arg)) : argv;
}

export function runCommandLine(argv: readonly string[], env: CliContext["env"]): Promise<number> {
  return runProgram(createCliContext(env, version), argv);
}

/** Parses and runs; gives the exit code. Expected failures are one sentence on standard error, never a stack. */
export async function runProgram(context: CliContext, argv: readonly string[]): Promise<number> {
  try {
    const program = createProgram(context);
    await program.parseAsync([...analyzersListed(commandWordsFirst(argv, program))], { from: "user" });
    return typeof process.exitCode === "number" ? process.exitCode : 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    if (error instanceof UsageError) {
      context.err(`${error.message}\n`);
      return error.code;
    }
    if (error instanceof Error && error.name === "KubeError") {
      context.err(`${error.message}\n`);
      return 1;
    }
    throw error;
  }
}
