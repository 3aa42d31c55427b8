import type { FieldSchema, KubernetesSchema } from "../../api-schema/schema-format.ts";
import { child, type Draft } from "../json/json-value.ts";

/** Decodes Kubernetes' protobuf bodies, which kubectl sends for built-in kinds, to the JSON form. */
export interface ProtobufDecoder {
  /** Errors: `ProtobufError` for what is not such a body or a kind without schema. */
  decode(bytes: Uint8Array): Draft;
}

export class ProtobufError extends Error {}

const MAGIC = [0x6b, 0x38, 0x73, 0x00];

/** One message: field number → a field, or an embedded message whose fields belong to the same JSON map. */
interface Plan {
  readonly fields: Map<number, { readonly key: string; readonly schema: FieldSchema }>;
  readonly embedded: Map<number, Plan>;
}

export function createProtobufDecoder(schema: KubernetesSchema): ProtobufDecoder {
  const plans = new Map<string, Plan>();

  function planOf(definition: string): Plan {
    let plan = plans.get(definition);
    if (plan) return plan;
    plan = { fields: new Map(), embedded: new Map() };
    plans.set(definition, plan);
    const type = schema.types[definition];
    if (!type) throw new ProtobufError(`no schema for ${definition}`);
    for (const [key, field] of Object.entries(type.f)) place(plan, key, field, field.p);
    return plan;
  }

  function place(plan: Plan, key: string, field: FieldSchema, path: readonly number[]): void {
    const [number, ...rest] = path;
    if (number === undefined) return;
    if (rest.length === 0) {
      plan.fields.set(number, { key, schema: field });
      return;
    }
    let inner = plan.embedded.get(number);
    if (!inner) {
      inner = { fields: new Map(), embedded: new Map() };
      plan.embedded.set(number, inner);
    }
    place(inner, key, field, rest);
  }

  function readMessage(bytes: Uint8Array, plan: Plan, into: Draft): Draft {
    for (const { number, value } of wireFields(bytes)) {
      const embedded = plan.embedded.get(number);
      if (embedded && value instanceof Uint8Array) {
        readMessage(value, embedded, into);
        continue;
      }
      const field = plan.fields.get(number);
      if (field) put(into, field.key, field.schema, value);
    }
    return into;
  }

  function put(into: Draft, key: string, schema: FieldSchema, value: WireValue): void {
    const type = schema.t;
    if (type.startsWith("[]")) {
      const present = into[key];
      const items: unknown[] = Array.isArray(present) ? present : [];
      into[key] = items;
      items.push(readValue(type.slice(2), value));
    } else if (type.startsWith("{}")) {
      if (!(value instanceof Uint8Array)) throw new ProtobufError(`${key} is not a map`);
      let name = "";
      // A missing value of a map entry is the type's zero.
      let item: WireValue = new Uint8Array();
      for (const part of wireFields(value)) {
        if (part.number === 1 && part.value instanceof Uint8Array) name = utf8(part.value);
        if (part.number === 2) item = part.value;
      }
      child(into, key)[name] = readValue(type.slice(2), item);
    } else {
      const read = readValue(type, value);
      // Go writes zero values of plain fields; in JSON they would have been left out.
      if (read === undefined || (schema.n !== 1 && schema.r !== 1 && (read === "" || read === 0 || read === false)))
        return;
      into[key] = read;
    }
  }

  function readValue(type: string, value: WireValue): unknown {
    if (typeof value === "number") return type === "boolean" ? value !== 0 : value;
    switch (type) {
      case "string":
        return utf8(value);
      case "bytes":
        return Buffer.from(value).toString("base64");
      case "Time":
      case "MicroTime":
        return readTime(value, type === "MicroTime");
      case "Quantity":
        return readText(value, 1);
      case "Duration":
        return `${readInt(value, 1) / 1e9}s`;
      case "IntOrString":
        return readInt(value, 1) === 0 ? readInt(value, 2) : readText(value, 3);
      case "Any":
        return readAny(value);
    }
    if (type.startsWith("[]")) {
      // A list inside a map is a message with the items as field 1.
      return [...wireFields(value)].map((part) => readValue(type.slice(2), part.value));
    }
    return readMessage(value, planOf(type), {});
  }

  return {
    decode(bytes) {
      if (!MAGIC.every((byte, index) => bytes[index] === byte)) {
        throw new ProtobufError(
          "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]",
        );
      }
      let apiVersion = "";
      let kind = "";
      let raw: Uint8Array = new Uint8Array();
      for (const { number, value } of wireFields(bytes.subarray(MAGIC.length))) {
        if (!(value instanceof Uint8Array)) continue;
        if (number === 1) {
          apiVersion = readText(value, 1);
          kind = readText(value, 2);
        } else if (number === 2) raw = value;
      }
      const key = apiVersion.includes("/") ? `${apiVersion}/${kind}` : `/${apiVersion}/${kind}`;
      // Options kinds are the same in every group.
      const definition = kind === "DeleteOptions" ? schema.kinds["meta.k8s.io/v1/DeleteOptions"] : schema.kinds[key];
      if (definition === undefined)
        throw new ProtobufError(`no kind "${kind}" is registered for version "${apiVersion}"`);
      return { ...readMessage(raw, planOf(definition), {}), apiVersion, kind };
    },
  };
}

type WireValue = number | Uint8Array;

function* wireFields(bytes: Uint8Array): Generator<{ number: number; value: WireValue }> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let offset = 0;

  function varint(): number {
    let low = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[offset++];
      if (byte === undefined) throw new ProtobufError("unexpected EOF");
      low |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number(BigInt.asIntN(64, low));
    }
    throw new ProtobufError("varint is too long");
  }

  while (offset < bytes.length) {
    const tag = varint();
    const number = tag >>> 3;
    switch (tag & 7) {
      case 0:
        yield { number, value: varint() };
        break;
      case 1:
        if (offset + 8 > bytes.length) throw new ProtobufError("unexpected EOF");
        yield { number, value: view.getFloat64(offset, true) };
        offset += 8;
        break;
      case 2: {
        const length = varint();
        if (length < 0 || offset + length > bytes.length) throw new ProtobufError("unexpected EOF");
        yield { number, value: bytes.subarray(offset, offset + length) };
        offset += length;
        break;
      }
      case 5:
        if (offset + 4 > bytes.length) throw new ProtobufError("unexpected EOF");
        yield { number, value: view.getFloat32(offset, true) };
        offset += 4;
        break;
      default:
        throw new ProtobufError(`wire type ${tag & 7} is not used by Kubernetes`);
    }
  }
}

function utf8(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
}

function readText(bytes: Uint8Array, wanted: number): string {
  for (const { number, value } of wireFields(bytes)) {
    if (number === wanted && value instanceof Uint8Array) return utf8(value);
  }
  return "";
}

function readInt(bytes: Uint8Array, wanted: number): number {
  for (const { number, value } of wireFields(bytes)) if (number === wanted && typeof value === "number") return value;
  return 0;
}

function readTime(bytes: Uint8Array, micro: boolean): string | undefined {
  if (bytes.length === 0) return undefined;
  const date = new Date(readInt(bytes, 1) * 1000).toISOString();
  const micros = String(Math.floor(readInt(bytes, 2) / 1000)).padStart(6, "0");
  return date.replace(/\.\d+Z$/, micro ? `.${micros}Z` : "Z");
}

function readAny(bytes: Uint8Array): unknown {
  const source = readText(bytes, 1);
  if (source === "") return undefined;
  try {
    return JSON.parse(source);
  } catch {
    throw new ProtobufError("a raw field holds no JSON");
  }
}
