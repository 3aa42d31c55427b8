import "reflect-metadata";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import {
  BasicConstraintsExtension,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const VALID = { notBefore: new Date(Date.now() - 3_600_000), notAfter: new Date(Date.now() + 3_600_000) };

/** A certificate with its key, PEM. */
export interface TestIdentity {
  readonly cert: string;
  readonly key: string;
}

/** A small certificate authority for tests. */
export interface TestAuthority {
  readonly ca: string;
  issue(name: string, addresses: readonly string[]): Promise<TestIdentity>;
}

export async function createTestAuthority(): Promise<TestAuthority> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const root = await X509CertificateGenerator.createSelfSigned({
    name: "CN=test-ca",
    keys,
    signingAlgorithm: ALGORITHM,
    ...VALID,
    extensions: [new BasicConstraintsExtension(true, undefined, true)],
  });
  return {
    ca: root.toString("pem"),
    async issue(name, addresses) {
      const leaf = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
      const names = addresses.map((value) => ({
        type: /^[\d.]+$/.test(value) ? ("ip" as const) : ("dns" as const),
        value,
      }));
      const certificate: X509Certificate = await X509CertificateGenerator.create({
        subject: `CN=${name}`,
        issuer: root.subject,
        publicKey: leaf.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: ALGORITHM,
        ...VALID,
        extensions: names.length > 0 ? [new SubjectAlternativeNameExtension(names)] : [],
      });
      const key = Buffer.from(await crypto.subtle.exportKey("pkcs8", leaf.privateKey)).toString("base64");
      return {
        cert: certificate.toString("pem"),
        key: `-----BEGIN PRIVATE KEY-----\n${key.replace(/.{64}/g, "$&\n")}\n-----END PRIVATE KEY-----\n`,
      };
    },
  };
}

export interface TlsServer {
  readonly url: string;
  close(): void;
}

/** HTTPS on a loopback port that asks for a client certificate and takes any. */
export async function startTlsServer(
  identity: TestIdentity,
  ca: string,
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<TlsServer> {
  const server = createServer({ ...identity, ca, requestCert: true, rejectUnauthorized: false }, handle);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  return {
    url: `https://127.0.0.1:${typeof bound === "object" && bound !== null ? bound.port : 0}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
