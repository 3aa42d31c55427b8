import { calculateJwkThumbprint, errors, exportJWK, type JWK, jwtVerify, SignJWT } from "jose";
import { at, list, text } from "../json/json-value.ts";
import type { Store } from "../store/store.ts";
import type { Actor } from "../write/write-request.ts";

export interface TokenSubject {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export interface BoundObject {
  readonly kind: "Pod" | "Secret" | "Node";
  readonly name: string;
  readonly uid: string;
}

export interface IssuedToken {
  readonly token: string;
  /** RFC 3339. */
  readonly expirationTimestamp: string;
}

export type TokenVerdict =
  | { readonly kind: "valid"; readonly actor: Actor; readonly audiences: readonly string[] }
  | { readonly kind: "refused"; readonly reason: string };

/** Issues and checks service-account tokens (JWT, ES256), bound to objects as Kubernetes binds them. */
export interface ServiceAccountTokens {
  readonly issuer: string;
  issue(
    subject: TokenSubject,
    audiences: readonly string[],
    expirationSeconds: number,
    bound: BoundObject | undefined,
    nodeName: string,
  ): Promise<IssuedToken>;
  /** A valid token has at least one of the audiences; default: the API server's. */
  verify(token: string, audiences?: readonly string[]): Promise<TokenVerdict>;
  /** `/openid/v1/jwks` */
  keys(): Promise<{ readonly keys: readonly JWK[] }>;
}

export interface TokenDeps {
  readonly store: Store;
  readonly keys: { readonly privateKey: CryptoKey; readonly publicKey: CryptoKey };
  readonly clusterDomain: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly uuid: () => string;
}

const ALGORITHM = "ES256";

export function createServiceAccountTokens(deps: TokenDeps): ServiceAccountTokens {
  const { store, keys, now } = deps;
  const issuer = `https://kubernetes.default.svc.${deps.clusterDomain}`;
  let published: Promise<JWK> | undefined;

  function publicJwk(): Promise<JWK> {
    published ??= exportJWK(keys.publicKey).then(async (jwk) => ({
      ...jwk,
      use: "sig",
      alg: ALGORITHM,
      kid: await calculateJwkThumbprint(jwk),
    }));
    return published;
  }

  function uidOf(resource: string, namespace: string, name: string): string | undefined {
    return store.collection(`/${resource}`).get(namespace, name)?.metadata.uid;
  }

  /** A token dies with its service account and with the object that it is bound to. */
  function refusal(namespace: string, account: string, accountUid: string, claims: unknown): string | undefined {
    if (uidOf("serviceaccounts", namespace, account) !== accountUid) return "service account UID does not match claim";
    const pod = at(claims, "pod");
    if (pod !== undefined && uidOf("pods", namespace, text(at(pod, "name"))) !== text(at(pod, "uid"))) {
      return "pod UID does not match claim: the pod is gone";
    }
    const secret = at(claims, "secret");
    if (secret !== undefined && uidOf("secrets", namespace, text(at(secret, "name"))) !== text(at(secret, "uid"))) {
      return "secret UID does not match claim: the secret is gone";
    }
    return undefined;
  }

  return {
    issuer,
    async issue(subject, audiences, expirationSeconds, bound, nodeName) {
      const { kid } = await publicJwk();
      const issued = Math.floor(now() / 1000);
      const expires = issued + expirationSeconds;
      const jti = deps.uuid();
      const reference = bound && { [bound.kind.toLowerCase()]: { name: bound.name, uid: bound.uid } };
      const node = nodeName === "" ? undefined : { name: nodeName, uid: uidOf("nodes", "", nodeName) };
      const token = await new SignJWT({
        aud: [...audiences],
        "kubernetes.io": {
          namespace: subject.namespace,
          ...(bound?.kind === "Pod" && node ? { node } : {}),
          ...reference,
          serviceaccount: { name: subject.name, uid: subject.uid },
        },
      })
        .setProtectedHeader({ alg: ALGORITHM, ...(kid === undefined ? {} : { kid }) })
        .setIssuer(issuer)
        .setSubject(`system:serviceaccount:${subject.namespace}:${subject.name}`)
        .setIssuedAt(issued)
        .setNotBefore(issued)
        .setExpirationTime(expires)
        .setJti(jti)
        .sign(keys.privateKey);
      return { token, expirationTimestamp: new Date(expires * 1000).toISOString().replace(/\.\d+Z$/, "Z") };
    },
    async verify(token, wanted = [issuer]) {
      let payload: Readonly<Record<string, unknown>>;
      try {
        const options = { issuer, algorithms: [ALGORITHM], currentDate: new Date(now()) };
        ({ payload } = await jwtVerify(token, keys.publicKey, options));
      } catch (error) {
        if (error instanceof errors.JWTExpired) return { kind: "refused", reason: "token has expired" };
        return { kind: "refused", reason: "invalid bearer token" };
      }
      const given =
        typeof payload["aud"] === "string" ? [payload["aud"]] : list(payload["aud"]).map((item) => text(item));
      const audiences = given.filter((audience) => wanted.includes(audience));
      if (audiences.length === 0) {
        return {
          kind: "refused",
          reason: `token audiences ${JSON.stringify(given)} is invalid for the target audiences ${JSON.stringify(wanted)}`,
        };
      }
      const claims = payload["kubernetes.io"];
      const namespace = text(at(claims, "namespace"));
      const account = text(at(claims, "serviceaccount", "name"));
      const uid = text(at(claims, "serviceaccount", "uid"));
      const reason = refusal(namespace, account, uid, claims);
      if (reason !== undefined) return { kind: "refused", reason };
      return { kind: "valid", audiences, actor: accountActor(namespace, account, uid, payload["jti"], claims) };
    },
    async keys() {
      return { keys: [await publicJwk()] };
    },
  };
}

function accountActor(namespace: string, account: string, uid: string, jti: unknown, claims: unknown): Actor {
  const extra: Record<string, readonly string[]> = {};
  if (typeof jti === "string") extra["authentication.kubernetes.io/credential-id"] = [`JTI=${jti}`];
  for (const kind of ["node", "pod"]) {
    const name = at(claims, kind, "name");
    const bound = at(claims, kind, "uid");
    if (typeof name === "string") extra[`authentication.kubernetes.io/${kind}-name`] = [name];
    if (typeof bound === "string") extra[`authentication.kubernetes.io/${kind}-uid`] = [bound];
  }
  return {
    name: `system:serviceaccount:${namespace}:${account}`,
    uid,
    groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"],
    extra,
  };
}
