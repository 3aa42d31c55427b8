import {
  createTrustBundle,
  pathToRoot,
  type RevocationList,
  readRevocationList,
  type TrustBundle,
} from "@heddle/identity";
import { listsIn, type RevocationConfig } from "../config/revocation.ts";
import type { PeerIdentity } from "../transport/connection.ts";
import { chainOf, type PeerCheck } from "./peer-check.ts";

/** What a context and its secret say together, with the lists that stand among the roots; undefined: nothing is revoked. */
export function mergeRevocation(
  own: RevocationConfig | undefined,
  shared: RevocationConfig | undefined,
  roots: string,
): RevocationConfig | undefined {
  const named = shared !== undefined && shared.lists.length > 0 ? shared.lists : (own?.lists ?? []);
  const lists = [...named, ...listsIn(roots)];
  return lists.length === 0 ? undefined : { lists, leafOnly: own?.leafOnly === true || shared?.leafOnly === true };
}

/**
 * Whether the CA that issued a peer's certificate has revoked it. The TLS library can do this for the whole chain only, where each issuer needs a
 * list. Source: OpenSSL `X509_V_FLAG_CRL_CHECK`: without a list that holds now nobody is accepted.
 */
class LeafRevocation implements PeerCheck {
  readonly #lists: readonly RevocationList[];
  readonly #roots: TrustBundle | undefined;
  readonly #nowMs: () => number;
  /** Signatures don't change: the list of each peer's issuer is found once. */
  readonly #known = new WeakMap<PeerIdentity, Finding>();

  constructor(lists: readonly string[], roots: string, nowMs: () => number) {
    this.#lists = lists.flatMap((pem) => {
      const read = readRevocationList(pem);
      return read.ok && !read.value.partial ? [read.value] : [];
    });
    const bundle = createTrustBundle([roots]);
    this.#roots = bundle.ok ? bundle.value : undefined;
    this.#nowMs = nowMs;
  }

  refuse(peer: PeerIdentity): string | undefined {
    let found = this.#known.get(peer);
    if (found === undefined) {
      found = this.#find(peer);
      this.#known.set(peer, found);
    }
    if (typeof found === "string") return found;
    const nowMs = this.#nowMs();
    if (nowMs < found.fromMs) return `CRL is not yet valid: the issuer's revocation list begins ${iso(found.fromMs)}`;
    if (nowMs > found.untilMs) return `CRL has expired: the issuer's revocation list ended ${iso(found.untilMs)}`;
    return undefined;
  }

  #find(peer: PeerIdentity): Finding {
    const [leaf, issuer] = this.#roots === undefined ? [] : (pathToRoot(chainOf(peer), this.#roots) ?? []);
    if (leaf === undefined || issuer === undefined) return "unable to get certificate CRL: the issuer is not known";
    const signed = this.#lists.filter((list) => list.signedBy(issuer));
    if (signed.some((list) => list.revokes(leaf))) return `certificate revoked: serial ${leaf.x509.serialNumber}`;
    // Of several the newest counts.
    const newest = signed.toSorted((a, b) => b.fromMs - a.fromMs)[0];
    return newest ?? `unable to get certificate CRL: crl has no list of "${issuer.x509.subject}"`;
  }
}

/** A reason to refuse, or the list that does not name the certificate. */
type Finding = string | RevocationList;

/** `nowMs`: since 1970. */
export function createLeafRevocation(lists: readonly string[], roots: string, nowMs: () => number): PeerCheck {
  return new LeafRevocation(lists, roots, nowMs);
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
