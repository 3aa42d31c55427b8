import type { JsonObject } from "@heddle/config";
import { listAt, objectAt, stringsAt, textAt } from "./pod.ts";

/** The workload that a pod belongs to, told from the pod alone. */
export interface PodOwner {
  readonly name: string;
  readonly kind: string;
  /** `kubernetes://apis/apps/v1/namespaces/emojivoto/deployments/web`, as Istio writes it. */
  readonly url: string;
}

/** A ReplicaSet named after its pod template hash belongs to a Deployment, a Job with a time suffix to a CronJob. */
export function podOwner(pod: JsonObject, namespace: string): PodOwner {
  const metadata = objectAt(pod, "metadata");
  const labels = stringsAt(pod, "metadata", "labels");
  const owners = listAt(metadata, "ownerReferences");
  const owner = owners.find((candidate) => candidate["controller"] === true) ?? owners[0];
  const url = (api: string, kind: string, name: string): string =>
    `kubernetes://apis/${api}/namespaces/${namespace}/${kind.toLowerCase()}s/${name}`;
  if (owner === undefined) {
    const name = textAt(metadata, "name") || textAt(metadata, "generateName").replace(/-$/, "");
    return { name, kind: "Pod", url: url("v1", "Pod", name) };
  }
  const kind = textAt(owner, "kind");
  const name = textAt(owner, "name");
  const api = textAt(owner, "apiVersion");
  const hash = labels["pod-template-hash"];
  if (kind === "ReplicaSet" && hash !== undefined && name.endsWith(`-${hash}`)) {
    const deployment = name.slice(0, -hash.length - 1);
    return { name: deployment, kind: "Deployment", url: url("apps/v1", "Deployment", deployment) };
  }
  const cron = kind === "Job" ? /^(.+)-\d{8,10}$/.exec(name)?.[1] : undefined;
  if (cron !== undefined) return { name: cron, kind: "CronJob", url: url("batch/v1", "CronJob", cron) };
  return { name, kind, url: url(api, kind, name) };
}
