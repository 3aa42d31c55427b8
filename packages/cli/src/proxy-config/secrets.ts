import { X509Certificate } from "node:crypto";
import { at, textOf } from "@heddle/std";
import type { ConfigDump } from "./dump.ts";

export const SECRET_HEADER = [
  "RESOURCE NAME",
  "TYPE",
  "STATUS",
  "VALID CERT",
  "SERIAL NUMBER",
  "NOT AFTER",
  "NOT BEFORE",
] as const;

/** Certificates that a proxy holds; private keys are never read. */
export function secretRows(secrets: ConfigDump["secrets"], now: Date): string[][] {
  return secrets.map(({ name, state, secret }) => {
    const chain = pemOf(at(secret, "tls_certificate", "certificate_chain"));
    const trust = pemOf(at(secret, "validation_context", "trusted_ca"));
    const type = chain ? "Cert Chain" : "CA";
    const pem = chain || trust;
    const certificate = pem.includes("BEGIN CERTIFICATE") ? new X509Certificate(pem) : undefined;
    if (!certificate) return [name, type, state, "false", "", "", ""];
    const from = new Date(certificate.validFrom);
    const to = new Date(certificate.validTo);
    const stamp = (d: Date) => d.toISOString().replace(/\.\d+Z$/, "Z");
    return [
      name,
      type,
      state,
      String(from <= now && now < to),
      certificate.serialNumber.toLowerCase(),
      stamp(to),
      stamp(from),
    ];
  });
}

/** As istioctl prints it, Envoy's SecretsConfigDump with JSON's names: chains and roots; keys are left out. */
export function secretDump(secrets: ConfigDump["secrets"]) {
  const listed = (wanted: "ACTIVE" | "WARMING") =>
    secrets
      .filter(({ state }) => state === wanted)
      .map(({ name, secret }) => ({ name, secret: publicPart(name, secret) }));
  const warming = listed("WARMING");
  return {
    dynamicActiveSecrets: listed("ACTIVE"),
    ...(warming.length === 0 ? {} : { dynamicWarmingSecrets: warming }),
  };
}

function publicPart(name: string, secret: ConfigDump["secrets"][number]["secret"]) {
  const bytes = (pem: string) => ({ inlineBytes: Buffer.from(pem, "utf8").toString("base64") });
  const chain = pemOf(at(secret, "tls_certificate", "certificate_chain"));
  const trust = pemOf(at(secret, "validation_context", "trusted_ca"));
  return {
    "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
    name,
    ...(chain === "" ? {} : { tlsCertificate: { certificateChain: bytes(chain) } }),
    ...(trust === "" ? {} : { validationContext: { trustedCa: bytes(trust) } }),
  };
}

/** Text of a data source, however the proxy writes it. */
export function pemOf(source: unknown): string {
  const inlineText = textOf(at(source, "inline_string"));
  return inlineText || Buffer.from(textOf(at(source, "inline_bytes")), "base64").toString("utf8");
}
