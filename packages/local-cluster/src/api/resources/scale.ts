import type { KubeObject } from "../../contract/index.ts";
import { invalidObject, noSuchPath } from "../errors/api-errors.ts";
import { invalid } from "../errors/field-errors.ts";
import { at, child, cloneDict, type Dict, type Draft, dict, int, isDict, text } from "../json/json-value.ts";
import type { ResourceDefinition } from "./resource-definition.ts";

/** A `LabelSelector` or a plain map as the text of `status.selector`. */
function selectorText(selector: unknown): string {
  if (typeof selector === "string") return selector;
  const labels = isDict(dict(selector)["matchLabels"]) ? dict(dict(selector)["matchLabels"]) : dict(selector);
  return Object.entries(labels)
    .filter(([, value]) => typeof value === "string")
    .map(([key, value]) => `${key}=${text(value)}`)
    .sort()
    .join(",");
}

/** The `autoscaling/v1 Scale` of an object. Errors: 404 where the resource has none. */
export function scaleOf(def: ResourceDefinition, object: KubeObject): KubeObject {
  if (!def.scale) throw noSuchPath();
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const selector = def.scale.selector === undefined ? undefined : at(object, ...def.scale.selector);
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    },
    spec: { replicas: int(at(object, ...def.scale.specReplicas)) },
    status: {
      replicas: int(at(object, ...def.scale.statusReplicas)),
      ...(selector === undefined ? {} : { selector: selectorText(selector) }),
    },
  };
}

/** The object with the replicas that a `Scale` asks for. Errors: 422 for a negative number. */
export function withReplicas(def: ResourceDefinition, present: KubeObject, scale: Dict): Draft {
  if (!def.scale) throw noSuchPath();
  const replicas = int(at(scale, "spec", "replicas"));
  if (!Number.isInteger(replicas) || replicas < 0) {
    throw invalidObject({ group: "autoscaling", resource: "scales", kind: "Scale" }, present.metadata.name, [
      invalid("spec.replicas", replicas, "must be greater than or equal to 0"),
    ]);
  }
  const draft = cloneDict(present);
  const wanted = text(at(scale, "metadata", "resourceVersion"));
  if (wanted !== "") child(draft, "metadata")["resourceVersion"] = wanted;
  let here = draft;
  for (const key of def.scale.specReplicas.slice(0, -1)) here = child(here, key);
  here[def.scale.specReplicas.at(-1) ?? "replicas"] = replicas;
  return draft;
}
