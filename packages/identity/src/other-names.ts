import { type DerElement, derParts, readDer, tags } from "./der.ts";
import { extensionsIn, extensionValue, sanOid } from "./names.ts";

/** Of a name in subjectAltName: `otherName`. */
const OTHER_NAME = 0xa0;

/** Kinds of text whose bytes are the value: octets, UTF-8, printable, T.61, IA5, times, visible, general. */
const BYTES: ReadonlySet<number> = new Set([
  tags.octetString,
  tags.utf8,
  0x13,
  0x14,
  0x16,
  tags.utcTime,
  tags.generalizedTime,
  0x1a,
  0x1b,
]);
const ENUMERATED = 0x0a;
const UNIVERSAL_STRING = 0x1c;
const BMP_STRING = 0x1e;

/**
 * Values of the other names in a certificate (DER), in its order and as text, without their object identifiers.
 * Errors: none; a certificate that can't be read has none. Source: RFC 5280 §4.2.1.6; the text of each kind is Envoy 1.40's.
 */
export function readOtherNames(certificate: Uint8Array): readonly string[] {
  const [body] = derParts(readDer(certificate)?.[0], tags.sequence);
  const names = extensionValue(extensionsIn(derParts(body, tags.sequence)), sanOid);
  const found: string[] = [];
  for (const name of derParts(names && readDer(names)?.[0], tags.sequence)) {
    if (name.tag !== OTHER_NAME) continue;
    const value = derParts(
      readDer(name.content)?.find(({ tag }) => tag === 0xa0),
      0xa0,
    )[0];
    found.push(value === undefined ? "" : valueText(value));
  }
  return found;
}

function valueText({ tag, content, raw }: DerElement): string {
  switch (tag) {
    case tags.boolean:
      return content[0] === 0 ? "false" : "true";
    case tags.integer:
    case ENUMERATED:
      return integerText(content);
    case tags.oid:
      return oidText(content);
    case tags.bitString:
      return text(content.subarray(1));
    case BMP_STRING:
      return wideText(content, 2);
    case UNIVERSAL_STRING:
      return wideText(content, 4);
    case tags.sequence:
    case tags.set:
      return text(raw);
    default:
      return BYTES.has(tag) ? text(content) : "";
  }
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function integerText(bytes: Uint8Array): string {
  if (bytes.length === 0) return "0";
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${Buffer.from(bytes).toString("hex")}`)).toString();
}

/** Numbers of an object identifier are below it. Source: BoringSSL, which writes no identifier with a larger one. */
const MAX_ARC = 2n ** 64n;

/** The dotted form; "" with a number beyond 64 bits, which would only cost time. */
function oidText(bytes: Uint8Array): string {
  const arcs: bigint[] = [];
  let arc = 0n;
  for (const byte of bytes) {
    arc = (arc << 7n) | BigInt(byte & 0x7f);
    if (arc >= MAX_ARC) return "";
    if (byte >= 0x80) continue;
    arcs.push(arc);
    arc = 0n;
  }
  const [first = 0n, ...rest] = arcs;
  const root = first < 80n ? first / 40n : 2n;
  return [root, first - root * 40n, ...rest].join(".");
}

/** Characters of two or four bytes each, up to the first that is zero. */
function wideText(bytes: Uint8Array, size: 2 | 4): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let out = "";
  for (let at = 0; at + size <= bytes.length; at += size) {
    const code = size === 2 ? view.getUint16(at) : view.getUint32(at);
    if (code === 0 || code > 0x10ffff) break;
    out += String.fromCodePoint(code);
  }
  return out;
}
