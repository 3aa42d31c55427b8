/** As much of protobuf's wire format as emojivoto's messages need: text, small numbers, messages. */

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/** A field of a message to be written. Proto3: empty text and 0 are left out. */
export function textField(number: number, value: string): Uint8Array {
  return value === "" ? EMPTY : messageField(number, Buffer.from(value));
}

export function messageField(number: number, body: Uint8Array): Uint8Array {
  return Buffer.concat([varint(number * 8 + BYTES), varint(body.length), body]);
}

export function intField(number: number, value: number): Uint8Array {
  return value === 0 ? EMPTY : Buffer.concat([varint(number * 8 + VARINT), varint(value)]);
}

const EMPTY = new Uint8Array(0);

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

/** A field that was read: a number for varints, bytes otherwise. */
export interface Field {
  readonly number: number;
  readonly value: number | Uint8Array;
}

/** All fields of a message; unknown ones are up to the caller. Errors: throws on a cut or malformed message. */
export function readFields(message: Uint8Array): readonly Field[] {
  const fields: Field[] = [];
  let at = 0;
  const readVarint = (): number => {
    let value = 0;
    for (let shift = 1; ; shift *= 0x80) {
      const byte = message[at++];
      if (byte === undefined || shift > 2 ** 63) throw new Error("the protobuf message is cut");
      value += (byte & 0x7f) * shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number): Uint8Array => {
    if (at + length > message.length) throw new Error("the protobuf message is cut");
    at += length;
    return message.subarray(at - length, at);
  };
  while (at < message.length) {
    const tag = readVarint();
    const number = Math.floor(tag / 8);
    switch (tag % 8) {
      case VARINT:
        fields.push({ number, value: readVarint() });
        break;
      case BYTES:
        fields.push({ number, value: take(readVarint()) });
        break;
      case FIXED64:
        take(8);
        break;
      case FIXED32:
        take(4);
        break;
      default:
        throw new Error(`the protobuf message has a field of wire type ${tag % 8}`);
    }
  }
  return fields;
}

export function readText(fields: readonly Field[], number: number): string {
  const value = fields.findLast((field) => field.number === number)?.value;
  return value instanceof Uint8Array ? Buffer.from(value).toString("utf8") : "";
}

export function readInt(fields: readonly Field[], number: number): number {
  const value = fields.findLast((field) => field.number === number)?.value;
  return typeof value === "number" ? value : 0;
}

export function readMessages(fields: readonly Field[], number: number): readonly Uint8Array[] {
  return fields.flatMap((field) => (field.number === number && field.value instanceof Uint8Array ? [field.value] : []));
}
