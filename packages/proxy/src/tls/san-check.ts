import { createHash, X509Certificate } from "node:crypto";
import { matchesString } from "../config/string-match.ts";
import type { CertificatePins, SanMatch } from "../config/tls-context.ts";
import type { PeerIdentity } from "../transport/connection.ts";
import { withHint } from "./handshake-hint.ts";
import type { PeerCheck } from "./peer-check.ts";

/** Whether one of the peer's names satisfies one of the conditions; no conditions accept everyone. */
export function acceptsPeer(sans: readonly SanMatch[], peer: Pick<PeerIdentity, "uriSans" | "dnsSans">): boolean {
  if (sans.length === 0) return true;
  for (const san of sans) {
    if (san.type !== "dns" && peer.uriSans.some((name) => matchesString(san.match, name))) return true;
    if (san.type !== "uri" && peer.dnsSans.some((name) => matchesString(san.match, name))) return true;
  }
  return false;
}

/** Whether a certificate, or its key, is one of those named. Source: Envoy `verify_certificate_hash`, `verify_certificate_spki`. */
function isPinned(pins: CertificatePins, der: Uint8Array | undefined): boolean {
  if (der === undefined) return false;
  if (pins.certificates.includes(createHash("sha256").update(der).digest("hex"))) return true;
  if (pins.keys.length === 0) return false;
  const key = new X509Certificate(der).publicKey.export({ type: "spki", format: "der" });
  return pins.keys.includes(createHash("sha256").update(key).digest("base64"));
}

/** What is wrong with a finished handshake, or undefined. `chainError` is the runtime's verdict on the chain. */
export function refusePeer(
  conditions: {
    readonly sans: readonly SanMatch[];
    /** A certificate must be there and lead to a trusted root. */
    readonly verifyChain: boolean;
    readonly required: boolean;
    readonly pins: CertificatePins | undefined;
    readonly checks: readonly PeerCheck[];
  },
  peer: PeerIdentity | undefined,
  chainError: string | undefined,
): string | undefined {
  if (peer === undefined) {
    if (!conditions.required) return undefined;
    return `the peer sent no certificate${chainError === undefined ? "" : ` (${chainError})`}`;
  }
  const names = [...peer.uriSans, ...peer.dnsSans].join(", ") || "unnamed";
  if (conditions.verifyChain && chainError !== undefined)
    return `CERTIFICATE_VERIFY_FAILED: ${withHint(`${chainError} of ${names}`)}`;
  for (const check of conditions.checks) {
    const reason = check.refuse(peer);
    if (reason !== undefined) return `CERTIFICATE_VERIFY_FAILED: ${reason}`;
  }
  if (conditions.pins !== undefined && !isPinned(conditions.pins, peer.certificate))
    return "CERTIFICATE_VERIFY_FAILED: the certificate is none of verify_certificate_hash or verify_certificate_spki";
  if (acceptsPeer(conditions.sans, peer)) return undefined;
  return `CERTIFICATE_VERIFY_FAILED: verify cert failed: SAN matcher; the peer is ${names}`;
}
