import "reflect-metadata";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  type GeneralNameType,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import type { ClusterNetworkPlan } from "../../contract/index.ts";

/** The keys and certificates of one cluster. They live as long as its processes. */
export interface ClusterPki {
  /** Trusts the API server; every pod gets it as `ca.crt`. */
  readonly caPem: string;
  readonly servingCertPem: string;
  readonly servingKeyPem: string;
  /** Signs service-account tokens (ES256). */
  readonly tokenKeys: { readonly privateKey: CryptoKey; readonly publicKey: CryptoKey };
  /** By what servers behind an APIService know that it is the API server who asks. */
  readonly frontProxy: FrontProxyPki;
}

export interface FrontProxyPki {
  readonly caPem: string;
  readonly certPem: string;
  readonly keyPem: string;
  readonly commonName: string;
}

export interface PkiDeps {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly randomBytes: (count: number) => Uint8Array;
  readonly network: ClusterNetworkPlan;
  /** Further names or addresses for the serving certificate. */
  readonly extraNames?: readonly string[];
}

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const DAY_MS = 24 * 3600 * 1000;
const VALID_DAYS = 3650;

async function newKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
}

async function privateKeyPem(key: CryptoKey): Promise<string> {
  const der = Buffer.from(await crypto.subtle.exportKey("pkcs8", key)).toString("base64");
  const lines = der.match(/.{1,64}/g) ?? [];
  return `-----BEGIN PRIVATE KEY-----\n${lines.join("\n")}\n-----END PRIVATE KEY-----\n`;
}

function serial(randomBytes: PkiDeps["randomBytes"]): string {
  // A leading 1 keeps the number positive and of full length.
  return `1${Buffer.from(randomBytes(15)).toString("hex")}`;
}

function alternativeName(name: string): { type: GeneralNameType; value: string } {
  return { type: /^[\d.]+$|:/.test(name) ? "ip" : "dns", value: name };
}

interface Authority {
  readonly certificate: X509Certificate;
  readonly keys: CryptoKeyPair;
}

async function createAuthority(deps: PkiDeps, name: string, validity: Validity): Promise<Authority> {
  const keys = await newKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(deps.randomBytes),
    name,
    ...validity,
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign | KeyUsageFlags.digitalSignature, true),
    ],
  });
  return { certificate, keys };
}

interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

const FRONT_PROXY_NAME = "front-proxy-client";

async function createFrontProxy(deps: PkiDeps, validity: Validity): Promise<FrontProxyPki> {
  const [ca, keys] = await Promise.all([createAuthority(deps, "CN=front-proxy-ca", validity), newKeys()]);
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serial(deps.randomBytes),
    subject: `CN=${FRONT_PROXY_NAME}`,
    issuer: ca.certificate.subject,
    ...validity,
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: ca.keys.privateKey,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension(["1.3.6.1.5.5.7.3.2"]),
    ],
  });
  return {
    caPem: `${ca.certificate.toString("pem")}\n`,
    certPem: `${certificate.toString("pem")}\n`,
    keyPem: await privateKeyPem(keys.privateKey),
    commonName: FRONT_PROXY_NAME,
  };
}

/** Makes a cluster CA and what it signs. */
export async function createClusterPki(deps: PkiDeps): Promise<ClusterPki> {
  const { network, randomBytes } = deps;
  const notBefore = new Date(deps.now - DAY_MS);
  const notAfter = new Date(deps.now + VALID_DAYS * DAY_MS);
  const [authority, servingKeys, tokenKeys, frontProxy] = await Promise.all([
    createAuthority(deps, "CN=kubernetes", { notBefore, notAfter }),
    newKeys(),
    newKeys(),
    createFrontProxy(deps, { notBefore, notAfter }),
  ]);
  const { certificate: ca, keys: caKeys } = authority;
  const names = [
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    `kubernetes.default.svc.${network.clusterDomain}`,
    network.nodeName,
    "127.0.0.1",
    "::1",
    network.nodeIp,
    network.externalIp,
    network.apiServiceIp,
    ...(deps.extraNames ?? []),
  ];
  const serving = await X509CertificateGenerator.create({
    serialNumber: serial(randomBytes),
    subject: "CN=kube-apiserver",
    issuer: ca.subject,
    notBefore,
    notAfter,
    signingAlgorithm: ALGORITHM,
    publicKey: servingKeys.publicKey,
    signingKey: caKeys.privateKey,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment, true),
      new ExtendedKeyUsageExtension(["1.3.6.1.5.5.7.3.1"]),
      new SubjectAlternativeNameExtension([...new Set(names)].map(alternativeName)),
    ],
  });
  return {
    caPem: `${ca.toString("pem")}\n`,
    servingCertPem: `${serving.toString("pem")}\n`,
    servingKeyPem: await privateKeyPem(servingKeys.privateKey),
    tokenKeys,
    frontProxy,
  };
}
