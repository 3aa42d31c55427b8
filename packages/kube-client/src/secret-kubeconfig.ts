import type { Clock } from "@heddle/std";
import type { ClusterAccess } from "./cluster-access.ts";
import { isRecord, recordAt } from "./json-fields.ts";
import { KubeError } from "./kube-error.ts";
import { contextAccess, type Kubeconfig, parseKubeconfig } from "./kubeconfig.ts";

/** Fields that would run a program or read a file of this machine: whoever may write the Secret must not get that. */
const REFUSED_OF_USERS = ["exec", "auth-provider", "tokenFile", "client-certificate", "client-key"];
const REFUSED_OF_CLUSTERS = ["certificate-authority"];

/**
 * The way to a cluster by a kubeconfig that stands in a Secret, where nothing outside of the text itself counts.
 * @param origin for messages, such as `secret linkerd-multicluster/cluster-credentials-west`.
 * Errors: `InvalidKubeconfig` naming the field.
 */
export async function secretAccess(text: string, origin: string, clock: Clock): Promise<ClusterAccess> {
  const config = await parseKubeconfig(text, origin);
  refuse(config, "users", REFUSED_OF_USERS);
  refuse(config, "clusters", REFUSED_OF_CLUSTERS);
  return { ...(await contextAccess(config, undefined, {}, clock)), origin };
}

function refuse(config: Kubeconfig, list: "users" | "clusters", fields: readonly string[]): void {
  for (const [name, { value, file }] of config[list]) {
    const field = fields.find((one) => value[one] !== undefined && value[one] !== null && value[one] !== "");
    if (field === undefined) continue;
    const instead = recordAt(value, field) !== undefined || !isRecord(value) ? "a token" : `a token or ${field}-data`;
    throw new KubeError(
      0,
      "InvalidKubeconfig",
      `${file}: ${list}[${name}].${field} is not taken from a Secret, as it reaches outside of it; use ${instead}`,
    );
  }
}
