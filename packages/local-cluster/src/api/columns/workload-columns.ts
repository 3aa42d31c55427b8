import type { KubeObject } from "../../contract/index.ts";
import { at, dict, int, list, text } from "../json/json-value.ts";
import { ageOf, humanDuration } from "../read/age.ts";
import { AGE, NAME } from "../resources/basic-columns.ts";
import type { Column } from "../resources/resource-definition.ts";
import { column, count, selectorColumn, workloadColumns } from "./column-kit.ts";

const WIDE = workloadColumns("spec", "template");
const SELECTOR = selectorColumn("spec", "selector");

function readyOf(object: KubeObject): string {
  return `${int(at(object, "status", "readyReplicas"))}/${int(at(object, "spec", "replicas"))}`;
}

export const DEPLOYMENT_COLUMNS: readonly Column[] = [
  NAME,
  column("Ready", readyOf),
  { name: "Up-to-date", cell: (object) => int(at(object, "status", "updatedReplicas")) },
  { name: "Available", cell: (object) => int(at(object, "status", "availableReplicas")) },
  AGE,
  ...WIDE,
  SELECTOR,
];

export const REPLICA_SET_COLUMNS: readonly Column[] = [
  NAME,
  count("Desired", "spec", "replicas"),
  count("Current", "status", "replicas"),
  count("Ready", "status", "readyReplicas"),
  AGE,
  ...WIDE,
  SELECTOR,
];

export const STATEFUL_SET_COLUMNS: readonly Column[] = [NAME, column("Ready", readyOf), AGE, ...WIDE];

export const DAEMON_SET_COLUMNS: readonly Column[] = [
  NAME,
  count("Desired", "status", "desiredNumberScheduled"),
  count("Current", "status", "currentNumberScheduled"),
  count("Ready", "status", "numberReady"),
  count("Up-to-date", "status", "updatedNumberScheduled"),
  count("Available", "status", "numberAvailable"),
  column("Node Selector", (object) => {
    const pairs = Object.entries(dict(at(object, "spec", "template", "spec", "nodeSelector")));
    return pairs.length === 0 ? "<none>" : pairs.map(([key, value]) => `${key}=${text(value)}`).join(",");
  }),
  AGE,
  ...WIDE,
  SELECTOR,
];

function jobStatus(job: KubeObject): string {
  const conditions = list(at(job, "status", "conditions")).map(dict);
  const holds = (type: string) => conditions.some((item) => item["type"] === type && item["status"] === "True");
  if (holds("Complete")) return "Complete";
  if (holds("Failed")) return "Failed";
  if (job.metadata.deletionTimestamp !== undefined) return "Terminating";
  if (holds("Suspended")) return "Suspended";
  if (holds("FailureTarget")) return "FailureTarget";
  return holds("SuccessCriteriaMet") ? "SuccessCriteriaMet" : "Running";
}

function jobCompletions(job: KubeObject): string {
  const done = int(at(job, "status", "succeeded"));
  const wanted = at(job, "spec", "completions");
  if (typeof wanted === "number") return `${done}/${wanted}`;
  const parallelism = int(at(job, "spec", "parallelism"));
  return parallelism > 1 ? `${done}/1 of ${parallelism}` : `${done}/1`;
}

function jobDuration(job: KubeObject, now: number): string {
  const start = text(at(job, "status", "startTime"));
  if (start === "") return "";
  const end = text(at(job, "status", "completionTime"));
  if (end === "") return ageOf(start, now);
  return humanDuration(Math.floor((Date.parse(end) - Date.parse(start)) / 1000));
}

export const JOB_COLUMNS: readonly Column[] = [
  NAME,
  column("Status", jobStatus),
  column("Completions", jobCompletions),
  column("Duration", jobDuration),
  AGE,
  ...WIDE,
  SELECTOR,
];

export const CRON_JOB_COLUMNS: readonly Column[] = [
  NAME,
  column("Schedule", (object) => text(at(object, "spec", "schedule"))),
  column("Timezone", (object) => text(at(object, "spec", "timeZone"), "<none>")),
  column("Suspend", (object) => (at(object, "spec", "suspend") === true ? "True" : "False")),
  { name: "Active", type: "integer", cell: (object) => list(at(object, "status", "active")).length },
  column("Last Schedule", (object, now) => {
    const last = text(at(object, "status", "lastScheduleTime"));
    return last === "" ? "<none>" : ageOf(last, now);
  }),
  AGE,
  ...workloadColumns("spec", "jobTemplate", "spec", "template"),
  selectorColumn("spec", "jobTemplate", "spec", "selector"),
];

export const CONTROLLER_REVISION_COLUMNS: readonly Column[] = [
  NAME,
  column("Controller", (object) => {
    const owner = object.metadata.ownerReferences?.find((item) => item.controller === true);
    if (!owner) return "<none>";
    const group = owner.apiVersion.split("/")[0] ?? "";
    return `${owner.kind.toLowerCase()}.${group}/${owner.name}`;
  }),
  { name: "Revision", type: "integer", cell: (object) => int(object["revision"]) },
  AGE,
];

export const POD_TEMPLATE_COLUMNS: readonly Column[] = [
  NAME,
  column("Containers", (object) =>
    list(at(object, "template", "spec", "containers"))
      .map((item) => text(at(item, "name")))
      .join(","),
  ),
  column("Images", (object) =>
    list(at(object, "template", "spec", "containers"))
      .map((item) => text(at(item, "image")))
      .join(","),
  ),
  column(
    "Pod Labels",
    (object) =>
      Object.entries(dict(at(object, "template", "metadata", "labels")))
        .map(([key, value]) => `${key}=${text(value)}`)
        .join(",") || "<none>",
  ),
];
