import { err, ok, type Result } from "@heddle/std";
import type { Certificate } from "./certificate.ts";
import { type DerElement, derParts, readDer, sameBytes, tags } from "./der.ts";
import { fromPem } from "./pem.ts";
import { readSigned } from "./signed-der.ts";

/** What a CA says of certificates that hold no longer. Source: RFC 5280 §5. */
export interface RevocationList {
  /** DER of the CA's name; issuers are compared byte for byte. */
  readonly issuer: Uint8Array;
  /** Units: ms since 1970. */
  readonly fromMs: number;
  /** Infinity: the list names no end. */
  readonly untilMs: number;
  /** Critical extensions limit what it says, so a certificate that is not in it may be revoked all the same. */
  readonly partial: boolean;
  revokes(certificate: Certificate): boolean;
  /** The list is this CA's own word. */
  signedBy(ca: Certificate): boolean;
}

const EXTENSIONS = 0xa0;
const TIMES: ReadonlySet<number> = new Set([tags.utcTime, tags.generalizedTime]);

/** Reads the first list of a PEM text. Errors: a sentence. */
export function readRevocationList(pem: string): Result<RevocationList> {
  const bytes = fromPem(pem, "X509 CRL");
  const signed = readSigned(bytes && readDer(bytes)?.[0]);
  const parts = derParts(signed?.body, tags.sequence);
  // A version stands before algorithm, issuer, this update.
  const at = parts[0]?.tag === tags.integer ? 2 : 1;
  const [issuer, from, ...more] = parts.slice(at);
  const fromMs = timeOf(from);
  if (signed === undefined || issuer === undefined || fromMs === undefined)
    return err("is not a PEM certificate revocation list");
  const until = more[0] !== undefined && TIMES.has(more[0].tag) ? more[0] : undefined;
  const untilMs = until === undefined ? Number.POSITIVE_INFINITY : timeOf(until);
  if (untilMs === undefined) return err("is not a certificate revocation list: its next update is no time");
  const entries = derParts(
    more.find((part) => part.tag === tags.sequence),
    tags.sequence,
  ).map((entry) => derParts(entry, tags.sequence));
  const extended = more.find((part) => part.tag === EXTENSIONS);
  const extensions = [extended && derParts(extended, EXTENSIONS)[0], ...entries.map((entry) => entry[2])];
  const serials = new Set(entries.map(([serial]) => hex(serial?.content)));
  return ok({
    issuer: issuer.raw,
    fromMs,
    untilMs,
    partial: extensions.some(hasCritical),
    revokes: ({ x509 }) => serials.has(trimmed(x509.serialNumber)),
    signedBy: (ca) => sameBytes(ca.subject, issuer.raw) && signed.signedBy(ca.x509.publicKey),
  });
}

/** Extensions are `SEQUENCE OF { id, critical DEFAULT false, value }`. */
function hasCritical(extensions: DerElement | undefined): boolean {
  return derParts(extensions, tags.sequence).some((extension) =>
    derParts(extension, tags.sequence).some((part) => part.tag === tags.boolean && part.content[0] !== 0),
  );
}

function hex(bytes: Uint8Array | undefined): string {
  return trimmed(Buffer.from(bytes ?? []).toString("hex"));
}

function trimmed(serial: string): string {
  return serial.toLowerCase().replace(/^0+/, "");
}

/** Units: ms since 1970. Undefined: it is no time. Source: RFC 5280 §4.1.2.5: years of two digits are 1950 to 2049. */
function timeOf(element: DerElement | undefined): number | undefined {
  if (element === undefined || !TIMES.has(element.tag)) return undefined;
  const text = Buffer.from(element.content).toString("latin1");
  const century = element.tag === tags.generalizedTime ? "" : Number(text.slice(0, 2)) < 50 ? "20" : "19";
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(century + text);
  if (parts === null) return undefined;
  const [, year, month, day, hour, minute, second] = parts;
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(ms) ? undefined : ms;
}
