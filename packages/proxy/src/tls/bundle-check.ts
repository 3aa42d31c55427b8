import { createTrustBundle, pathToRoot, type TrustBundle } from "@heddle/identity";
import type { TrustBundles } from "../config/trust-bundles.ts";
import type { PeerIdentity } from "../transport/connection.ts";
import { chainOf, type PeerCheck } from "./peer-check.ts";

/**
 * Whether the roots of a peer's own trust domain vouch for it. The TLS library knows only one set of roots, so a CA of one domain could
 * otherwise make identities of another. Source: SPIFFE X509-SVID §5.
 */
class BundleCheck implements PeerCheck {
  readonly #bundles = new Map<string, TrustBundle>();
  /** Verdicts hold as long as the bundles do: signatures don't change, and the TLS library looks at dates in each handshake. */
  readonly #known = new WeakMap<PeerIdentity, { readonly problem: string | undefined }>();

  constructor(bundles: TrustBundles) {
    for (const [domain, pem] of bundles) {
      const bundle = createTrustBundle([pem]);
      if (bundle.ok) this.#bundles.set(domain, bundle.value);
    }
  }

  refuse(peer: PeerIdentity): string | undefined {
    let known = this.#known.get(peer);
    if (known === undefined) {
      known = { problem: this.#problemOf(peer) };
      this.#known.set(peer, known);
    }
    return known.problem;
  }

  #problemOf(peer: PeerIdentity): string | undefined {
    const [id, ...others] = peer.uriSans;
    const domain = /^spiffe:\/\/([^/]+)\//.exec(id ?? "")?.[1];
    if (domain === undefined || others.length > 0) return "the peer's certificate does not hold exactly one SPIFFE id";
    const bundle = this.#bundles.get(domain);
    if (bundle === undefined)
      return `there is no trust bundle of ${domain}, and the peer is ${id}; known are ${[...this.#bundles.keys()].join(", ")} (MeshConfig caCertificates)`;
    if (pathToRoot(chainOf(peer), bundle) !== undefined) return undefined;
    return `the trust bundle of ${domain} does not vouch for ${id}: its certificate was issued by a CA of somebody else`;
  }
}

export function createBundleCheck(bundles: TrustBundles): PeerCheck {
  return new BundleCheck(bundles);
}
