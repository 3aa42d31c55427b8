import { matchesString } from "../config/string-match.ts";
import type { SanMatch } from "../config/tls-context.ts";
import type { PeerIdentity } from "../transport/connection.ts";

/** Whether one of the peer's names satisfies one of the conditions; no conditions accept everyone. */
export function acceptsPeer(sans: readonly SanMatch[], peer: PeerIdentity): boolean {
  if (sans.length === 0) return true;
  for (const san of sans) {
    if (san.type !== "dns" && peer.uriSans.some((name) => matchesString(san.match, name))) return true;
    if (san.type !== "uri" && peer.dnsSans.some((name) => matchesString(san.match, name))) return true;
  }
  return false;
}

/** What is wrong with a finished handshake, or undefined. `chainError` is the runtime's verdict on the chain. */
export function refusePeer(
  conditions: {
    readonly sans: readonly SanMatch[];
    /** A certificate must be there and lead to a trusted root. */
    readonly verifyChain: boolean;
    readonly required: boolean;
  },
  peer: PeerIdentity | undefined,
  chainError: string | undefined,
): string | undefined {
  if (peer === undefined) return conditions.required ? "the peer sent no certificate" : undefined;
  if (conditions.verifyChain && chainError !== undefined) return `CERTIFICATE_VERIFY_FAILED: ${chainError}`;
  if (acceptsPeer(conditions.sans, peer)) return undefined;
  const names = [...peer.uriSans, ...peer.dnsSans].join(", ");
  return `CERTIFICATE_VERIFY_FAILED: verify cert failed: SAN matcher; the peer is ${names === "" ? "unnamed" : names}`;
}
