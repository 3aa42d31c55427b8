import { at, cloneDict, dict, list } from "../../api/json/json-value.ts";
import type { KubeObject } from "../../contract/index.ts";
import { podFromTemplate } from "../pod-template.ts";
import { INDEX_ANNOTATION, type JobView } from "./job-view.ts";

/** A pod of the Job; `index` for indexed Jobs. */
export function jobPod(view: JobView, index: number | undefined): KubeObject {
  const { job } = view;
  const { name, uid = "" } = job.metadata;
  const extraLabels = {
    "batch.kubernetes.io/controller-uid": uid,
    "batch.kubernetes.io/job-name": name,
    "controller-uid": uid,
    "job-name": name,
    ...(index !== undefined && { [INDEX_ANNOTATION]: String(index) }),
  };
  const pod = podFromTemplate(job, at(job, "spec", "template"), { extraLabels });
  if (index === undefined) return pod;
  const spec = dict(pod["spec"]);
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      generateName: `${name.slice(0, 50)}-${index}-`,
      annotations: { ...pod.metadata.annotations, [INDEX_ANNOTATION]: String(index) },
    },
    spec: {
      ...spec,
      hostname: `${name}-${index}`,
      containers: list(spec["containers"]).map(withIndex),
      ...(spec["initContainers"] !== undefined && { initContainers: list(spec["initContainers"]).map(withIndex) }),
    },
  };
}

function withIndex(container: unknown): unknown {
  const copy = cloneDict(dict(container));
  const present = list(copy["env"]);
  if (present.some((item) => dict(item)["name"] === "JOB_COMPLETION_INDEX")) return copy;
  const fieldPath = `metadata.labels['${INDEX_ANNOTATION}']`;
  copy["env"] = [
    ...present,
    { name: "JOB_COMPLETION_INDEX", valueFrom: { fieldRef: { apiVersion: "v1", fieldPath } } },
  ];
  return copy;
}
