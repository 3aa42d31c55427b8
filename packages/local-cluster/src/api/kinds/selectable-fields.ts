import type { KubeObject } from "../../contract/index.ts";
import { at, text } from "../json/json-value.ts";
import type { SelectableFields } from "../store/field-selector.ts";

function field(...path: readonly string[]): (object: KubeObject) => string {
  return (object) => {
    const value = at(object, ...path);
    return typeof value === "boolean" || typeof value === "number" ? String(value) : text(value);
  };
}

const INVOLVED = ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"];

/** What `--field-selector` knows beyond metadata.name and metadata.namespace, by storage key. */
export const SELECTABLE_FIELDS: Readonly<Record<string, SelectableFields>> = {
  "/pods": {
    "spec.nodeName": field("spec", "nodeName"),
    "spec.restartPolicy": field("spec", "restartPolicy"),
    "spec.schedulerName": field("spec", "schedulerName"),
    "spec.serviceAccountName": field("spec", "serviceAccountName"),
    "spec.hostNetwork": (object) => String(at(object, "spec", "hostNetwork") === true),
    "status.phase": field("status", "phase"),
    "status.podIP": field("status", "podIP"),
    "status.nominatedNodeName": field("status", "nominatedNodeName"),
  },
  "/events": {
    ...Object.fromEntries(INVOLVED.map((key) => [`involvedObject.${key}`, field("involvedObject", key)])),
    reason: field("reason"),
    reportingComponent: field("reportingComponent"),
    source: field("source", "component"),
    type: field("type"),
  },
  "/namespaces": { "status.phase": field("status", "phase") },
  "/nodes": { "spec.unschedulable": (object) => String(at(object, "spec", "unschedulable") === true) },
  "/secrets": { type: field("type") },
  "/services": { "spec.clusterIP": field("spec", "clusterIP"), "spec.type": field("spec", "type") },
  "/replicationcontrollers": { "status.replicas": field("status", "replicas") },
  "apps/replicasets": { "status.replicas": field("status", "replicas") },
  "batch/jobs": { "status.successful": field("status", "succeeded") },
};
