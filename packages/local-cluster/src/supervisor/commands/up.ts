import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { ClusterProblem } from "../cluster-problem.ts";
import { mergeKubeconfig, userKubeconfig } from "../kubeconfig.ts";
import { type CommandContext, type CommandFlags, durationText } from "./context.ts";
import type { ServeMessage } from "./serve.ts";

/** Starts a cluster in the background. Progress goes to standard error, the export line to standard output. */
export async function up(context: CommandContext, flags: CommandFlags): Promise<number> {
  const ready = await waitUntilReady(startServer(context, flags), context);
  context.err(`cluster "${flags.name}" serves at ${ready.apiUrl}\n`);
  if (flags.merge) mergeIntoUserConfig(context, flags.name, ready.kubeconfig);
  context.out(`export KUBECONFIG=${ready.kubeconfig}\n`);
  return 0;
}

function startServer(context: CommandContext, flags: CommandFlags): ChildProcess {
  const program = fileURLToPath(new URL("../../main.ts", import.meta.url));
  const args = [program, "serve", "--name", flags.name];
  if (flags.port !== undefined) args.push("--port", String(flags.port));
  const { clusterDomain, podCidr, serviceCidr, flat } = flags.network;
  if (clusterDomain !== undefined) args.push("--cluster-domain", clusterDomain);
  if (podCidr !== undefined) args.push("--pod-cidr", podCidr);
  if (serviceCidr !== undefined) args.push("--service-cidr", serviceCidr);
  if (flat === true) args.push("--flat");
  return spawn(process.execPath, args, {
    cwd: "/",
    env: { ...context.env },
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
  });
}

function waitUntilReady(
  server: ChildProcess,
  context: CommandContext,
): Promise<Extract<ServeMessage, { kind: "ready" }>> {
  return new Promise((resolve, reject) => {
    const output = server.stdout;
    if (output === null) return reject(new Error("the background process has no output"));
    server.once("error", reject);
    server.once("exit", (code) =>
      reject(new ClusterProblem(`the background process ended at once (exit code ${code})`)),
    );
    createInterface({ input: output }).on("line", (line) => {
      const message = JSON.parse(line) as ServeMessage;
      switch (message.kind) {
        case "phase":
          context.err(`  ${message.phase.padEnd(12)} ${durationText(message.ms).padStart(9)}\n`);
          break;
        case "failed":
          reject(new ClusterProblem(message.message));
          break;
        case "ready":
          output.destroy();
          server.unref();
          resolve(message);
      }
    });
  });
}

function mergeIntoUserConfig(context: CommandContext, name: string, kubeconfig: string): void {
  const target = userKubeconfig(context.env);
  mergeKubeconfig(target, name, readFileSync(kubeconfig, "utf8"));
  const record = context.registry.find(name);
  if (record !== undefined) context.registry.update({ ...record, mergedInto: target });
  context.err(`context "${name}" added to ${target} and made current\n`);
}
