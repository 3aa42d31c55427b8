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

/** Text of a data source, however the proxy writes it. */
export function pemOf(source: unknown): string {
  const inlineText = textOf(at(source, "inline_string"));
  return inlineText || Buffer.from(textOf(at(source, "inline_bytes")), "base64").toString("utf8");
}
