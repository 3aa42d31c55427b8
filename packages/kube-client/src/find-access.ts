import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import type { Clock } from "@heddle/std";
import type { ClusterAccess } from "./cluster-access.ts";
import { inClusterAccess } from "./in-cluster.ts";
import { isKubeError } from "./kube-error.ts";
import { contextAccess, readKubeconfig } from "./kubeconfig.ts";

export interface AccessOptions {
  /** Path of a kubeconfig. Default: `KUBECONFIG` of `env` (a list of paths), else `~/.kube/config`, else the pod's ServiceAccount. */
  readonly kubeconfig?: string;
  /** Default: the kubeconfig's current-context. */
  readonly context?: string;
  /** True takes the pod's ServiceAccount only, false never does. Default: when no kubeconfig is found. */
  readonly inCluster?: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Finds the cluster to talk to, in the order that kubectl uses. Errors: `NoKubeconfig`, `InvalidKubeconfig`, `CredentialsUnavailable`. */
export async function findAccess(options: AccessOptions, clock: Clock): Promise<ClusterAccess> {
  const { env } = options;
  if (options.inCluster === true) return inClusterAccess(env, clock);
  const files = kubeconfigFiles(options);
  try {
    return await contextAccess(await readKubeconfig(files), options.context, env, clock);
  } catch (error) {
    const inPod = env["KUBERNETES_SERVICE_HOST"] !== undefined;
    if (options.inCluster !== false && options.kubeconfig === undefined && inPod && isKubeError(error, "NoKubeconfig"))
      return inClusterAccess(env, clock);
    throw error;
  }
}

function kubeconfigFiles(options: AccessOptions): readonly string[] {
  if (options.kubeconfig !== undefined) return [options.kubeconfig];
  const listed = (options.env["KUBECONFIG"] ?? "").split(delimiter).filter((path) => path !== "");
  return listed.length > 0 ? listed : [join(options.env["HOME"] ?? homedir(), ".kube", "config")];
}
