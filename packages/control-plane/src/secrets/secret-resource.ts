import { create } from "@bufbuild/protobuf";
import type { EncodedResource } from "@heddle/xds";
import { SecretSchema } from "@heddle/xds-api/envoy/extensions/transport_sockets/tls/v3/secret";
import { encodeResource } from "../resources/encode.ts";
import { secretText } from "./data-text.ts";

/** The parts of a Secret that TLS needs, PEM. Never printed. */
export interface SecretData {
  readonly certificate: string | undefined;
  readonly key: string | undefined;
  readonly roots: string | undefined;
}

export interface WantedSecret {
  /** Names of the Secrets to look into, the first that has the part counts. */
  readonly secrets: readonly string[];
  readonly roots: boolean;
}

const prefix = "kubernetes://";
const rootsSuffix = "-cacert";

/** Reads an SDS name: `kubernetes://<secret>`, with `-cacert` for the roots. Undefined for names that are not ours. */
export function parseSecretName(name: string): WantedSecret | undefined {
  if (!name.startsWith(prefix)) return undefined;
  const secret = name.slice(prefix.length);
  if (!/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(secret)) return undefined;
  if (!secret.endsWith(rootsSuffix)) return { secrets: [secret], roots: false };
  // Roots may sit in a Secret of their own, or beside the certificate.
  return { secrets: [secret, secret.slice(0, -rootsSuffix.length)], roots: true };
}

/** Reads both layouts: `tls.crt tls.key ca.crt` and Istio's older `cert key cacert`. */
export function secretDataOf(object: Readonly<Record<string, unknown>>): SecretData {
  const part = (...keys: readonly string[]): string | undefined =>
    keys.map((key) => secretText(object, key)).find((value) => value !== undefined);
  return { certificate: part("tls.crt", "cert"), key: part("tls.key", "key"), roots: part("ca.crt", "cacert") };
}

const inline = (text: string) => ({ specifier: { case: "inlineString", value: text } }) as const;

/** The SDS resource; undefined while no Secret has what is asked for. */
export function credentialOf(
  name: string,
  roots: boolean,
  candidates: readonly (SecretData | undefined)[],
): EncodedResource | undefined {
  if (roots) {
    const trusted = candidates.map((data) => data?.roots).find((text) => text !== undefined);
    if (trusted === undefined) return undefined;
    const value = { trustedCa: inline(trusted) };
    return encodeResource(
      SecretSchema,
      name,
      create(SecretSchema, { name, type: { case: "validationContext", value } }),
    );
  }
  const data = candidates[0];
  if (data?.certificate === undefined || data.key === undefined) return undefined;
  const value = { certificateChain: inline(data.certificate), privateKey: inline(data.key) };
  return encodeResource(SecretSchema, name, create(SecretSchema, { name, type: { case: "tlsCertificate", value } }));
}
