import type { Clock } from "@heddle/std";
import type { ClusterAccess } from "./cluster-access.ts";
import { KubeError } from "./kube-error.ts";
import { contextAccess, type Kubeconfig, parseKubeconfig } from "./kubeconfig.ts";

/** Fields that would run a program or read a file of this machine, and what to write instead: whoever may write the Secret must not get that. */
const REFUSED = {
  users: {
    exec: "token",
    "auth-provider": "token",
    tokenFile: "token",
    "client-certificate": "client-certificate-data",
    "client-key": "client-key-data",
  },
  clusters: { "certificate-authority": "certificate-authority-data" },
} as const;

/**
 * The way to a cluster by a kubeconfig that stands in a Secret, where nothing outside of the text itself counts.
 * @param origin for messages, such as `secret linkerd-multicluster/cluster-credentials-west`.
 * Errors: `InvalidKubeconfig` naming the field.
 */
export async function secretAccess(text: string, origin: string, clock: Clock): Promise<ClusterAccess> {
  const config = await parseKubeconfig(text, origin);
  refuse(config, "users");
  refuse(config, "clusters");
  return { ...(await contextAccess(config, undefined, {}, clock)), origin };
}

function refuse(config: Kubeconfig, list: keyof typeof REFUSED): void {
  for (const [name, { value, file }] of config[list]) {
    for (const [field, instead] of Object.entries(REFUSED[list])) {
      if (value[field] === undefined || value[field] === null || value[field] === "") continue;
      throw new KubeError(
        0,
        "InvalidKubeconfig",
        `${file}: ${list}[${name}].${field} is not taken from a Secret, as it reaches outside of it; use ${instead}`,
      );
    }
  }
}
