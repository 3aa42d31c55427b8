import "reflect-metadata";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  type GeneralNameType,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
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

/** Makes a cluster CA and what it signs. */
export async function createClusterPki(deps: PkiDeps): Promise<ClusterPki> {
  const { network, randomBytes } = deps;
  const notBefore = new Date(deps.now - DAY_MS);
  const notAfter = new Date(deps.now + VALID_DAYS * DAY_MS);
  const [caKeys, servingKeys, tokenKeys] = await Promise.all([newKeys(), newKeys(), newKeys()]);
  const ca = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(randomBytes),
    name: "CN=kubernetes",
    notBefore,
    notAfter,
    signingAlgorithm: ALGORITHM,
    keys: caKeys,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign | KeyUsageFlags.digitalSignature, true),
    ],
  });
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
  };
}
