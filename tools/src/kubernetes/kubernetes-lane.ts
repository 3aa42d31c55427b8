import { join } from "node:path";
import { runCommand } from "../checks/run-command.ts";
import { findRealKubernetes, type RealKubernetes, startRealKubernetes } from "./real-kubernetes.ts";

type Environment = Readonly<Record<string, string>>;

/**
 * Runs `lane` with a cluster in its environment and takes that down whatever happens: the one that `HEDDLE_TEST_KUBECONFIG` names, else a
 * real Kubernetes, else an embedded cluster, else none; then `HEDDLE_TEST_NO_KUBERNETES` says why.
 */
export async function withKubernetes(root: string, lane: (env: Environment) => Promise<void>): Promise<void> {
  if (process.env["HEDDLE_TEST_KUBECONFIG"]) return lane({});
  const started = performance.now();
  const real = await realKubernetes(root);
  const cluster = "missing" in real ? await embeddedCluster(root, real.missing) : real;
  console.log(`== ${cluster.what} after ${((performance.now() - started) / 1000).toFixed(1)} s`);
  const stop = (signal: NodeJS.Signals) =>
    void cluster.close().finally(() => process.exit(signal === "SIGINT" ? 130 : 143));
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  try {
    await lane(cluster.env);
  } finally {
    await cluster.close();
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
  }
}

type LaneCluster = RealKubernetes & { readonly what: string };

async function realKubernetes(root: string): Promise<LaneCluster | { readonly missing: string }> {
  const found = await findRealKubernetes(root, process.env);
  if ("missing" in found) return found;
  console.log(`== starting the real Kubernetes of ${found.folder}`);
  return startRealKubernetes(found.folder).then(
    (cluster) => ({ ...cluster, what: "a real Kubernetes is ready" }),
    (error: Error) => ({ missing: `the real Kubernetes of ${found.folder} did not start: ${error.message}` }),
  );
}

async function embeddedCluster(root: string, reason: string): Promise<LaneCluster> {
  console.log(`== ${reason}`);
  const env = { HEDDLE_TEST_NO_KUBERNETES: reason };
  const name = `npm-test-${process.pid}`;
  const { code, output } = await runCommand([join(root, "bin/heddle"), "local", "up", "--name", name], root);
  const kubeconfig = /^export KUBECONFIG=(.+)$/m.exec(output)?.[1];
  if (code !== 0 || !kubeconfig)
    return { env, what: `no embedded cluster either: ${output.trim().slice(-300)}`, close: async () => {} };
  return {
    env: { ...env, HEDDLE_TEST_KUBECONFIG: kubeconfig },
    what: "an embedded cluster is ready instead",
    close: async () => {
      await runCommand([join(root, "bin/heddle"), "local", "down", "--name", name], root);
    },
  };
}
