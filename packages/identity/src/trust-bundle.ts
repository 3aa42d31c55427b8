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
 * The way from a leaf (first of `chain`) to the root of the bundle that vouches for it, the root included; undefined where there is none. Says
 * nothing about dates.
 */
export function pathToRoot(chain: readonly Certificate[], bundle: TrustBundle): readonly Certificate[] | undefined {
  const [leaf] = chain;
  const path: Certificate[] = [];
  for (let child = leaf; child !== undefined && path.length <= chain.length; ) {
    const current: Certificate = child;
    path.push(current);
    const root = bundle.roots.find((one) => one.fingerprint === current.fingerprint || signedBy(current, one));
    if (root !== undefined) return [...path, root];
    child = chain.find((one) => one.fingerprint !== current.fingerprint && signedBy(current, one));
  }
  return undefined;
}

/**
 * Checks that a chain (leaf first) leads to a root of the bundle and is valid now. For places where no TLS library does it.
 * Errors: a sentence that says which certificate broke the chain.
 */
export function verifyChain(chain: readonly Certificate[], bundle: TrustBundle, nowMs: number): Result<Certificate> {
  const [leaf] = chain;
  if (leaf === undefined) return err("the peer sent no certificate");
  const path = pathToRoot(chain, bundle);
  for (const [i, { notBeforeMs, notAfterMs }] of (path ?? [leaf]).entries()) {
    const what = i + 1 === path?.length ? "the root" : "a certificate";
    if (nowMs < notBeforeMs) return err(`${what} is not valid before ${new Date(notBeforeMs).toISOString()}`);
    if (nowMs > notAfterMs) return err(`${what} expired at ${new Date(notAfterMs).toISOString()}`);
  }
  if (path !== undefined) return ok(leaf);
  return err(`no trusted root issued "${leaf.x509.issuer.replaceAll("\n", ", ")}"`);
}

function signedBy(child: Certificate, parent: Certificate): boolean {
  if (!parent.isCa || !sameBytes(parent.subject, child.issuer)) return false;
  try {
    return child.x509.verify(parent.x509.publicKey);
  } catch {
    return false;
  }
}
