import { err, ok, type Result } from "@heddle/std";
import { type Certificate, readCertificates } from "./certificate.ts";
import { sameBytes } from "./der.ts";

/** The roots that peers are checked against. */
export interface TrustBundle {
  readonly roots: readonly Certificate[];
  /** PEM of all, each once, in a stable order. */
  readonly pem: string;
}

/** Merges PEM texts; a root that is in several counts once. Errors: a sentence. */
export function createTrustBundle(pems: readonly string[]): Result<TrustBundle> {
  const roots = new Map<string, Certificate>();
  for (const pem of pems) {
    const found = readCertificates(pem);
    if (!found.ok) return err(`trust bundle: ${found.error}`);
    for (const root of found.value) roots.set(root.fingerprint, root);
  }
  if (roots.size === 0) return err("trust bundle: holds no PEM certificate");
  const sorted = [...roots.values()].sort((a, b) => (a.fingerprint < b.fingerprint ? -1 : 1));
  return ok({ roots: sorted, pem: sorted.map((root) => root.pem).join("") });
}

/**
 * Checks that a chain (leaf first) leads to a root of the bundle and is valid now. For places where no TLS library does it.
 * Errors: a sentence that says which certificate broke the chain.
 */
export function verifyChain(chain: readonly Certificate[], bundle: TrustBundle, nowMs: number): Result<Certificate> {
  const [leaf] = chain;
  if (leaf === undefined) return err("the peer sent no certificate");
  let current = leaf;
  for (let depth = 0; depth <= chain.length; depth++) {
    if (nowMs < current.notBeforeMs)
      return err(`a certificate is not valid before ${new Date(current.notBeforeMs).toISOString()}`);
    if (nowMs > current.notAfterMs)
      return err(`a certificate expired at ${new Date(current.notAfterMs).toISOString()}`);
    const child = current;
    const root = bundle.roots.find((one) => one.fingerprint === child.fingerprint || signedBy(child, one));
    if (root !== undefined) {
      return nowMs > root.notAfterMs ? err(`the root expired at ${new Date(root.notAfterMs).toISOString()}`) : ok(leaf);
    }
    const parent = chain.find((one) => one.fingerprint !== child.fingerprint && one.isCa && signedBy(child, one));
    if (parent === undefined) break;
    current = parent;
  }
  return err(`no trusted root issued "${current.x509.issuer.replaceAll("\n", ", ")}"`);
}

function signedBy(child: Certificate, parent: Certificate): boolean {
  if (!parent.isCa || !sameBytes(parent.subject, child.issuer)) return false;
  try {
    return child.x509.verify(parent.x509.publicKey);
  } catch {
    return false;
  }
}
