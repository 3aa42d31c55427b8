import { createHash, X509Certificate } from "node:crypto";
import { err, ok, type Result } from "@heddle/std";
import { der, derBitString, derInteger, derOid, derParts, derSequence, derTime, readDer, tags } from "./der.ts";
import { type PrivateKey, type PublicKey, signed, spkiOf } from "./key.ts";
import { derAltNames, extensionsIn, extensionValue, readAltNames, type SubjectAltNames, sanOid } from "./names.ts";
import { pemBlocks, toPem } from "./pem.ts";

/** A parsed certificate. */
export interface Certificate {
  readonly pem: string;
  readonly x509: X509Certificate;
  /** DER of the subject; issuers are compared byte for byte. */
  readonly subject: Uint8Array;
  readonly issuer: Uint8Array;
  /** Units: ms since 1970. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly isCa: boolean;
  readonly names: SubjectAltNames;
  /** SHA-256 of the whole certificate, hex. */
  readonly fingerprint: string;
  readonly subjectKeyId: Uint8Array | undefined;
}

const skiOid = derOid("2.5.29.14");

/** Reads the first certificate of a PEM text. Errors: a sentence. */
export function readCertificate(pem: string): Result<Certificate> {
  const [block] = pemBlocks(pem, "CERTIFICATE");
  if (block === undefined) return err("is not a PEM certificate");
  try {
    const x509 = new X509Certificate(block);
    const raw = new Uint8Array(x509.raw);
    const [body] = derParts(readDer(raw)?.[0], tags.sequence);
    const fields = derParts(body, tags.sequence);
    // An explicit version (context tag 0) stands before serial, algorithm, issuer, validity, subject.
    const first = fields[0]?.tag === 0xa0 ? 1 : 0;
    const extensions = extensionsIn(fields);
    const san = extensionValue(extensions, sanOid);
    const ski = extensionValue(extensions, skiOid);
    return ok({
      pem: block,
      x509,
      subject: fields[first + 4]?.raw ?? new Uint8Array(),
      issuer: fields[first + 2]?.raw ?? new Uint8Array(),
      notBeforeMs: Date.parse(x509.validFrom),
      notAfterMs: Date.parse(x509.validTo),
      isCa: x509.ca,
      names: readAltNames(san && readDer(san)?.[0]),
      fingerprint: createHash("sha256").update(raw).digest("hex"),
      subjectKeyId: ski && readDer(ski)?.[0]?.content,
    });
  } catch {
    return err("is not a certificate: its structure is broken");
  }
}

/** Reads all certificates of a PEM text. Errors: says which one is broken. */
export function readCertificates(pem: string): Result<readonly Certificate[]> {
  const found: Certificate[] = [];
  for (const [i, block] of pemBlocks(pem, "CERTIFICATE").entries()) {
    const certificate = readCertificate(block);
    if (!certificate.ok) return err(`certificate ${i + 1}: ${certificate.error}`);
    found.push(certificate.value);
  }
  return ok(found);
}

/** What is certified. */
export interface CertificateContent {
  readonly subject: Uint8Array;
  readonly publicKey: PublicKey;
  readonly names: Partial<SubjectAltNames>;
  readonly ca: boolean;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** At most 20 bytes, positive. */
  readonly serial: Uint8Array;
}

/** Who certifies. */
export interface CertificateSigner {
  readonly subject: Uint8Array;
  readonly key: PrivateKey;
  readonly keyId: Uint8Array;
}

/** SHA-1 of the public key's bits. Source: RFC 5280 §4.2.1.2 (1). */
export function keyIdOf(key: PublicKey): Uint8Array {
  const bits = derParts(readDer(spkiOf(key))?.[0], tags.sequence)[1]?.content.subarray(1) ?? new Uint8Array();
  return new Uint8Array(createHash("sha1").update(bits).digest());
}

/** Signs a certificate (PEM). Source: RFC 5280 §4.1. */
export function signCertificate(content: CertificateContent, signer: CertificateSigner): string {
  const named = Object.values(content.names).some((list) => list.length > 0);
  // An empty subject makes the alternative names critical (RFC 5280 §4.2.1.6).
  const emptySubject = content.subject.length === 2;
  const extension = (oid: string, critical: boolean, value: Uint8Array): Uint8Array =>
    derSequence(
      derOid(oid),
      ...(critical ? [der(tags.boolean, Uint8Array.from([0xff]))] : []),
      der(tags.octetString, value),
    );
  const extensions = [
    // CA: keyCertSign, cRLSign. Leaf: digitalSignature, keyEncipherment.
    extension(
      "2.5.29.15",
      true,
      content.ca ? derBitString(Uint8Array.from([0x06]), 1) : derBitString(Uint8Array.from([0xa0]), 5),
    ),
    ...(content.ca
      ? []
      : [extension("2.5.29.37", false, derSequence(derOid("1.3.6.1.5.5.7.3.1"), derOid("1.3.6.1.5.5.7.3.2")))]),
    extension("2.5.29.19", true, content.ca ? derSequence(der(tags.boolean, Uint8Array.from([0xff]))) : derSequence()),
    extension("2.5.29.14", false, der(tags.octetString, keyIdOf(content.publicKey))),
    extension("2.5.29.35", false, derSequence(der(0x80, signer.keyId))),
    ...(named ? [extension("2.5.29.17", emptySubject, derAltNames(content.names))] : []),
  ];
  const bytes = signed(
    (algorithm) =>
      derSequence(
        der(0xa0, derInteger(Uint8Array.from([2]))),
        derInteger(content.serial),
        algorithm,
        signer.subject,
        derSequence(derTime(content.notBeforeMs), derTime(content.notAfterMs)),
        content.subject,
        spkiOf(content.publicKey),
        der(0xa3, derSequence(...extensions)),
      ),
    signer.key,
  );
  return toPem("CERTIFICATE", bytes);
}
