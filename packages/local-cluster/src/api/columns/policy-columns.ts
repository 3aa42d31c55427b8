import type { KubeObject } from "../../contract/index.ts";
import { at, dict, int, list, text } from "../json/json-value.ts";
import { AGE, CREATED_AT, NAME } from "../resources/basic-columns.ts";
import type { Column } from "../resources/resource-definition.ts";
import { column, orNone, selectorText, wide } from "./column-kit.ts";

function bindingRole(binding: KubeObject): string {
  return `${text(at(binding, "roleRef", "kind"))}/${text(at(binding, "roleRef", "name"))}`;
}

function subjects(binding: KubeObject, kind: string): string {
  return list(binding["subjects"])
    .map(dict)
    .filter((subject) => subject["kind"] === kind)
    .map((subject) =>
      kind === "ServiceAccount" ? `${text(subject["namespace"])}/${text(subject["name"])}` : text(subject["name"]),
    )
    .join(", ");
}

export const ROLE_BINDING_COLUMNS: readonly Column[] = [
  NAME,
  column("Role", bindingRole),
  AGE,
  wide("Users", (object) => subjects(object, "User")),
  wide("Groups", (object) => subjects(object, "Group")),
  wide("ServiceAccounts", (object) => subjects(object, "ServiceAccount")),
];

export const ROLE_COLUMNS: readonly Column[] = [NAME, CREATED_AT];

export const WEBHOOK_COLUMNS: readonly Column[] = [
  NAME,
  { name: "Webhooks", cell: (object) => list(object["webhooks"]).length },
  AGE,
];

export const NETWORK_POLICY_COLUMNS: readonly Column[] = [
  NAME,
  column("Pod-Selector", (object) => selectorText(at(object, "spec", "podSelector"))),
  AGE,
];

function ingressHosts(ingress: KubeObject): string {
  const hosts = list(at(ingress, "spec", "rules"))
    .map((rule) => text(at(rule, "host")))
    .filter((host) => host !== "");
  if (hosts.length === 0) return "*";
  return hosts.length > 3 ? `${hosts.slice(0, 3).join(",")} + ${hosts.length - 3} more...` : hosts.join(",");
}

export const INGRESS_COLUMNS: readonly Column[] = [
  NAME,
  column("Class", (object) => orNone(text(at(object, "spec", "ingressClassName")))),
  column("Hosts", ingressHosts),
  column("Address", (object) =>
    list(at(object, "status", "loadBalancer", "ingress"))
      .map((item) => text(at(item, "ip")) || text(at(item, "hostname")))
      .join(","),
  ),
  column("Ports", (object) => (list(at(object, "spec", "tls")).length > 0 ? "80, 443" : "80")),
  AGE,
];

export const INGRESS_CLASS_COLUMNS: readonly Column[] = [
  NAME,
  column("Controller", (object) => text(at(object, "spec", "controller"))),
  column("Parameters", (object) => {
    const { apiGroup, kind, name } = dict(at(object, "spec", "parameters"));
    return name === undefined
      ? "<none>"
      : `${text(kind)}${apiGroup === undefined ? "" : `.${text(apiGroup)}`}/${text(name)}`;
  }),
  AGE,
];

function amount(value: unknown): string {
  return value === undefined ? "N/A" : String(value);
}

export const DISRUPTION_BUDGET_COLUMNS: readonly Column[] = [
  NAME,
  column("Min Available", (object) => amount(at(object, "spec", "minAvailable"))),
  column("Max Unavailable", (object) => amount(at(object, "spec", "maxUnavailable"))),
  { name: "Allowed Disruptions", type: "integer", cell: (object) => int(at(object, "status", "disruptionsAllowed")) },
  AGE,
];

export const LEASE_COLUMNS: readonly Column[] = [
  NAME,
  column("Holder", (object) => text(at(object, "spec", "holderIdentity"))),
  AGE,
];

export const PRIORITY_CLASS_COLUMNS: readonly Column[] = [
  NAME,
  { name: "Value", type: "integer", cell: (object) => int(object["value"]) },
  { name: "Global-Default", type: "boolean", cell: (object) => object["globalDefault"] === true },
  AGE,
  column("PreemptionPolicy", (object) => text(object["preemptionPolicy"], "PreemptLowerPriority")),
];

export const STORAGE_CLASS_COLUMNS: readonly Column[] = [
  {
    ...NAME,
    cell: (object) =>
      object.metadata.annotations?.["storageclass.kubernetes.io/is-default-class"] === "true"
        ? `${object.metadata.name} (default)`
        : object.metadata.name,
  },
  column("Provisioner", (object) => text(object["provisioner"])),
  column("ReclaimPolicy", (object) => text(object["reclaimPolicy"])),
  column("VolumeBindingMode", (object) => text(object["volumeBindingMode"])),
  column("AllowVolumeExpansion", (object) => String(object["allowVolumeExpansion"] === true)),
  AGE,
];

function metricText(metric: unknown, current: unknown): string {
  const target = at(metric, "resource", "target");
  const name = text(at(metric, "resource", "name"));
  if (name === "") return "<unknown>";
  const utilization = at(target, "averageUtilization");
  if (typeof utilization === "number") {
    const now = at(current, "resource", "current", "averageUtilization");
    return `${name}: ${typeof now === "number" ? `${now}%` : "<unknown>"}/${utilization}%`;
  }
  return `${name}: ${text(at(current, "resource", "current", "averageValue"), "<unknown>")}/${text(at(target, "averageValue"))}`;
}

export const AUTOSCALER_COLUMNS: readonly Column[] = [
  NAME,
  column(
    "Reference",
    (object) =>
      `${text(at(object, "spec", "scaleTargetRef", "kind"))}/${text(at(object, "spec", "scaleTargetRef", "name"))}`,
  ),
  column("Targets", (object) => {
    const metrics = list(at(object, "spec", "metrics"));
    const current = list(at(object, "status", "currentMetrics"));
    return metrics.length === 0
      ? "<none>"
      : metrics.map((metric, index) => metricText(metric, current[index])).join(", ");
  }),
  column("MinPods", (object) => String(at(object, "spec", "minReplicas") ?? "<unset>")),
  { name: "MaxPods", type: "integer", cell: (object) => int(at(object, "spec", "maxReplicas")) },
  { name: "Replicas", type: "integer", cell: (object) => int(at(object, "status", "currentReplicas")) },
  AGE,
];

export const API_SERVICE_COLUMNS: readonly Column[] = [
  NAME,
  column("Service", (object) => {
    const service = dict(at(object, "spec", "service"));
    return service["name"] === undefined ? "Local" : `${text(service["namespace"])}/${text(service["name"])}`;
  }),
  column("Available", (object) => {
    const found = list(at(object, "status", "conditions"))
      .map(dict)
      .find((item) => item["type"] === "Available");
    if (!found) return "Unknown";
    return found["status"] === "True" ? "True" : `${text(found["status"])} (${text(found["reason"])})`;
  }),
  AGE,
];

function quotaText(object: KubeObject, kind: "requests" | "limits"): string {
  const hard = dict(at(object, "status", "hard"));
  const used = dict(at(object, "status", "used"));
  return Object.keys(hard)
    .filter((name) => name.startsWith("limits.") === (kind === "limits"))
    .sort()
    .map((name) => `${name}: ${text(used[name], "0")}/${text(hard[name])}`)
    .join(", ");
}

export const QUOTA_COLUMNS: readonly Column[] = [
  NAME,
  column("Request", (object) => quotaText(object, "requests")),
  column("Limit", (object) => quotaText(object, "limits")),
  AGE,
];
