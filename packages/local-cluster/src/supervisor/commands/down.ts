import { ClusterProblem } from "../cluster-problem.ts";
import { type ClusterRecord, readRecord } from "../cluster-record.ts";
import { unmergeKubeconfig } from "../kubeconfig.ts";
import { isAlive } from "../process-identity.ts";
import { checkClusterName } from "../state-directory.ts";
import type { CommandContext, CommandFlags } from "./context.ts";

/** The cluster's process ends in order within this time; then the kernel ends it. */
const ORDERLY_MS = 8000;
const POLL_MS = 25;

/** Ends a cluster (or all) and removes what it left. A cluster that is not there is no error. */
export async function down(context: CommandContext, flags: CommandFlags): Promise<number> {
  checkClusterName(flags.name);
  const names = flags.all ? context.registry.list().map(({ name }) => name) : [flags.name];
  for (const name of names) {
    const record = readRecord(context.state.cluster(name).record);
    if (record?.mergedInto !== undefined) unmergeKubeconfig(record.mergedInto, name);
    const ran = record !== undefined && (await end(record));
    context.registry.remove(name);
    context.err(ran ? `cluster "${name}" ended\n` : `cluster "${name}" is not running\n`);
  }
  return 0;
}

async function end(record: ClusterRecord): Promise<boolean> {
  const { owner } = record;
  if (!isAlive(owner)) return false;
  signal(record, "SIGTERM");
  const deadline = performance.now() + ORDERLY_MS;
  while (isAlive(owner)) {
    if (performance.now() > deadline) signal(record, "SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return true;
}

function signal(record: ClusterRecord, name: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(record.owner.pid, name);
  } catch (error) {
    if (!isAlive(record.owner)) return;
    throw new ClusterProblem(
      `process ${record.owner.pid} of cluster "${record.name}" can't be ended by this user; run as the user who started it`,
      { cause: error },
    );
  }
}
