import { type DerElement, derParts, tags } from "./der.ts";
import { type PublicKey, verifySignature } from "./key.ts";

/** What certificates, requests and lists have in common: a body, an algorithm and a signature over the body. Source: RFC 5280 §4.1, RFC 2986 §4. */
export interface SignedDer {
  readonly body: DerElement;
  signedBy(key: PublicKey): boolean;
}

/** Undefined: it is no such structure. */
export function readSigned(element: DerElement | undefined): SignedDer | undefined {
  const [body, algorithm, signature] = derParts(element, tags.sequence);
  const oid = derParts(algorithm, tags.sequence)[0];
  // A signature is whole bytes; anything else would be a second form of the same text.
  if (body === undefined || oid === undefined || signature?.tag !== tags.bitString || signature.content[0] !== 0)
    return undefined;
  return { body, signedBy: (key) => verifySignature(oid.raw, body.raw, signature.content.subarray(1), key) };
}
