import { createPrivateKey, X509Certificate } from "node:crypto";
import { readCertificates } from "@heddle/identity";
import type { SecretConfig } from "../config/secret.ts";

/** Why a secret can't serve; undefined: it can. Never holds key material. */
export function secretProblem(secret: SecretConfig): string | undefined {
  if (secret.kind === "validation") {
    const { trustedCa } = secret.validation;
    const roots = trustedCa === undefined ? undefined : readCertificates(trustedCa);
    if (roots?.ok === false) return `trusted_ca: ${roots.error}`;
    return roots?.value.length === 0 ? "trusted_ca holds no PEM certificate" : undefined;
  }
  try {
    const leaf = new X509Certificate(secret.pair.certificateChain);
    if (leaf.checkPrivateKey(createPrivateKey(secret.pair.privateKey))) return undefined;
    return "private_key is not the key of certificate_chain";
  } catch {
    return "certificate_chain or private_key is not PEM of a certificate and its key";
  }
}
