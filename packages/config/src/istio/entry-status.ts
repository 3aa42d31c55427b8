import { isObject } from "../json.ts";
import { type KubeObject, readObjects, readString } from "../kube/object.ts";

/** An address that the control plane gave a host of a ServiceEntry. Source: istio/api meta, `ServiceEntryStatus.addresses`. */
export interface HostAddress {
  readonly host: string;
  readonly value: string;
}

/** What the status of a ServiceEntry says about addresses. */
export interface EntryStatus {
  readonly addresses: readonly HostAddress[];
  /** Message of the condition `AddressConflict` while it is true, else "". */
  readonly conflict: string;
}

/** Condition of a ServiceEntry whose addresses somebody else has, or for which none is left. */
export const addressConflict = "AddressConflict";

/** Reads a ServiceEntry's status; anything malformed is left out. */
export function readEntryStatus(object: KubeObject): EntryStatus {
  const addresses = readObjects(statusOf(object)["addresses"])
    .map((entry) => ({ host: readString(entry["host"]), value: readString(entry["value"]) }))
    .filter(({ host, value }) => host !== "" && value !== "");
  const conflict = readConditions(object).find(({ type, status }) => type === addressConflict && status === "True");
  return { addresses, conflict: conflict?.message ?? "" };
}

/** A member of `status.conditions`. */
interface StatusCondition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

function readConditions(object: KubeObject): readonly StatusCondition[] {
  return readObjects(statusOf(object)["conditions"]).map((entry) => ({
    type: readString(entry["type"]),
    status: readString(entry["status"]),
    reason: readString(entry["reason"]),
    message: readString(entry["message"]),
  }));
}

/** Annotation of WorkloadEntries whose health is watched: such a one serves only while its condition `Healthy` is `True`. */
export const healthChecksAnnotation = "proxy.istio.io/health-checks-enabled";

/** Whether a WorkloadEntry may get traffic. Source: istio pilot/pkg/serviceregistry/util/workloadinstances. */
export function isHealthyWorkload(object: KubeObject): boolean {
  const healthy = readConditions(object).find((condition) => condition.type === "Healthy");
  const annotations = object.metadata["annotations"];
  const watched = isObject(annotations) && annotations[healthChecksAnnotation] === "true";
  return watched ? healthy?.status === "True" : healthy?.status !== "False";
}

function statusOf(object: KubeObject): Readonly<Record<string, unknown>> {
  const status = object["status"];
  return isObject(status) ? status : {};
}
