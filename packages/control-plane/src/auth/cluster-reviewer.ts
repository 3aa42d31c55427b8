import { err, type Result } from "@heddle/std";
import type { TokenIdentity, TokenRefusal, TokenReviewer } from "./token-review.ts";

/** Checks bearer tokens, each at the API server of the cluster that it comes from. */
export interface ClusterReviewer {
  /** @param clusterId As the caller names it; undefined: the own cluster. */
  review(token: string, clusterId?: string): Promise<Result<TokenIdentity, TokenRefusal>>;
}

export interface ClusterReviewerOptions {
  readonly own: TokenReviewer;
  readonly ownId: string;
  /** Undefined: no remote Secret names this cluster. */
  readonly remote: (clusterId: string) => TokenReviewer | undefined;
}

/** What callers say who were never told a name. */
const UNNAMED = ["", "Kubernetes"];

/** A cluster vouches for its own service accounts only: an unknown one for none. */
export function createClusterReviewer(options: ClusterReviewerOptions): ClusterReviewer {
  const { own, ownId, remote } = options;
  return {
    async review(token, clusterId = "") {
      if (clusterId === ownId) return own.review(token);
      const found = remote(clusterId);
      if (found !== undefined) return found.review(token);
      if (UNNAMED.includes(clusterId)) return own.review(token);
      return err({
        kind: "invalid",
        reason: `the caller says that it is of cluster ${clusterId.slice(0, 63)}, which this control plane (cluster ${ownId}) does not know: create-remote-secret --name ${clusterId.slice(0, 63)}, or correct its clusterName`,
      });
    },
  };
}
