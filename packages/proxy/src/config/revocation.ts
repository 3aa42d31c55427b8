import { pemBlocks, readRevocationList } from "@heddle/identity";
import { decodeDataText } from "./data-source.ts";
import type { CertificateValidationContext } from "./proto.ts";
import type { DecodeScope } from "./scope.ts";

/** Revocation lists of CAs. */
export interface RevocationConfig {
  /** PEM, one list each. */
  readonly lists: readonly string[];
  /** Issuers of the peer's certificate need no list. Source: Envoy `only_verify_leaf_cert_crl`. */
  readonly leafOnly: boolean;
}

export const CRL_WITHOUT_ROOTS =
  "a revocation list acts only beside trusted_ca, whose certificates it is about; set both";

const PARTIAL =
  "covers some certificates only, as a critical extension says; leave only_verify_leaf_cert_crl out, or give the CA's complete list";

/** Undefined: the context says nothing of revocation. Errors: no list, a list that can't be read. */
export function decodeRevocation(
  message: CertificateValidationContext,
  scope: DecodeScope,
): RevocationConfig | undefined {
  const leafOnly = message.onlyVerifyLeafCertCrl;
  if (message.crl === undefined) return leafOnly ? { lists: [], leafOnly } : undefined;
  const at = scope.field("crl");
  const text = decodeDataText(message.crl, at);
  if (text === undefined) return undefined;
  const lists = listsIn(text);
  if (lists.length === 0) at.problem("holds no PEM block X509 CRL; convert DER with openssl crl -inform DER");
  lists.forEach((list, i) => {
    const read = readRevocationList(list);
    if (!read.ok) at.problem(`list ${i + 1} ${read.error}`);
    else if (leafOnly && read.value.partial) at.problem(`list ${i + 1} ${PARTIAL}`);
  });
  return { lists, leafOnly };
}

/** The lists of a PEM text, each on its own; roots may hold some too. */
export function listsIn(pem: string): readonly string[] {
  return pemBlocks(pem, "X509 CRL");
}
