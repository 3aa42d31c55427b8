import { type Draft, isDict } from "../json/json-value.ts";
import type { TypeNode } from "./type-node.ts";

/** What Go's decoder says of JSON that does not fit a struct. */
export class DecodeError extends Error {}

function jsonKind(value: unknown): string {
  if (Array.isArray(value)) return "array";
  if (isDict(value)) return "object";
  return typeof value === "boolean" ? "bool" : typeof value;
}

interface Place {
  /** Struct that holds the field. */
  readonly struct: string;
  /** Path without indexes, as Go reports it. */
  readonly goPath: string;
  /** Path with indexes. */
  readonly path: string;
}

function mismatch(value: unknown, type: TypeNode, place: Place): never {
  const shown = typeof value === "number" ? `number${Number.isInteger(value) ? "" : ` ${value}`}` : jsonKind(value);
  throw new DecodeError(
    `json: cannot unmarshal ${shown} into Go struct field ${place.struct}.${place.goPath} of type ${type.name}`,
  );
}

const QUANTITY = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+|Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E)?$/;
const QUANTITY_TEXT = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function checkScalar(value: unknown, type: TypeNode, place: Place): unknown {
  switch (type.name) {
    case "int32":
    case "int64":
      if (typeof value !== "number" || !Number.isInteger(value)) mismatch(value, type, place);
      if (type.name === "int32" && Math.abs(value) > 2147483648) mismatch(value, type, place);
      return value;
    case "float64":
      return typeof value === "number" ? value : mismatch(value, type, place);
    case "bool":
      return typeof value === "boolean" ? value : mismatch(value, type, place);
    case "intstr.IntOrString":
      return typeof value === "string" || Number.isInteger(value) ? value : mismatch(value, type, place);
    case "resource.Quantity": {
      const text = typeof value === "number" ? String(value) : value;
      if (typeof text !== "string") mismatch(value, type, place);
      if (!QUANTITY.test(text)) throw new DecodeError(QUANTITY_TEXT);
      return text;
    }
    case "[]uint8": {
      // A nil slice, as Go's clients write it in a map of bytes.
      if (value === null) return "";
      if (typeof value !== "string") mismatch(value, type, place);
      const packed = value.replace(/[\r\n]/g, "");
      if (!BASE64.test(packed)) {
        const bad = packed.search(/[^A-Za-z0-9+/=]/);
        throw new DecodeError(
          `illegal base64 data at input byte ${bad < 0 ? packed.length - (packed.length % 4) : bad}`,
        );
      }
      return packed;
    }
    case "v1.Time":
    case "v1.MicroTime": {
      if (typeof value !== "string") mismatch(value, type, place);
      if (!/^\d{4}-\d\d-\d\dT/.test(value) || Number.isNaN(Date.parse(value))) {
        throw new DecodeError(
          `parsing time "${value}" as "2006-01-02T15:04:05Z07:00": cannot parse "${value}" as "2006"`,
        );
      }
      return value;
    }
    default:
      return typeof value === "string" ? value : mismatch(value, type, place);
  }
}

/**
 * Fits a draft to a struct: drops nulls and unknown fields, checks types. Returns `unknown field "…"` for what it dropped.
 * Errors: DecodeError with the sentence that Go's decoder would give.
 */
export function decodeStruct(draft: Draft, type: TypeNode): readonly string[] {
  const problems: string[] = [];
  walkStruct(draft, type, { struct: type.name.split(".").at(-1) ?? "", goPath: "", path: "" }, problems);
  return problems;
}

function join(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}

function walkStruct(value: Draft, type: TypeNode, place: Place, problems: string[]): void {
  const struct = type.name.split(".").at(-1) ?? "";
  for (const key of Object.keys(value)) {
    const field = type.field(key);
    const path = join(place.path, key);
    if (!field) {
      problems.push(`unknown field "${path}"`);
      delete value[key];
      continue;
    }
    if (value[key] === null || value[key] === undefined) {
      delete value[key];
      continue;
    }
    value[key] = walk(value[key], field.type, { struct, goPath: join(place.goPath, key), path }, problems);
  }
}

function isDraft(value: unknown): value is Draft {
  return isDict(value);
}

function walk(value: unknown, type: TypeNode, place: Place, problems: string[]): unknown {
  switch (type.shape) {
    case "any":
      return value;
    case "scalar":
      return checkScalar(value, type, place);
    case "struct":
      if (!isDraft(value)) mismatch(value, type, place);
      walkStruct(value, type, place, problems);
      return value;
    case "map": {
      if (!isDraft(value)) mismatch(value, type, place);
      const item = type.item;
      for (const key of Object.keys(value)) {
        if (value[key] === null && item?.shape === "scalar" && item.name === "string") value[key] = "";
        else if (item) value[key] = walk(value[key], item, { ...place, path: `${place.path}.${key}` }, problems);
      }
      return value;
    }
    case "list": {
      if (!Array.isArray(value)) mismatch(value, type, place);
      const item = type.item;
      if (!item) return value;
      return value.map((entry: unknown, index) =>
        entry === null
          ? item.shape === "struct"
            ? {}
            : entry
          : walk(entry, item, { ...place, path: `${place.path}[${index}]` }, problems),
      );
    }
  }
}
