import { timingSafeEqual } from "node:crypto";
import { unauthorized } from "../errors/api-errors.ts";
import type { Actor } from "../write/write-request.ts";
import type { ServiceAccountTokens } from "./service-account-tokens.ts";

export interface Authenticator {
  /** The administrator, when the token is theirs. */
  adminOf(token: string): Actor | undefined;
  /** Errors: 401 for a token that is wrong; no token is `system:anonymous`. */
  authenticate(headers: Readonly<Record<string, string>>): Promise<Actor>;
}

export interface AuthenticatorDeps {
  readonly adminToken: string;
  readonly tokens: Pick<ServiceAccountTokens, "verify">;
}

export const ANONYMOUS: Actor = { name: "system:anonymous", uid: "", groups: ["system:unauthenticated"], extra: {} };

const ADMIN: Actor = {
  name: "kubernetes-admin",
  uid: "",
  groups: ["system:masters", "system:authenticated"],
  extra: {},
};

function same(left: string, right: string): boolean {
  const a = Buffer.from(left);
  const b = Buffer.from(right);
  return a.length === b.length && timingSafeEqual(a, b);
}

export function bearerToken(headers: Readonly<Record<string, string>>): string | undefined {
  const found = /^bearer\s+(\S+)\s*$/i.exec(headers["authorization"] ?? "");
  if (found) return found[1];
  // Browsers cannot set headers on a WebSocket: Kubernetes takes the token as a subprotocol.
  for (const part of (headers["sec-websocket-protocol"] ?? "").split(",")) {
    const token = /^\s*base64url\.bearer\.authorization\.k8s\.io\.(\S+)\s*$/.exec(part);
    if (token) return Buffer.from(token[1] ?? "", "base64url").toString();
  }
  return undefined;
}

export function createAuthenticator(deps: AuthenticatorDeps): Authenticator {
  const adminOf = (token: string) => (same(token, deps.adminToken) ? ADMIN : undefined);
  return {
    adminOf,
    async authenticate(headers) {
      const token = bearerToken(headers);
      if (token === undefined) return ANONYMOUS;
      const admin = adminOf(token);
      if (admin) return admin;
      const verdict = await deps.tokens.verify(token);
      if (verdict.kind === "refused") throw unauthorized();
      return verdict.actor;
    },
  };
}
