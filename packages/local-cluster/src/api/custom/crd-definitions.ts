import type { KubeObject } from "../../contract/index.ts";
import { at, child, type Dict, dict, int, isDict, list, text } from "../json/json-value.ts";
import { ageOf } from "../read/age.ts";
import { AGE, NAME } from "../resources/basic-columns.ts";
import { define } from "../resources/define.ts";
import type { BodyDecoder, Column, ResourceDefinition, ScalePaths } from "../resources/resource-definition.ts";
import { decodeStruct } from "../schema/decode.ts";
import type { TypeNode } from "../schema/type-node.ts";
import type { SelectableFields } from "../store/field-selector.ts";
import { parseJsonPath } from "./json-path.ts";
import { customErrors } from "./schema-validation.ts";
import { fillSchemaDefaults, prune, type Schema } from "./structural-schema.ts";

export interface ServedVersion {
  readonly def: ResourceDefinition;
  readonly schema: Schema;
}

const COLUMN_TYPES = ["string", "integer", "number", "date", "boolean"] as const;

function cellOf(values: readonly unknown[], type: string, now: number): unknown {
  const [value] = values;
  if (value === undefined || value === null) return null;
  if (type === "date") return typeof value === "string" ? ageOf(value, now) : "<unknown>";
  if (type !== "string") return value;
  if (values.length > 1)
    return values.map((item) => (typeof item === "string" ? item : JSON.stringify(item))).join(",");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function columnOf(item: unknown): Column | undefined {
  const { name, type, format, description, priority, jsonPath } = dict(item);
  const path = parseJsonPath(text(jsonPath));
  if (!path) return undefined;
  const known = COLUMN_TYPES.find((candidate) => candidate === type) ?? "string";
  return {
    name: text(name),
    // A date is shown as an age, which is text.
    type: known === "date" ? "string" : known,
    format: text(format),
    description: text(description) || `Custom resource definition column (in JSONPath format): ${text(jsonPath)}`,
    priority: int(priority),
    cell: (object, now) => cellOf(path(object), known, now),
  };
}

function columnsOf(version: Dict): readonly Column[] {
  const given = list(version["additionalPrinterColumns"]);
  if (given.length === 0) return [NAME, AGE];
  return [NAME, ...given.map(columnOf).filter((column) => column !== undefined)];
}

function pathOf(value: unknown): readonly string[] | undefined {
  const source = text(value);
  return source === "" ? undefined : source.replace(/^\./, "").split(".");
}

function scaleOf(version: Dict): ScalePaths | undefined {
  const scale = at(version, "subresources", "scale");
  if (!isDict(scale)) return undefined;
  return {
    specReplicas: pathOf(scale["specReplicasPath"]) ?? ["spec", "replicas"],
    statusReplicas: pathOf(scale["statusReplicasPath"]) ?? ["status", "replicas"],
    selector: pathOf(scale["labelSelectorPath"]),
  };
}

function fieldsOf(version: Dict): SelectableFields {
  const fields: Record<string, (object: KubeObject) => string> = {};
  for (const item of list(version["selectableFields"])) {
    const path = pathOf(dict(item)["jsonPath"]);
    if (path) fields[path.join(".")] = (object) => String(at(object, ...path) ?? "");
  }
  return fields;
}

function decoderOf(schema: Schema, metadata: TypeNode): BodyDecoder {
  return {
    decode(draft) {
      const unknown = prune(draft, schema);
      const problems = decodeStruct(child(draft, "metadata"), metadata);
      return [...unknown, ...problems.map((problem) => problem.replace('unknown field "', 'unknown field "metadata.'))];
    },
    fillDefaults: (draft) => fillSchemaDefaults(draft, schema),
    validate: (object) => customErrors(object, schema),
  };
}

/** In the order in which Kubernetes lists them for custom resources. */
const CUSTOM_VERBS = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"] as const;

const KEEP_ALL: Schema = { type: "object", "x-kubernetes-preserve-unknown-fields": true };

/** What a CRD serves, one definition a version. */
export function definitionsOf(crd: KubeObject, metadata: TypeNode): readonly ServedVersion[] {
  const spec = dict(crd["spec"]);
  const names = dict(spec["names"]);
  const group = text(spec["group"]);
  const versions = list(spec["versions"]).map(dict);
  return versions
    .filter((version) => version["served"] === true)
    .map((version) => {
      const given = at(version, "schema", "openAPIV3Schema");
      const schema = isDict(given) ? given : KEEP_ALL;
      const kind = text(names["kind"]);
      const def = define({
        group,
        version: text(version["name"]),
        resource: text(names["plural"]),
        singular: text(names["singular"]) || kind.toLowerCase(),
        kind,
        listKind: text(names["listKind"]) || `${kind}List`,
        namespaced: spec["scope"] === "Namespaced",
        shortNames: list(names["shortNames"]).map((name) => text(name)),
        categories: list(names["categories"]).map((name) => text(name)),
        verbs: CUSTOM_VERBS,
        hasStatus: isDict(at(version, "subresources", "status")),
        scale: scaleOf(version),
        countsGeneration: true,
        columns: columnsOf(version),
        fields: fieldsOf(version),
        rules: {},
        decoder: decoderOf(schema, metadata),
        custom: true,
      });
      return { def, schema };
    });
}
