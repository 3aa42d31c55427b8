import {
  duplicate,
  type FieldError,
  invalid,
  required,
  tooLong,
  tooMany,
  typeInvalid,
  unsupportedInOrder,
} from "../errors/field-errors.ts";
import { type Dict, dict, isDict, list, sameJson, text } from "../json/json-value.ts";
import { property, type Schema } from "./structural-schema.ts";

function join(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}

function typeErrors(value: unknown, schema: Schema, path: string): FieldError[] {
  const actual = typeOf(value);
  if (actual === "null") {
    return schema["nullable"] === true || schema["type"] === undefined
      ? []
      : [typeInvalid(path, "null", `${path} in body must be of type ${text(schema["type"])}: "null"`)];
  }
  if (schema["x-kubernetes-int-or-string"] === true) {
    return actual === "integer" || actual === "string"
      ? []
      : [typeInvalid(path, actual, `${path} in body must be of type integer,string: "${actual}"`)];
  }
  const wanted = text(schema["type"]);
  if (wanted === "" || wanted === actual || (wanted === "number" && actual === "integer")) return [];
  return [typeInvalid(path, actual, `${path} in body must be of type ${wanted}: ${JSON.stringify(actual)}`)];
}

const FORMATS: Readonly<Record<string, RegExp>> = {
  date: /^\d{4}-\d\d-\d\d$/,
  "date-time": /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/,
  uuid: /^[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}$/,
  ipv4: /^(\d{1,3}\.){3}\d{1,3}$/,
  duration: /^-?(\d+(\.\d+)?(ns|us|µs|ms|s|m|h|d|w)?\s*)+$/,
};

function stringErrors(value: string, schema: Schema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const { minLength, maxLength, pattern, format } = schema;
  const length = [...value].length;
  // As Kubernetes does: length and pattern are checked until one fails.
  if (typeof maxLength === "number" && length > maxLength) errors.push(tooLong(path, maxLength));
  else if (typeof minLength === "number" && length < minLength) {
    errors.push(invalid(path, value, `${path} in body should be at least ${minLength} chars long`));
  } else if (typeof pattern === "string" && !matches(pattern, value)) {
    errors.push(invalid(path, value, `${path} in body should match '${pattern}'`));
  }
  const form = typeof format === "string" ? FORMATS[format] : undefined;
  if (form && !form.test(value)) {
    errors.push(invalid(path, value, `${path} in body must be of type ${text(format)}: ${JSON.stringify(value)}`));
  }
  return errors;
}

/** CRD patterns are RE2; what JavaScript cannot read is not enforced. */
function matches(pattern: string, value: string): boolean {
  try {
    const flags = pattern.startsWith("(?i)") ? "iu" : "u";
    return new RegExp(pattern.replace(/^\(\?i\)/, ""), flags).test(value);
  } catch {
    return true;
  }
}

function numberErrors(value: number, schema: Schema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const { minimum, maximum, multipleOf } = schema;
  if (typeof minimum === "number") {
    const exclusive = schema["exclusiveMinimum"] === true;
    if (exclusive ? value <= minimum : value < minimum) {
      errors.push(
        invalid(path, value, `${path} in body should be greater than ${exclusive ? "" : "or equal to "}${minimum}`),
      );
    }
  }
  if (typeof maximum === "number") {
    const exclusive = schema["exclusiveMaximum"] === true;
    if (exclusive ? value >= maximum : value > maximum) {
      errors.push(
        invalid(path, value, `${path} in body should be less than ${exclusive ? "" : "or equal to "}${maximum}`),
      );
    }
  }
  if (typeof multipleOf === "number" && value % multipleOf !== 0) {
    errors.push(invalid(path, value, `${path} in body should be a multiple of ${multipleOf}`));
  }
  return errors;
}

