import { err, ok, type Result } from "@heddle/std";
import { der, derOid, derParts, derSequence, readDer, sameBytes, tags } from "./der.ts";
import { type PrivateKey, type PublicKey, readPublicKey, signed as signedWith, spkiOf } from "./key.ts";
import { derAltNames, derName, extensionValue, readAltNames, type SubjectAltNames, sanOid } from "./names.ts";
import { fromPem, toPem } from "./pem.ts";
import { readSigned } from "./signed-der.ts";

const extensionRequestOid = derOid("1.2.840.113549.1.9.14");
const version = Uint8Array.from([tags.integer, 1, 0]);

/** A signing request whose signature proves that its sender has the key. */
export interface SigningRequest {
  readonly publicKey: PublicKey;
  readonly names: SubjectAltNames;
}

/** Makes a signing request (PEM). The key itself is not in it. Source: RFC 2986. */
export function createSigningRequest(key: PrivateKey, names: Partial<SubjectAltNames>, organization = ""): string {
  const san = derSequence(sanOid, der(tags.octetString, derAltNames(names)));
  const attribute = derSequence(extensionRequestOid, der(tags.set, derSequence(san)));
  const bytes = signedWith(() => derSequence(version, derName(organization), spkiOf(key), der(0xa0, attribute)), key);
  return toPem("CERTIFICATE REQUEST", bytes);
}

/**
 * Reads a signing request and checks its signature and key.
 * Errors: a sentence that says what is wrong with it.
 */
export function readSigningRequest(pem: string): Result<SigningRequest> {
  const bytes = fromPem(pem, "CERTIFICATE REQUEST") ?? fromPem(pem, "NEW CERTIFICATE REQUEST");
  if (bytes === undefined) return err("is not a PEM certificate request");
  const outer = readDer(bytes);
  const signed = readSigned(outer?.[0]);
  const [, , spki, attributes] = derParts(signed?.body, tags.sequence);
  if (outer?.length !== 1 || signed === undefined || spki === undefined)
    return err("is not a certificate request: its structure is broken");
  const publicKey = readPublicKey(spki.raw);
  if (!publicKey.ok) return publicKey;
  if (!signed.signedBy(publicKey.value))
    return err("the request's signature does not match its key, or its algorithm is too weak");
  let extensions: Uint8Array | undefined;
  for (const attribute of derParts(attributes, 0xa0)) {
    const [name, values] = derParts(attribute, tags.sequence);
    if (name !== undefined && sameBytes(name.raw, extensionRequestOid)) extensions = values?.content;
  }
  const san = extensions && extensionValue(readDer(extensions)?.[0], sanOid);
  const names = readAltNames(san && readDer(san)?.[0]);
  if (names.unknown > 0) return err("the request asks for names that are neither URIs, DNS names nor addresses");
  return ok({ publicKey: publicKey.value, names });
}
