import { createHash, X509Certificate } from "node:crypto";
import { readOtherNames } from "@heddle/identity";
import type { FormatCommand } from "../config/format.ts";
import { formatTime } from "../config/time-format.ts";
import type { TlsSession } from "../tls/tls-session.ts";
import type { PeerIdentity, TlsState } from "../transport/connection.ts";
import { dash } from "./text-values.ts";

/** Commands about the certificates of a connection: `DOWNSTREAM_PEER_…`, `UPSTREAM_LOCAL_…`. Undefined: not known. */
export function tlsValue(
  tls: TlsState | undefined,
  { name, argument }: FormatCommand,
  side: "DOWNSTREAM_" | "UPSTREAM_",
  session: () => TlsSession | undefined,
): string | undefined {
  if (tls === undefined || !name.startsWith(side)) return undefined;
  const what = name.slice(side.length);
  if (what === "TLS_SESSION_ID") return dash(session()?.id ?? "");
  if (what === "TLS_GROUP") return dash(session()?.group ?? "");
  if (what.startsWith(LOCAL)) return certificateValue(tls.own?.identity(), what.slice(LOCAL.length), argument);
  if (!what.startsWith(PEER)) return undefined;
  const of = what.slice(PEER.length);
  return chainValue(tls.peer, of) ?? certificateValue(tls.peer, of, argument);
}

const LOCAL = "LOCAL_";
const PEER = "PEER_";

/** What is said of the certificates that a peer sent beside its own. */
function chainValue(peer: PeerIdentity | undefined, name: string): string | undefined {
  const leaf = peer?.certificate;
  if (leaf === undefined) return undefined;
  const issuers = peer?.issuers ?? [];
  const [issuer] = issuers;
  switch (name) {
    case "CHAIN_FINGERPRINTS_256":
      return [leaf, ...issuers].map((der) => fingerprint(der, "sha256")).join(",");
    case "CHAIN_FINGERPRINTS_1":
      return [leaf, ...issuers].map((der) => fingerprint(der, "sha1")).join(",");
    case "CHAIN_SERIALS":
      return [leaf, ...issuers].map(serial).join(",");
    case "ISSUER_FINGERPRINT_256":
      return issuer && fingerprint(issuer, "sha256");
    case "ISSUER_SERIAL":
      return issuer && serial(issuer);
    default:
      return undefined;
  }
}

function fingerprint(der: Uint8Array, hash: "sha1" | "sha256"): string {
  return createHash(hash).update(der).digest("hex");
}

function serial(der: Uint8Array): string {
  try {
    return new X509Certificate(der).serialNumber.toLowerCase();
  } catch {
    return "";
  }
}

/** The name is without what stands for whose certificate it is. */
function certificateValue(
  peer: PeerIdentity | undefined,
  name: string,
  argument: string | undefined,
): string | undefined {
  if (peer === undefined) return undefined;
  switch (name) {
    case "SUBJECT":
      return dash(peer.subject);
    case "URI_SAN":
      return dash(peer.uriSans.join(","));
    case "DNS_SAN":
      return dash(peer.dnsSans.join(","));
  }
  const der = peer.certificate;
  if (der === undefined) return undefined;
  try {
    const certificate = new X509Certificate(der);
    switch (name) {
      case "ISSUER":
        return dash(certificate.issuer.split("\n").reverse().join(","));
      case "IP_SAN":
        return dash(namesOf(certificate, "IP Address:"));
      case "EMAIL_SAN":
        return dash(namesOf(certificate, "email:"));
      case "OTHERNAME_SAN":
        return dash(readOtherNames(der).join(","));
      case "SERIAL":
        return serial(der);
      case "FINGERPRINT_256":
        return fingerprint(der, "sha256");
      case "FINGERPRINT_1":
        return fingerprint(der, "sha1");
      case "CERT":
        return encodeURIComponent(certificate.toString());
      case "CERT_V_START":
        return formatTime(Date.parse(certificate.validFrom), argument);
      case "CERT_V_END":
        return formatTime(Date.parse(certificate.validTo), argument);
      default:
        return undefined;
    }
  } catch {
    return undefined;
  }
}

function namesOf(certificate: X509Certificate, kind: string): string {
  return (certificate.subjectAltName ?? "")
    .split(", ")
    .filter((name) => name.startsWith(kind))
    .map((name) => name.slice(kind.length))
    .join(",");
}