function listErrors(value: readonly unknown[], schema: Schema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const { minItems, maxItems, items } = schema;
  if (typeof maxItems === "number" && value.length > maxItems) errors.push(tooMany(path, value.length, maxItems));
  if (typeof minItems === "number" && value.length < minItems) {
    errors.push(invalid(path, value, `${path} in body should have at least ${minItems} items`));
  }
  const listType = schema["x-kubernetes-list-type"];
  const keys = list(schema["x-kubernetes-list-map-keys"]).map((key) => text(key));
  const identity = (item: unknown): unknown =>
    listType === "map" ? Object.fromEntries(keys.map((key) => [key, dict(item)[key]])) : item;
  const seen: unknown[] = [];
  value.forEach((item, index) => {
    const here = `${path}[${index}]`;
    if (listType === "map" || listType === "set") {
      const id = identity(item);
      if (seen.some((other) => sameJson(other, id))) errors.push(duplicate(here, id));
      seen.push(id);
    }
    if (isDict(items)) errors.push(...schemaErrors(item, items, here));
  });
  return errors;
}

function mapErrors(value: Dict, schema: Schema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const key of list(schema["required"])) {
    if (value[text(key)] === undefined) errors.push(required(join(path, text(key))));
  }
  const count = Object.keys(value).length;
  const { minProperties, maxProperties } = schema;
  if (typeof maxProperties === "number" && count > maxProperties) errors.push(tooMany(path, count, maxProperties));
  if (typeof minProperties === "number" && count < minProperties) {
    errors.push(invalid(path, value, `${path} in body should have at least ${minProperties} properties`));
  }
  for (const [key, item] of Object.entries(value)) {
    const inner = property(schema, key);
    if (inner && item !== undefined) errors.push(...schemaErrors(item, inner, join(path, key)));
  }
  return errors;
}

function combinationErrors(value: unknown, schema: Schema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const fits = (inner: unknown): boolean => isDict(inner) && schemaErrors(value, inner, path).length === 0;
  const name = JSON.stringify(path);
  const { allOf, anyOf, oneOf, not } = schema;
  for (const inner of list(allOf)) if (isDict(inner)) errors.push(...schemaErrors(value, inner, path));
  if (list(anyOf).length > 0 && !list(anyOf).some(fits)) {
    errors.push(invalid(path, value, `${name} must validate at least one schema (anyOf)`));
  }
  if (list(oneOf).length > 0) {
    const count = list(oneOf).filter(fits).length;
    if (count !== 1) {
      const found = count === 0 ? "Found none valid" : `Found ${count} valid alternatives`;
      errors.push(invalid(path, value, `${name} must validate one and only one schema (oneOf). ${found}`));
    }
  }
  if (isDict(not) && fits(not)) errors.push(invalid(path, value, `${name} must not validate the schema (not)`));
  return errors;
}

/** Problems of a value under a schema, with Kubernetes' sentences. */
export function schemaErrors(value: unknown, schema: Schema, path: string): FieldError[] {
  const wrongType = typeErrors(value, schema, path);
  if (wrongType.length > 0 || value === null) return wrongType;
  const errors: FieldError[] = [];
  const choices = schema["enum"];
  if (Array.isArray(choices) && !choices.some((choice) => sameJson(choice, value))) {
    errors.push(
      unsupportedInOrder(
        path,
        value,
        choices.map((choice) => (typeof choice === "string" ? choice : JSON.stringify(choice))),
      ),
    );
  }
  if (typeof value === "string") errors.push(...stringErrors(value, schema, path));
  else if (typeof value === "number") errors.push(...numberErrors(value, schema, path));
  else if (Array.isArray(value)) errors.push(...listErrors(value, schema, path));
  else if (isDict(value)) errors.push(...mapErrors(value, schema, path));
  return [...errors, ...combinationErrors(value, schema, path)];
}

/** Errors of a whole custom resource; type and metadata are checked elsewhere. */
export function customErrors(object: Dict, schema: Schema): FieldError[] {
  const { apiVersion: _apiVersion, kind: _kind, metadata: _metadata, ...content } = object;
  const wanted = list(schema["required"]).filter((key) => !["apiVersion", "kind", "metadata"].includes(text(key)));
  return schemaErrors(content, { ...schema, required: wanted }, "").map((error) =>
    error.path === "" ? { ...error, path: "<nil>" } : error,
  );
}
