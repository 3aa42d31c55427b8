import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject, sign, verify } from "node:crypto";
import { err, ok, type Result } from "@heddle/std";
import { der, derOid, derSequence, sameBytes } from "./der.ts";

/** A private key. It is never printed; `exportPrivateKey` is the only way to its bytes. */
export type PrivateKey = KeyObject;
export type PublicKey = KeyObject;

/** A fresh P-256 key. */
export function generateKey(): Promise<PrivateKey> {
  return new Promise((resolve, reject) => {
    generateKeyPair("ec", { namedCurve: "P-256" }, (error, _public, key) => (error ? reject(error) : resolve(key)));
  });
}

/** PKCS#8 PEM, for a TLS library or a Secret. */
export function exportPrivateKey(key: PrivateKey): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}

/** Reads a PEM private key (PKCS#8, SEC1 or PKCS#1). Errors: a sentence without the key. */
export function readPrivateKey(pem: string): Result<PrivateKey> {
  if (pem.includes("ENCRYPTED")) return err("the private key is encrypted; store it without a passphrase");
  try {
    return ok(createPrivateKey(pem));
  } catch {
    return err("is not a PEM private key (expected PKCS#8, EC or RSA)");
  }
}

/** DER `SubjectPublicKeyInfo`. */
export function spkiOf(key: KeyObject): Uint8Array {
  const publicKey = key.type === "private" ? createPublicKey(key) : key;
  return new Uint8Array(publicKey.export({ type: "spki", format: "der" }));
}

/** Whether `publicKey` belongs to `privateKey`. */
export function keysMatch(privateKey: PrivateKey, publicKey: PublicKey): boolean {
  return sameBytes(spkiOf(privateKey), spkiOf(publicKey));
}

/** Reads a public key and refuses those that nobody should certify. Errors: a sentence. */
export function readPublicKey(spki: Uint8Array): Result<PublicKey> {
  let key: PublicKey;
  try {
    key = createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
  } catch {
    return err("the public key cannot be read");
  }
  const details = key.asymmetricKeyDetails;
  switch (key.asymmetricKeyType) {
    case "ec": {
      const curve = details?.namedCurve ?? "";
      const good = ["prime256v1", "P-256", "secp384r1", "P-384", "secp521r1", "P-521"].includes(curve);
      return good ? ok(key) : err(`curve ${curve} is not accepted; use P-256 or P-384`);
    }
    case "rsa": {
      const bits = details?.modulusLength ?? 0;
      return bits >= 2048 ? ok(key) : err(`an RSA key of ${bits} bits is too short; use 2048 or more, or P-256`);
    }
    case "ed25519":
      return ok(key);
    default:
      return err(`keys of type ${key.asymmetricKeyType ?? "unknown"} are not accepted; use EC P-256 or RSA`);
  }
}

/** How signatures of a key are made and named. */
export interface SignatureScheme {
  /** DER `AlgorithmIdentifier`. */
  readonly algorithm: Uint8Array;
  readonly digest: string | null;
}

const derNull = Uint8Array.from([5, 0]);

function schemeOf(key: KeyObject): SignatureScheme {
  switch (key.asymmetricKeyType) {
    case "ec":
      return { algorithm: derSequence(derOid("1.2.840.10045.4.3.2")), digest: "sha256" };
    case "ed25519":
      return { algorithm: derSequence(derOid("1.3.101.112")), digest: null };
    default:
      return { algorithm: derSequence(derOid("1.2.840.113549.1.1.11"), derNull), digest: "sha256" };
  }
}

/** `SEQUENCE { content, algorithm, signature }`, the form of certificates and signing requests. */
export function signed(content: (algorithm: Uint8Array) => Uint8Array, key: PrivateKey): Uint8Array {
  const { algorithm, digest } = schemeOf(key);
  const body = content(algorithm);
  const signature = sign(digest, body, key);
  return derSequence(body, algorithm, der(0x03, Uint8Array.from([0]), new Uint8Array(signature)));
}

const digests: readonly (readonly [string, string | null])[] = [
  ["1.2.840.10045.4.3.2", "sha256"],
  ["1.2.840.10045.4.3.3", "sha384"],
  ["1.2.840.10045.4.3.4", "sha512"],
  ["1.2.840.113549.1.1.11", "sha256"],
  ["1.2.840.113549.1.1.12", "sha384"],
  ["1.2.840.113549.1.1.13", "sha512"],
  ["1.3.101.112", null],
];

/** Checks a signature whose algorithm is given as a DER object identifier. False also for algorithms that are too weak. */
export function verifySignature(oid: Uint8Array, body: Uint8Array, signature: Uint8Array, key: PublicKey): boolean {
  const found = digests.find(([dotted]) => sameBytes(derOid(dotted), oid));
  if (found === undefined) return false;
  try {
    return verify(found[1], body, key, signature);
  } catch {
    return false;
  }
}
