import { typeUrls } from "@heddle/xds-api";

/**
 * Reads the name of an encoded resource without decoding it: in every xDS resource type the name is field 1, a string.
 * Errors: undefined when the bytes are not a message or hold no name.
 */
export function resourceName(typeUrl: string, body: Uint8Array): string | undefined {
  // The name table is a single nameless resource whose field 1 is a map.
  if (typeUrl === typeUrls.nameTable) return "";
  let offset = 0;
  let name: string | undefined;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 64; shift += 7) {
      const byte = body[offset++];
      if (byte === undefined) return -1;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return -1;
  };
  while (offset < body.length) {
    const tag = varint();
    if (tag < 8) return undefined;
    switch (tag % 8) {
      case 0:
        if (varint() < 0) return undefined;
        break;
      case 1:
        offset += 8;
        break;
      case 2: {
        const length = varint();
        if (length < 0 || offset + length > body.length) return undefined;
        if (tag === 10) name = decoder.decode(body.subarray(offset, offset + length));
        offset += length;
        break;
      }
      case 5:
        offset += 4;
        break;
      default:
        return undefined;
    }
    // Encoders write fields in order; once past field 1 the name is known.
    if (name !== undefined && tag > 15) return name;
  }
  return offset === body.length ? name : undefined;
}

const decoder = new TextDecoder();
