import { type PeerIdentity, peerIdentity, workloadId } from "@heddle/identity";
import { err, ok, type Result } from "@heddle/std";
import type { ClusterReviewer } from "./cluster-reviewer.ts";
import type { TokenRefusal } from "./token-review.ts";

/** What a call shows of its sender. */
export interface CallCredentials {
  /** True on the TLS port. */
  readonly secure: boolean;
  /** Text form of the alternative names of a client certificate that was verified. */
  readonly subjectAltName: string | undefined;
  /** Value of the `authorization` header. */
  readonly authorization: string | undefined;
  /** Value of the `clusterid` header: whose API server vouches for the token. Source: istio security/pkg/server/ca/authenticate. */
  readonly clusterId?: string | undefined;
  /** For the log. */
  readonly peer: string;
}

/** Who calls, and how it was proven. */
export interface Caller {
  readonly identity: PeerIdentity;
  readonly by: "certificate" | "token";
}

export interface Authenticator {
  /** Errors: what every credential offered was refused for; `invalid` also when there was none. */
  authenticate(call: CallCredentials): Promise<Result<Caller, TokenRefusal>>;
}

/** A client certificate counts first, then a bearer token. Trust domains other than ours are refused. */
export function createAuthenticator(options: {
  readonly reviewer: ClusterReviewer;
  /** Ours first, then aliases. */
  trustDomains(): readonly [string, ...string[]];
}): Authenticator {
  return {
    async authenticate(call) {
      const refusals: string[] = [];
      const [trustDomain, ...aliases] = options.trustDomains();
      if (call.subjectAltName !== undefined) {
        const peer = peerIdentity(call.subjectAltName);
        if (!peer.ok) refusals.push(peer.error);
        else if ([trustDomain, ...aliases].includes(peer.value.trustDomain))
          return ok({ identity: peer.value, by: "certificate" });
        else refusals.push(`trust domain ${peer.value.trustDomain} of the client certificate is not ${trustDomain}`);
      }
      const token = /^Bearer (\S+)$/i.exec(call.authorization ?? "")?.[1];
      if (token !== undefined) {
        const reviewed = await options.reviewer.review(token, call.clusterId);
        if (reviewed.ok) {
          const id = workloadId({ trustDomain, ...reviewed.value });
          if (id.ok) return ok({ identity: { trustDomain, ...reviewed.value, id: id.value }, by: "token" });
          refusals.push(id.error);
        } else if (reviewed.error.kind === "unavailable") return err(reviewed.error);
        else refusals.push(reviewed.error.reason);
      }
      const reason = refusals.join("; ") || "neither a client certificate nor a bearer token was sent";
      return err({ kind: "invalid", reason });
    },
  };
}
