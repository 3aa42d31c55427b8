import { helloFields, plainNumbers, u16 } from "./hello-fields.ts";

const EXTENSION_GROUPS = 10;
const EXTENSION_POINT_FORMATS = 11;

/**
 * What JA3 is the MD5 of: version, ciphers, extensions, groups and point formats that a client offers, in its order.
 * `bytes` begin with a ClientHello that `readClientHello` has read. Source: github.com/salesforce/ja3.
 */
export function ja3Text(bytes: Uint8Array): string {
  const { body, ciphers, extensions } = helloFields(bytes);
  let groups: readonly number[] = [];
  let formats: readonly number[] = [];
  for (const { kind, from, to } of extensions) {
    if (kind === EXTENSION_GROUPS) groups = plainNumbers(body, from + 2, to);
    else if (kind === EXTENSION_POINT_FORMATS) formats = [...body.subarray(from + 1, to)];
  }
  const kinds = extensions.map(({ kind }) => kind);
  return [[u16(body, 0)], ciphers, kinds, groups, formats].map((list) => list.join("-")).join(",");
}
