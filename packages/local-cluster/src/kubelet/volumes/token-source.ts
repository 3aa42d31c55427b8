import type { Clock } from "@heddle/std";

/** What the API server's TokenRequest gives. */
export interface IssuedToken {
  readonly token: string;
  /** RFC 3339. */
  readonly expirationTimestamp: string;
}

export interface TokenRequest {
  /** Undefined: the API server's own audience. */
  readonly audience: string | undefined;
  readonly expirationSeconds: number;
}

/** Issues a token of a service account, bound to a pod. Implemented on top of the API server. */
export type IssueToken = (
  namespace: string,
  serviceAccount: string,
  request: TokenRequest & { readonly pod: { readonly name: string; readonly uid: string } },
) => Promise<IssuedToken>;

/** Tokens of one pod, renewed when due. */
export interface TokenSource {
  get(request: TokenRequest): Promise<{ readonly token: string; readonly refreshAtMs: number }>;
}

const DAY_MS = 86_400_000;

/** When a token is replaced: at 80 % of its life, at the latest after a day. Source: kubelet `token.Manager`. */
export const refreshTime = (issuedMs: number, expiresMs: number): number =>
  issuedMs + Math.min(0.8 * (expiresMs - issuedMs), DAY_MS);

export function createTokenSource(
  issue: IssueToken,
  clock: Clock,
  owner: {
    readonly namespace: string;
    readonly serviceAccount: string;
    readonly pod: { readonly name: string; readonly uid: string };
  },
): TokenSource {
  const kept = new Map<string, { readonly token: string; readonly refreshAtMs: number }>();
  return {
    async get(request) {
      const key = `${request.audience ?? ""} ${request.expirationSeconds}`;
      const known = kept.get(key);
      if (known && clock.now() < known.refreshAtMs) return known;
      const nowMs = clock.now();
      const issued = await issue(owner.namespace, owner.serviceAccount, { ...request, pod: owner.pod });
      const fresh = { token: issued.token, refreshAtMs: refreshTime(nowMs, Date.parse(issued.expirationTimestamp)) };
      kept.set(key, fresh);
      return fresh;
    },
  };
}
