import {
  type ApiKeyAuth,
  type ApiKeyAuthPerRoute,
  ApiKeyAuthPerRouteSchema,
  ApiKeyAuthSchema,
  CredentialSchema,
  ForwardingSchema,
  type KeySource,
  KeySourceSchema,
} from "@heddle/xds-api/envoy/extensions/filters/http/api_key_auth/v3/api_key_auth";
import type { DecodeScope } from "../scope.ts";
import { checkShape, shape } from "../shape.ts";
import { bytesOfText } from "../wire-text.ts";

/** Where a key is looked for. */
export interface ApiKeySource {
  readonly from: "header" | "query" | "cookie";
  readonly name: string;
}

/** What the upstream is told. */
export interface ApiKeyForwarding {
  /** Gets the client's name; "": none. */
  readonly header: string;
  /** The key is taken out of the request. */
  readonly hides: boolean;
}

interface ApiKeys {
  /** Key to client; empty: none are given here. */
  readonly clients: ReadonlyMap<string, string>;
  /** In the order in which they are tried; empty: none are given here. */
  readonly sources: readonly ApiKeySource[];
  readonly forwarding: ApiKeyForwarding | undefined;
}

/** Who may call, by a key. */
export interface ApiKeyAuthConfig extends ApiKeys {
  readonly kind: "api-key-auth";
}

/** What a route says in place of the filter. */
export interface ApiKeyAuthRouteConfig extends ApiKeys {
  readonly kind: "api-key-auth-route";
  /** Empty: all whose key is known. */
  readonly allowed: ReadonlySet<string>;
}

export const API_KEY_AUTH_SHAPE = shape(ApiKeyAuthSchema, ["credentials", "key_sources", "forwarding"]);
export const API_KEY_AUTH_ROUTE_SHAPE = shape(ApiKeyAuthPerRouteSchema, [
  "credentials",
  "key_sources",
  "allowed_clients",
  "forwarding",
]);
export const API_CREDENTIAL_SHAPE = shape(CredentialSchema, ["key", "client"]);
export const API_KEY_SOURCE_SHAPE = shape(KeySourceSchema, ["header", "query", "cookie"]);
export const API_FORWARDING_SHAPE = shape(
  ForwardingSchema,
  ["header"],
  {},
  {},
  {
    differs: {
      hide_credentials: "other query parameters stay as they came; Envoy sorts them and takes their encoding away",
    },
  },
);

export function decodeApiKeyAuth(message: ApiKeyAuth, scope: DecodeScope): ApiKeyAuthConfig {
  checkShape(API_KEY_AUTH_SHAPE, message, scope);
  return { kind: "api-key-auth", ...decodeKeys(message, scope) };
}

export function decodeApiKeyAuthRoute(message: ApiKeyAuthPerRoute, scope: DecodeScope): ApiKeyAuthRouteConfig {
  checkShape(API_KEY_AUTH_ROUTE_SHAPE, message, scope);
  return { kind: "api-key-auth-route", ...decodeKeys(message, scope), allowed: new Set(message.allowedClients) };
}

/** Errors: empty or repeated keys, sources that name nothing. Keys stay out of problems. */
function decodeKeys(message: ApiKeyAuth | ApiKeyAuthPerRoute, scope: DecodeScope): ApiKeys {
  const clients = new Map<string, string>();
  message.credentials.forEach((credential, i) => {
    const at = scope.field("credentials").item(i);
    checkShape(API_CREDENTIAL_SHAPE, credential, at);
    const key = bytesOfText(credential.key);
    if (key === "") at.field("key").problem("is required");
    if (credential.client === "") at.field("client").problem("is required");
    if (clients.has(key)) at.field("key").problem("stands twice");
    clients.set(key, credential.client);
  });
  const { forwarding } = message;
  if (forwarding !== undefined) checkShape(API_FORWARDING_SHAPE, forwarding, scope.field("forwarding"));
  return {
    clients,
    sources: message.keySources.flatMap((source, i) => decodeSource(source, scope.field("key_sources").item(i))),
    forwarding: forwarding && { header: forwarding.header.toLowerCase(), hides: forwarding.hideCredentials },
  };
}

/** The first that is set counts. Source: Envoy `KeySources`. */
function decodeSource(source: KeySource, scope: DecodeScope): readonly ApiKeySource[] {
  checkShape(API_KEY_SOURCE_SHAPE, source, scope);
  if (source.header !== "") return [{ from: "header", name: source.header.toLowerCase() }];
  if (source.query !== "") return [{ from: "query", name: source.query }];
  if (source.cookie !== "") return [{ from: "cookie", name: source.cookie }];
  scope.problem("needs one of header, query, cookie");
  return [];
}
