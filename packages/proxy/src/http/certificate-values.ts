import { createHash, X509Certificate } from "node:crypto";
import { formatTime } from "../config/time-format.ts";
import type { PeerIdentity } from "../transport/connection.ts";

/** What commands of access logs say of a peer's certificate; the name is without its `…_PEER_`. Undefined: not known. */
export function certificateValue(
  peer: PeerIdentity | undefined,
  name: string,
  argument: string | undefined,
): string | undefined {
  if (peer === undefined) return undefined;
  switch (name) {
    case "SUBJECT":
      return text(peer.subject);
    case "URI_SAN":
      return text(peer.uriSans.join(","));
    case "DNS_SAN":
      return text(peer.dnsSans.join(","));
  }
  const der = peer.certificate;
  if (der === undefined) return undefined;
  try {
    const certificate = new X509Certificate(der);
    switch (name) {
      case "ISSUER":
        return text(certificate.issuer.split("\n").reverse().join(","));
      case "IP_SAN":
        return text(namesOf(certificate, "IP Address:"));
      case "EMAIL_SAN":
        return text(namesOf(certificate, "email:"));
      case "SERIAL":
        return certificate.serialNumber.toLowerCase();
      case "FINGERPRINT_256":
        return createHash("sha256").update(der).digest("hex");
      case "FINGERPRINT_1":
        return createHash("sha1").update(der).digest("hex");
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

function text(value: string): string | undefined {
  return value === "" ? undefined : value;
}
