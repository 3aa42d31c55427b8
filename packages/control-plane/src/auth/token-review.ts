import { isObject } from "@heddle/config";
import { isKubeError, type KubeClient } from "@heddle/kube-client";
import { err, ok, type Result } from "@heddle/std";

/** Whose token it is. */
export interface TokenIdentity {
  readonly namespace: string;
  readonly serviceAccount: string;
}

export interface TokenRefusal {
  /** `invalid`: the token is no good. `unavailable`: nobody could be asked; trying again may help. */
  readonly kind: "invalid" | "unavailable";
  /** Never holds the token. */
  readonly reason: string;
}

/** Checks bearer tokens. */
export interface TokenReviewer {
  review(token: string): Promise<Result<TokenIdentity, TokenRefusal>>;
}

/** Audience of the tokens that pods get for the CA. Source: Istio `TOKEN_AUDIENCES`. */
export const tokenAudience = "istio-ca";

/** Asks the API server (TokenReview, bound to our audience). */
class KubernetesReviewer implements TokenReviewer {
  readonly #kube: Pick<KubeClient, "request">;

  constructor(kube: Pick<KubeClient, "request">) {
    this.#kube = kube;
  }

  async review(token: string): Promise<Result<TokenIdentity, TokenRefusal>> {
    const body = {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenReview",
      spec: { token, audiences: [tokenAudience] },
    };
    let answer: unknown;
    try {
      answer = await (await this.#kube.request("POST", "/apis/authentication.k8s.io/v1/tokenreviews", { body })).json();
    } catch (error) {
      const reason = isKubeError(error) ? error.message : "no answer";
      return err({ kind: "unavailable", reason: `the API server could not review the token: ${reason}` });
    }
    return readReview(answer);
  }
}

/** Reads the status of a TokenReview. */
export function readReview(answer: unknown): Result<TokenIdentity, TokenRefusal> {
  const status = isObject(answer) && isObject(answer["status"]) ? answer["status"] : {};
  const invalid = (reason: string): Result<never, TokenRefusal> => err({ kind: "invalid", reason });
  if (status["authenticated"] !== true) {
    const said = typeof status["error"] === "string" && status["error"] !== "" ? `: ${status["error"]}` : "";
    return invalid(
      `the API server does not accept the token (expired, forged, or not for audience ${tokenAudience})${said}`,
    );
  }
  const audiences = Array.isArray(status["audiences"]) ? status["audiences"] : [];
  if (!audiences.includes(tokenAudience)) return invalid(`the token is not for audience ${tokenAudience}`);
  const user = isObject(status["user"]) ? status["user"] : {};
  const name = typeof user["username"] === "string" ? user["username"] : "";
  const match = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(name);
  if (match === null) return invalid(`the token belongs to "${name}", which is no service account`);
  return ok({ namespace: match[1] ?? "", serviceAccount: match[2] ?? "" });
}

export function createKubernetesReviewer(kube: Pick<KubeClient, "request">): TokenReviewer {
  return new KubernetesReviewer(kube);
}

/** For runs without a cluster: nobody can vouch for tokens. */
export const noReviewer: TokenReviewer = {
  review: async () =>
    err({ kind: "invalid", reason: "tokens cannot be checked without a Kubernetes API; use a client certificate" }),
};
