import type { KubeObject } from "../../contract/index.ts";
import { type FieldError, invalid, required } from "../errors/field-errors.ts";
import { at, child, children, type Dict, type Draft, dict, isDict, isEmpty, list, text } from "../json/json-value.ts";
import { fill } from "../kinds/pod-defaults.ts";
import { immutable, oneOf } from "../kinds/validation-kit.ts";
import { nameErrors } from "../validate/names.ts";

export function crdDefaults(draft: Draft): void {
  const spec = child(draft, "spec");
  const names = child(spec, "names");
  const kind = text(names["kind"]);
  if (isEmpty(names["singular"])) names["singular"] = kind.toLowerCase();
  if (isEmpty(names["listKind"]) && kind !== "") names["listKind"] = `${kind}List`;
  fill(spec, "conversion", { strategy: "None" });
  for (const version of children(spec, "versions")) {
    for (const column of children(version, "additionalPrinterColumns"))
      if (column["priority"] === 0) delete column["priority"];
  }
}

function schemaProblems(schema: Dict, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const keeps =
    schema["x-kubernetes-preserve-unknown-fields"] === true || schema["x-kubernetes-int-or-string"] === true;
  if (isEmpty(schema["type"]) && !keeps)
    errors.push(required(`${path}.type`, "must not be empty for specified object fields"));
  for (const [key, inner] of Object.entries(dict(schema["properties"]))) {
    if (isDict(inner)) errors.push(...schemaProblems(inner, `${path}.properties[${key}]`));
  }
  if (isDict(schema["items"])) errors.push(...schemaProblems(schema["items"], `${path}.items`));
  else if (schema["type"] === "array") errors.push(required(`${path}.items`, "must be specified"));
  if (isDict(schema["additionalProperties"])) {
    errors.push(...schemaProblems(schema["additionalProperties"], `${path}.additionalProperties`));
  }
  return errors;
}

export function crdErrors(object: Dict): readonly FieldError[] {
  const spec = dict(object["spec"]);
  const names = dict(spec["names"]);
  const errors: FieldError[] = [];
  const group = text(spec["group"]);
  const plural = text(names["plural"]);
  if (group === "") errors.push(required("spec.group"));
  else if (!group.includes(".")) errors.push(invalid("spec.group", group, "should be a domain with at least one dot"));
  errors.push(...oneOf("spec.scope", spec["scope"], ["Cluster", "Namespaced"]));
  if (plural === "") errors.push(required("spec.names.plural"));
  else errors.push(...nameErrors("spec.names.plural", plural, "label1035"));
  if (isEmpty(names["kind"])) errors.push(required("spec.names.kind"));
  const wanted = `${plural}.${group}`;
  const name = text(at(object, "metadata", "name"));
  if (name !== wanted) errors.push(invalid("metadata.name", name, `must be spec.names.plural+"."+spec.group`));
  const versions = list(spec["versions"]).map(dict);
  const storing = versions.filter((version) => version["storage"] === true);
  if (storing.length !== 1)
    errors.push(invalid("spec.versions", versions, "must have exactly one version marked as storage version"));
  if (versions.length === 0)
    errors.push(invalid("status.storedVersions", null, "must have at least one stored version"));
  versions.forEach((version, index) => {
    const here = `spec.versions[${index}]`;
    errors.push(...nameErrors(`${here}.name`, text(version["name"]), "label1035"));
    const schema = at(version, "schema", "openAPIV3Schema");
    if (!isDict(schema)) errors.push(required(`${here}.schema.openAPIV3Schema`, "schemas are required"));
    else errors.push(...schemaProblems(schema, `${here}.schema.openAPIV3Schema`));
  });
  return errors;
}

export function crdUpdateErrors(object: Dict, present: KubeObject): readonly FieldError[] {
  return ["group", "scope"].flatMap((key) => immutable(`spec.${key}`, object, present, "spec", key));
}

/** Warnings for what this cluster does not do. */
export function crdWarnings(object: Dict): readonly string[] {
  const warnings: string[] = [];
  if (at(object, "spec", "conversion", "strategy") === "Webhook") {
    warnings.push(
      "spec.conversion.strategy: this cluster converts between versions by changing apiVersion only; the conversion webhook is not called",
    );
  }
  return warnings;
}
