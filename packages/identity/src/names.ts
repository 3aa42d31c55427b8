import { type DerElement, der, derOid, derParts, derSequence, sameBytes, tags } from "./der.ts";

/** The names a certificate may carry. */
export interface SubjectAltNames {
  readonly uris: readonly string[];
  readonly dns: readonly string[];
  /** Textual addresses. */
  readonly ips: readonly string[];
}

export const sanOid = derOid("2.5.29.17");
const organizationOid = derOid("2.5.4.10");
const commonNameOid = derOid("2.5.4.3");
const text = new TextEncoder();

/** An X.501 name of an organization and a common name, each left out when empty. */
export function derName(organization: string, commonName = ""): Uint8Array {
  const part = (oid: Uint8Array, value: string): readonly Uint8Array[] =>
    value === "" ? [] : [der(tags.set, derSequence(oid, der(tags.utf8, text.encode(value))))];
  return derSequence(...part(organizationOid, organization), ...part(commonNameOid, commonName));
}

/** The value of a subjectAltName extension. */
export function derAltNames(names: Partial<SubjectAltNames>): Uint8Array {
  return derSequence(
    ...(names.uris ?? []).map((uri) => der(0x86, text.encode(uri))),
    ...(names.dns ?? []).map((name) => der(0x82, text.encode(name))),
    ...(names.ips ?? []).map((ip) => der(0x87, ipBytes(ip))),
  );
}

/** Reads a subjectAltName extension's value; names of other kinds are returned as `unknown`. */
export function readAltNames(value: DerElement | undefined): SubjectAltNames & { readonly unknown: number } {
  const names = { uris: [] as string[], dns: [] as string[], ips: [] as string[], unknown: 0 };
  for (const part of derParts(value, tags.sequence)) {
    if (part.tag === 0x86) names.uris.push(new TextDecoder().decode(part.content));
    else if (part.tag === 0x82) names.dns.push(new TextDecoder().decode(part.content));
    else if (part.tag === 0x87) names.ips.push(ipText(part.content));
    else names.unknown++;
  }
  return names;
}

/** The extensions among the fields of a certificate's body. */
export function extensionsIn(body: readonly DerElement[]): DerElement | undefined {
  return derParts(
    body.find(({ tag }) => tag === 0xa3),
    0xa3,
  )[0];
}

/** Finds an extension by its identifier in `SEQUENCE OF Extension`; its value as DER bytes. */
export function extensionValue(extensions: DerElement | undefined, oid: Uint8Array): Uint8Array | undefined {
  for (const extension of derParts(extensions, tags.sequence)) {
    const fields = derParts(extension, tags.sequence);
    if (fields[0] !== undefined && sameBytes(fields[0].raw, oid)) return fields.at(-1)?.content;
  }
  return undefined;
}

function ipBytes(ip: string): Uint8Array {
  if (!ip.includes(":")) return Uint8Array.from(ip.split(".").map(Number));
  const [head = "", tail] = ip.split("::");
  const groups = (half: string): number[] =>
    half === "" ? [] : half.split(":").map((group) => Number.parseInt(group, 16));
  const left = groups(head);
  const right = tail === undefined ? [] : groups(tail);
  const all = [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right];
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

function ipText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups: string[] = [];
  for (let i = 0; i + 1 < bytes.length; i += 2)
    groups.push((((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0)).toString(16));
  return groups.join(":");
}
