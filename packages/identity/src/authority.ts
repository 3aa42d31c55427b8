import { createPublicKey, randomBytes } from "node:crypto";
import { err, ok, type Result } from "@heddle/std";
import {
  type Certificate,
  type CertificateSigner,
  keyIdOf,
  readCertificate,
  readCertificates,
  signCertificate,
} from "./certificate.ts";
import { sameBytes } from "./der.ts";
import { exportPrivateKey, generateKey, keysMatch, type PublicKey, readPrivateKey } from "./key.ts";
import { derName, type SubjectAltNames } from "./names.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** Default lives and limits. Source: Istio `DEFAULT_WORKLOAD_CERT_TTL`, `MAX_WORKLOAD_CERT_TTL`, self-signed root 10 years. */
export const certificateLifetimes = {
  defaultMs: dayMs,
  maxMs: 90 * dayMs,
  rootMs: 3650 * dayMs,
  skewMs: 120_000,
} as const;

/** The PEM texts of a CA, with the names that they have in Secret `cacerts`. */
export interface AuthorityMaterial {
  readonly caCert: string;
  readonly caKey: string;
  /** Default: the CA certificate itself (self-signed). */
  readonly rootCert?: string;
  /** Intermediates from the CA towards the root. Default: none. */
  readonly certChain?: string;
}

export interface IssueOptions {
  readonly publicKey: PublicKey;
  readonly names: Partial<SubjectAltNames>;
  /** Units: ms. Default: 24 h. Never beyond 90 days nor the CA's own end. */
  readonly ttlMs?: number | undefined;
  /** Units: ms since 1970. */
  readonly nowMs: number;
}

export interface IssuedCertificate {
  /** Leaf first, then intermediates, the root last; the form of the CA's answer. */
  readonly chain: readonly string[];
  readonly notAfterMs: number;
}

/** A certificate authority at hand. */
export interface Authority {
  readonly certificate: Certificate;
  readonly root: Certificate;
  /** PEM of all roots. */
  readonly rootPem: string;
  /** Units: ms since 1970; the first of the chain to end. */
  readonly chainNotAfterMs: number;
  issue(options: IssueOptions): IssuedCertificate;
}

/** Problems of a CA's material: each names the file and what to do. */
export type AuthorityProblems = readonly { readonly file: string; readonly reason: string }[];

/** Checks the material and makes an authority of it. Errors: every problem found, with the file's name. */
export function createAuthority(material: AuthorityMaterial, nowMs: number): Result<Authority, AuthorityProblems> {
  const problems: { file: string; reason: string }[] = [];
  const problem = (file: string, reason: string): void => void problems.push({ file, reason });
  const key = readPrivateKey(material.caKey);
  if (!key.ok) problem("ca-key.pem", key.error);
  const ca = readCertificate(material.caCert);
  if (!ca.ok) problem("ca-cert.pem", ca.error);
  const roots = readCertificates(material.rootCert ?? material.caCert);
  if (!roots.ok) problem("root-cert.pem", roots.error);
  else if (roots.value.length === 0) problem("root-cert.pem", "holds no PEM certificate");
  const chain = readCertificates(material.certChain ?? "");
  if (!chain.ok) problem("cert-chain.pem", chain.error);
  if (!key.ok || !ca.ok || !roots.ok || !chain.ok) return err(problems);

  const certificate = ca.value;
  if (!keysMatch(key.value, certificate.x509.publicKey)) {
    problem("ca-key.pem", "does not belong to ca-cert.pem; put the key that the certificate was requested with there");
  }
  if (!certificate.isCa)
    problem("ca-cert.pem", "is not a CA certificate (basicConstraints CA:TRUE is missing); it cannot sign workloads");
  const path = pathToRoot(certificate, chain.value, roots.value);
  if (path.root === undefined) {
    const last = path.intermediates.at(-1) ?? certificate;
    problem(
      path.intermediates.length > 0 || chain.value.length > 0 ? "cert-chain.pem" : "root-cert.pem",
      `the chain ends at "${last.x509.subject.replaceAll("\n", ", ")}", whose issuer "${last.x509.issuer.replaceAll("\n", ", ")}" is in neither cert-chain.pem nor root-cert.pem`,
    );
  }
  const parts: readonly (readonly [string, Certificate])[] = [
    ["ca-cert.pem", certificate],
    ...path.intermediates.map((part) => ["cert-chain.pem", part] as const),
    ...(path.root === undefined ? [] : [["root-cert.pem", path.root] as const]),
  ];
  for (const [file, part] of parts) {
    if (part.notAfterMs <= nowMs) problem(file, `expired at ${new Date(part.notAfterMs).toISOString()}`);
    else if (part.notBeforeMs > nowMs)
      problem(file, `is not valid before ${new Date(part.notBeforeMs).toISOString()}; is the clock right?`);
  }
  if (problems.length > 0 || path.root === undefined) return err(problems);
  return ok(new SigningAuthority(certificate, path.root, path.intermediates, roots.value, key.value));
}

