import { readFile } from "node:fs/promises";
import type { Clock } from "@heddle/std";
import type { ClusterAccess } from "./cluster-access.ts";
import { tokenFile } from "./credentials.ts";
import { KubeError } from "./kube-error.ts";

/** Where kubelets mount a pod's ServiceAccount. */
export const SERVICE_ACCOUNT_DIR = "/var/run/secrets/kubernetes.io/serviceaccount";

/** The way to the API server from inside a pod. Errors: `NoKubeconfig`, `CredentialsUnavailable`. */
export async function inClusterAccess(
  env: Readonly<Record<string, string | undefined>>,
  clock: Clock,
  dir: string = SERVICE_ACCOUNT_DIR,
): Promise<ClusterAccess> {
  const host = env["KUBERNETES_SERVICE_HOST"];
  const port = env["KUBERNETES_SERVICE_PORT"];
  if (host === undefined || host === "" || port === undefined || port === "") {
    throw new KubeError(
      0,
      "NoKubeconfig",
      "not in a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set; give a kubeconfig instead",
    );
  }
  const ca = await readFile(`${dir}/ca.crt`, "utf8").catch((cause) => {
    throw new KubeError(
      0,
      "CredentialsUnavailable",
      `cannot read ${dir}/ca.crt; does the pod set automountServiceAccountToken: false?`,
      { cause },
    );
  });
  const namespace = await readFile(`${dir}/namespace`, "utf8").catch(() => "default");
  return {
    server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
    namespace: namespace.trim(),
    contextName: undefined,
    origin: "in-cluster configuration",
    ca,
    serverName: undefined,
    insecureSkipVerify: false,
    proxyUrl: undefined,
    impersonation: {},
    credentials: tokenFile(`${dir}/token`, undefined, clock),
  };
}
