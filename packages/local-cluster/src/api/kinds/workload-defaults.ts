import { at, child, childIfAny, cloneValue, type Draft, isEmpty, text } from "../json/json-value.ts";
import { fill, podSpecDefaults } from "./pod-defaults.ts";

function specOf(draft: Draft): Draft {
  return child(draft, "spec");
}

/** A template without a spec has an empty one, which has defaults too. */
function templateDefaults(holder: Draft): void {
  podSpecDefaults(child(child(holder, "template"), "spec"));
}

export function deploymentDefaults(draft: Draft): void {
  const spec = specOf(draft);
  fill(spec, "replicas", 1);
  fill(spec, "revisionHistoryLimit", 10);
  fill(spec, "progressDeadlineSeconds", 600);
  const strategy = child(spec, "strategy");
  if (isEmpty(strategy["type"])) strategy["type"] = "RollingUpdate";
  if (strategy["type"] === "RollingUpdate") {
    const rolling = child(strategy, "rollingUpdate");
    fill(rolling, "maxUnavailable", "25%");
    fill(rolling, "maxSurge", "25%");
  }
  templateDefaults(spec);
}

export function replicaSetDefaults(draft: Draft): void {
  const spec = specOf(draft);
  fill(spec, "replicas", 1);
  templateDefaults(spec);
}

/** The selector of a ReplicationController is its template's labels. */
export function replicationControllerDefaults(draft: Draft): void {
  const spec = specOf(draft);
  fill(spec, "replicas", 1);
  const labels = at(spec, "template", "metadata", "labels");
  if (labels !== undefined) {
    if (isEmpty(spec["selector"])) spec["selector"] = cloneValue(labels);
    const metadata = child(draft, "metadata");
    if (isEmpty(metadata["labels"])) metadata["labels"] = cloneValue(labels);
  }
  templateDefaults(spec);
}

export function statefulSetDefaults(draft: Draft): void {
  const spec = specOf(draft);
  fill(spec, "replicas", 1);
  fill(spec, "revisionHistoryLimit", 10);
  fill(spec, "podManagementPolicy", "OrderedReady");
  const strategy = child(spec, "updateStrategy");
  if (isEmpty(strategy["type"])) strategy["type"] = "RollingUpdate";
  if (strategy["type"] === "RollingUpdate") fill(child(strategy, "rollingUpdate"), "partition", 0);
  const retention = child(spec, "persistentVolumeClaimRetentionPolicy");
  fill(retention, "whenDeleted", "Retain");
  fill(retention, "whenScaled", "Retain");
  templateDefaults(spec);
}

export function daemonSetDefaults(draft: Draft): void {
  const spec = specOf(draft);
  fill(spec, "revisionHistoryLimit", 10);
  const strategy = child(spec, "updateStrategy");
  if (isEmpty(strategy["type"])) strategy["type"] = "RollingUpdate";
  if (strategy["type"] === "RollingUpdate") {
    const rolling = child(strategy, "rollingUpdate");
    fill(rolling, "maxUnavailable", 1);
    fill(rolling, "maxSurge", 0);
  }
  templateDefaults(spec);
}

function jobSpecDefaults(spec: Draft): void {
  if (spec["completions"] === undefined && spec["parallelism"] === undefined) {
    spec["completions"] = 1;
    spec["parallelism"] = 1;
  }
  fill(spec, "parallelism", 1);
  fill(spec, "backoffLimit", 6);
  fill(spec, "completionMode", "NonIndexed");
  fill(spec, "suspend", false);
  fill(spec, "manualSelector", false);
  fill(spec, "podReplacementPolicy", "TerminatingOrFailed");
  templateDefaults(spec);
}

/** Besides defaults, a new job gets the selector by which it finds its pods. */
export function jobDefaults(draft: Draft): void {
  const spec = specOf(draft);
  jobSpecDefaults(spec);
  const uid = text(at(draft, "metadata", "uid"));
  if (uid === "" || spec["manualSelector"] === true || !childIfAny(spec, "template")) return;
  const labels = child(child(child(spec, "template"), "metadata"), "labels");
  fill(labels, "batch.kubernetes.io/controller-uid", uid);
  fill(labels, "batch.kubernetes.io/job-name", text(at(draft, "metadata", "name")));
  fill(labels, "controller-uid", uid);
  fill(labels, "job-name", text(at(draft, "metadata", "name")));
  if (spec["selector"] === undefined) spec["selector"] = { matchLabels: { "batch.kubernetes.io/controller-uid": uid } };
  const metadata = child(draft, "metadata");
  if (isEmpty(metadata["labels"])) metadata["labels"] = cloneValue(labels);
}

export function cronJobDefaults(draft: Draft): void {
  const spec = specOf(draft);
  fill(spec, "concurrencyPolicy", "Allow");
  fill(spec, "suspend", false);
  fill(spec, "successfulJobsHistoryLimit", 3);
  fill(spec, "failedJobsHistoryLimit", 1);
  templateDefaults(child(child(spec, "jobTemplate"), "spec"));
}

export function podTemplateDefaults(draft: Draft): void {
  templateDefaults(draft);
}