function pathToRoot(
  start: Certificate,
  chain: readonly Certificate[],
  roots: readonly Certificate[],
): { intermediates: Certificate[]; root: Certificate | undefined } {
  const intermediates: Certificate[] = [];
  let last = start;
  for (let depth = 0; depth <= chain.length; depth++) {
    const current = last;
    const root = roots.find((one) => one.fingerprint === current.fingerprint || issued(one, current));
    if (root !== undefined) return { intermediates, root };
    const next = chain.find((one) => one.fingerprint !== current.fingerprint && issued(one, current));
    if (next === undefined) break;
    intermediates.push(next);
    last = next;
  }
  return { intermediates, root: undefined };
}

function issued(issuer: Certificate, subject: Certificate): boolean {
  if (!sameBytes(issuer.subject, subject.issuer)) return false;
  try {
    return subject.x509.verify(issuer.x509.publicKey);
  } catch {
    return false;
  }
}

class SigningAuthority implements Authority {
  readonly certificate: Certificate;
  readonly root: Certificate;
  readonly rootPem: string;
  readonly chainNotAfterMs: number;
  readonly #signer: CertificateSigner;
  readonly #tail: readonly string[];

  constructor(
    certificate: Certificate,
    root: Certificate,
    intermediates: readonly Certificate[],
    roots: readonly Certificate[],
    key: CertificateSigner["key"],
  ) {
    this.certificate = certificate;
    this.root = root;
    this.rootPem = roots.map((one) => one.pem).join("");
    this.chainNotAfterMs = Math.min(
      certificate.notAfterMs,
      root.notAfterMs,
      ...intermediates.map((one) => one.notAfterMs),
    );
    const keyId = certificate.subjectKeyId ?? keyIdOf(certificate.x509.publicKey);
    this.#signer = { subject: certificate.subject, key, keyId };
    const selfSigned = certificate.fingerprint === root.fingerprint;
    this.#tail = selfSigned ? [root.pem] : [certificate.pem, ...intermediates.map((one) => one.pem), root.pem];
  }

  issue(options: IssueOptions): IssuedCertificate {
    const { defaultMs, maxMs, skewMs } = certificateLifetimes;
    const wanted = options.ttlMs === undefined || options.ttlMs <= 0 ? defaultMs : options.ttlMs;
    const notAfterMs = Math.min(options.nowMs + Math.min(wanted, maxMs), this.chainNotAfterMs);
    const leaf = signCertificate(
      {
        subject: derName(""),
        publicKey: options.publicKey,
        names: options.names,
        ca: false,
        // The callers' clocks may be behind.
        notBeforeMs: Math.max(options.nowMs - skewMs, this.certificate.notBeforeMs),
        notAfterMs,
        serial: newSerial(),
      },
      this.#signer,
    );
    return { chain: [leaf, ...this.#tail], notAfterMs };
  }
}

function newSerial(): Uint8Array {
  const serial = new Uint8Array(randomBytes(16));
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return serial;
}

/** A new self-signed root: P-256, ten years. */
export async function createSelfSignedRoot(trustDomain: string, nowMs: number): Promise<AuthorityMaterial> {
  const key = await generateKey();
  const publicKey = createPublicKey(key);
  const subject = derName(trustDomain);
  const caCert = signCertificate(
    {
      subject,
      publicKey,
      names: {},
      ca: true,
      notBeforeMs: nowMs - certificateLifetimes.skewMs,
      notAfterMs: nowMs + certificateLifetimes.rootMs,
      serial: newSerial(),
    },
    { subject, key, keyId: keyIdOf(publicKey) },
  );
  return { caCert, caKey: exportPrivateKey(key) };
}

/**
 * A CA of its own key below another one, as clusters of one mesh have it: equal roots, an intermediate each. The parent may be an
 * intermediate itself. Errors: throws when the parent's material cannot be read (see `createAuthority`).
 */
export async function createIntermediate(
  parent: AuthorityMaterial,
  name: string,
  nowMs: number,
): Promise<AuthorityMaterial> {
  const above = readCertificate(parent.caCert);
  const parentKey = readPrivateKey(parent.caKey);
  if (!above.ok || !parentKey.ok) throw new Error("the parent is no CA: its certificate or key cannot be read");
  const key = await generateKey();
  const certificate = above.value;
  const caCert = signCertificate(
    {
      subject: derName(name),
      publicKey: createPublicKey(key),
      names: {},
      ca: true,
      notBeforeMs: nowMs - certificateLifetimes.skewMs,
      notAfterMs: certificate.notAfterMs,
      serial: newSerial(),
    },
    {
      subject: certificate.subject,
      key: parentKey.value,
      keyId: certificate.subjectKeyId ?? keyIdOf(certificate.x509.publicKey),
    },
  );
  const rootCert = parent.rootCert ?? parent.caCert;
  const isRoot = parent.caCert.trim() === rootCert.trim();
  const certChain = caCert + (isRoot ? "" : (parent.certChain ?? parent.caCert));
  return { caCert, caKey: exportPrivateKey(key), rootCert, certChain };
}
