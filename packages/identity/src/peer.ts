import { err, ok, type Result } from "@heddle/std";
import { parseSpiffeId, type SpiffeId, type SpiffeIdParts } from "./spiffe-id.ts";

export interface PeerIdentity extends SpiffeIdParts {
  readonly id: SpiffeId;
}

/**
 * The identity in a peer's certificate, from the text form of its alternative names (`URI:spiffe://…, DNS:…`) as
 * `node:tls` and grpc-js give it. Errors: a sentence; a certificate with several SPIFFE ids has none.
 * Source: X509-SVID §2, exactly one URI SAN.
 */
export function peerIdentity(subjectAltName: string | undefined): Result<PeerIdentity> {
  const uris = altNameUris(subjectAltName ?? "").filter((uri) => uri.startsWith("spiffe://"));
  const [uri] = uris;
  if (uri === undefined) return err("the peer's certificate holds no SPIFFE id");
  if (uris.length > 1) return err(`the peer's certificate holds ${uris.length} SPIFFE ids; exactly one is allowed`);
  const parsed = parseSpiffeId(uri);
  return parsed.ok ? ok(parsed.value) : parsed;
}

/** URIs of the text form. Values that hold separators come quoted (JSON), so that they cannot pretend to be further names. */
function altNameUris(text: string): readonly string[] {
  const found: string[] = [];
  for (const match of text.matchAll(/(?:^|, )([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)/g)) {
    if (match[1] !== "URI") continue;
    const value = match[2] ?? "";
    found.push(value.startsWith('"') ? value.slice(1, -1) : value);
  }
  return found;
}

/** Whether a peer may be who is expected: its id is one of `ids`, or any id of a trust domain. */
export interface PeerMatcher {
  readonly ids?: ReadonlySet<string>;
  readonly trustDomains?: ReadonlySet<string>;
}

/** Errors: a sentence that names both sides, for the access log. */
export function matchPeer(peer: PeerIdentity, expected: PeerMatcher): Result<PeerIdentity> {
  if (expected.ids !== undefined && !expected.ids.has(peer.id)) {
    const some = [...expected.ids].slice(0, 3).join(", ");
    return err(
      `the peer is ${peer.id}, expected ${expected.ids.size > 3 ? `one of ${expected.ids.size} ids (${some}, …)` : some || "nobody"}`,
    );
  }
  if (expected.trustDomains !== undefined && !expected.trustDomains.has(peer.trustDomain)) {
    return err(`the peer's trust domain ${peer.trustDomain} is not trusted (${[...expected.trustDomains].join(", ")})`);
  }
  return ok(peer);
}
