import { isObject, type JsonObject } from "@heddle/config";
import { objectAt, textAt } from "../pod.ts";

/** Where each kind keeps its pod template. Other kinds have none. */
const TEMPLATE_PATHS: Readonly<Record<string, readonly string[]>> = {
  Pod: [],
  Deployment: ["spec", "template"],
  StatefulSet: ["spec", "template"],
  DaemonSet: ["spec", "template"],
  ReplicaSet: ["spec", "template"],
  ReplicationController: ["spec", "template"],
  Job: ["spec", "template"],
  CronJob: ["spec", "jobTemplate", "spec", "template"],
};

/** Path of the pod (template) in an object of this kind, or undefined when it makes no pods. */
export function templatePath(object: JsonObject): readonly string[] | undefined {
  return TEMPLATE_PATHS[textAt(object, "kind")];
}

/** The object with the value at `path` replaced; nothing else is touched. */
export function replaceAt(object: JsonObject, path: readonly string[], value: JsonObject): JsonObject {
  const [head, ...rest] = path;
  if (head === undefined) return value;
  const child = object[head];
  return { ...object, [head]: replaceAt(isObject(child) ? (child as JsonObject) : {}, rest, value) };
}

/** The pod (template) with labels and annotations set; undefined removes one. */
export function withMetadata(
  pod: JsonObject,
  change: {
    readonly labels?: Readonly<Record<string, string | undefined>>;
    readonly annotations?: Readonly<Record<string, string | undefined>>;
  },
): JsonObject {
  const metadata = objectAt(pod, "metadata");
  const merge = (key: "labels" | "annotations"): JsonObject => {
    const merged = { ...objectAt(metadata, key), ...change[key] };
    const left = Object.entries(merged).filter(([, value]) => value !== undefined);
    return left.length > 0 ? { [key]: Object.fromEntries(left) } : {};
  };
  const { labels: _labels, annotations: _annotations, ...others } = metadata;
  return { ...pod, metadata: { ...others, ...merge("labels"), ...merge("annotations") } };
}
