import { appendFileSync } from "node:fs";
import { join } from "node:path";
import type { PhaseTime } from "../cluster-record.ts";
import { startCluster } from "../start-cluster.ts";
import type { CommandContext, CommandFlags } from "./context.ts";

/** Lines of JSON from the background process to `heddle local up`. */
export type ServeMessage =
  | ({ readonly kind: "phase" } & PhaseTime)
  | { readonly kind: "ready"; readonly apiUrl: string; readonly kubeconfig: string }
  | { readonly kind: "failed"; readonly message: string };

/** The background process that holds a cluster. Ends with it, or on SIGTERM. */
export async function serve(context: CommandContext, flags: CommandFlags): Promise<number> {
  const say = (message: ServeMessage) => context.out(`${JSON.stringify(message)}\n`);
  // The command that started this process goes away when the cluster is ready.
  process.stdout.on("error", () => undefined);
  const logFile = join(context.state.cluster(flags.name).logs, "host.log");
  const log = (sentence: string) => {
    try {
      appendFileSync(logFile, `${new Date().toISOString()}\t${sentence}\n`, { mode: 0o600 });
    } catch {
      // A full disk must not end the cluster.
    }
  };
  try {
    const cluster = await startCluster({
      name: flags.name,
      env: context.env,
      uid: context.uid,
      ...(flags.port === undefined ? {} : { apiPort: flags.port }),
      network: flags.network,
      onPhase: (phase) => say({ kind: "phase", ...phase }),
      onWarning: log,
    });
    const stop = () => void cluster.close();
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, stop);
    say({ kind: "ready", apiUrl: cluster.apiUrl, kubeconfig: cluster.kubeconfig });
    const reason = await cluster.ended;
    if (reason !== undefined) {
      // The files stay for reading; the next `up` removes them.
      log(reason);
      return 1;
    }
    await cluster.close();
    return 0;
  } catch (error) {
    say({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
    return 1;
  }
}
