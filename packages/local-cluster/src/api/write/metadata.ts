import type { KubeObject } from "../../contract/index.ts";
import { type FieldError, invalid, required } from "../errors/field-errors.ts";
import { at, child, type Dict, type Draft, dict, isEmpty, list, sameJson, text } from "../json/json-value.ts";
import type { ResourceDefinition } from "../resources/resource-definition.ts";
import { annotationErrors, labelErrors, nameErrors, qualifiedNameErrors } from "../validate/names.ts";

export interface Stamps {
  /** RFC 3339, seconds. */
  readonly now: string;
  uuid(): string;
  /** Five characters for `generateName` and the like. */
  suffix(): string;
}

const DROPPED_WHEN_EMPTY = ["labels", "annotations", "finalizers", "ownerReferences", "managedFields"];

function tidy(metadata: Draft): void {
  for (const key of DROPPED_WHEN_EMPTY) if (isEmpty(metadata[key])) delete metadata[key];
  for (const key of Object.keys(metadata)) if (metadata[key] === null || metadata[key] === "") delete metadata[key];
}

export function stampCreate(draft: Draft, def: ResourceDefinition, namespace: string, stamps: Stamps): void {
  const metadata = child(draft, "metadata");
  if (text(metadata["name"]) === "" && text(metadata["generateName"]) !== "") {
    metadata["name"] = `${text(metadata["generateName"]).slice(0, 58)}${stamps.suffix()}`;
  }
  if (def.namespaced) metadata["namespace"] = namespace;
  else delete metadata["namespace"];
  metadata["uid"] = stamps.uuid();
  metadata["creationTimestamp"] = stamps.now;
  for (const key of ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "generation", "resourceVersion"]) {
    delete metadata[key];
  }
  if (def.countsGeneration) metadata["generation"] = 1;
  tidy(metadata);
}

const KEPT_ON_UPDATE = ["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generateName"];

/** What an update cannot change stays as it is; a wrong uid is a conflict found before. */
export function stampUpdate(draft: Draft, present: KubeObject, def: ResourceDefinition): void {
  const metadata = child(draft, "metadata");
  const before = dict(present.metadata);
  for (const key of KEPT_ON_UPDATE) {
    if (before[key] === undefined) delete metadata[key];
    else metadata[key] = before[key];
  }
  delete metadata["selfLink"];
  metadata["resourceVersion"] = before["resourceVersion"];
  if (def.namespaced) metadata["namespace"] = before["namespace"];
  else delete metadata["namespace"];
  if (before["generation"] === undefined) delete metadata["generation"];
  else metadata["generation"] = before["generation"];
  tidy(metadata);
}

/** Whether anything but metadata and (where it is a subresource) status differs. */
export function contentDiffers(draft: Dict, present: KubeObject, def: ResourceDefinition): boolean {
  const skipped = new Set(["metadata", "apiVersion", "kind", ...(def.hasStatus ? ["status"] : [])]);
  const keys = new Set([...Object.keys(draft), ...Object.keys(present)]);
  for (const key of keys) if (!skipped.has(key) && !sameJson(draft[key], present[key])) return true;
  return false;
}

function ownerErrors(metadata: Dict): FieldError[] {
  const errors: FieldError[] = [];
  let controllers = 0;
  list(metadata["ownerReferences"]).forEach((item, index) => {
    const path = `metadata.ownerReferences[${index}]`;
    const owner = dict(item);
    if (text(owner["apiVersion"]) === "") {
      errors.push(invalid(`${path}.apiVersion`, owner["apiVersion"] ?? "", "version must not be empty"));
    }
    if (text(owner["kind"]) === "") errors.push(invalid(`${path}.kind`, owner["kind"] ?? "", "must not be empty"));
    if (text(owner["name"]) === "") errors.push(invalid(`${path}.name`, owner["name"] ?? "", "must not be empty"));
    if (text(owner["uid"]) === "") errors.push(invalid(`${path}.uid`, owner["uid"] ?? "", "must not be empty"));
    if (owner["controller"] === true) controllers++;
  });
  if (controllers > 1) {
    errors.push(
      invalid(
        "metadata.ownerReferences",
        metadata["ownerReferences"],
        "Only one reference can have Controller set to true",
      ),
    );
  }
  return errors;
}

export function metadataErrors(object: Dict, def: ResourceDefinition): FieldError[] {
  const metadata = dict(object["metadata"]);
  const errors: FieldError[] = [];
  const name = text(metadata["name"]);
  if (name === "") errors.push(required("metadata.name", "name or generateName is required"));
  else errors.push(...nameErrors("metadata.name", name, def.nameForm));
  if (def.namespaced && text(metadata["namespace"]) === "") errors.push(required("metadata.namespace"));
  errors.push(...labelErrors("metadata.labels", metadata["labels"]));
  errors.push(...annotationErrors("metadata.annotations", metadata["annotations"]));
  errors.push(...ownerErrors(metadata));
  list(metadata["finalizers"]).forEach((finalizer, index) => {
    errors.push(...qualifiedNameErrors(`metadata.finalizers[${index}]`, text(finalizer)));
  });
  return errors;
}

export function metadataUpdateErrors(object: Dict, present: KubeObject): FieldError[] {
  const errors: FieldError[] = [];
  const after = list(at(object, "metadata", "finalizers"));
  if (present.metadata.deletionTimestamp !== undefined) {
    const before = present.metadata.finalizers ?? [];
    const added = after.filter((name) => !before.includes(text(name)));
    if (added.length > 0) {
      errors.push({
        path: "metadata.finalizers",
        reason: "FieldValueForbidden",
        body: `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map((name) => JSON.stringify(name)).join(", ")}}`,
      });
    }
  }
  const name = at(object, "metadata", "name");
  if (name !== present.metadata.name) {
    errors.push(invalid("metadata.name", name, "field is immutable"));
  }
  return errors;
}
