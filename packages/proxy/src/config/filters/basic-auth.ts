import {
  type BasicAuth,
  type BasicAuthPerRoute,
  BasicAuthPerRouteSchema,
  BasicAuthSchema,
} from "@heddle/xds-api/envoy/extensions/filters/http/basic_auth/v3/basic_auth";
import { decodeDataText } from "../data-source.ts";
import type { DataSource } from "../proto.ts";
import type { DecodeScope } from "../scope.ts";
import { checkShape, shape } from "../shape.ts";

/** Name to base64 of the password's SHA-1. */
export type BasicUsers = ReadonlyMap<string, string>;

/** Who may call, by name and password. */
export interface BasicAuthConfig {
  readonly kind: "basic-auth";
  readonly users: BasicUsers;
  /** Gets the name; "": none. */
  readonly forwardHeader: string;
  /** Where the credentials are. */
  readonly header: string;
  readonly allowMissing: boolean;
  /** The name becomes metadata. */
  readonly leavesName: boolean;
  /** "": the address that was asked for. */
  readonly realm: string;
}

/** Users of a route in place of the filter's. */
export interface BasicAuthRouteConfig {
  readonly kind: "basic-auth-route";
  readonly users: BasicUsers;
  readonly realm: string;
}

export const BASIC_AUTH_SHAPE = shape(BasicAuthSchema, [
  "users",
  "forward_username_header",
  "authentication_header",
  "allow_missing",
  "emit_dynamic_metadata",
  "realm",
]);
export const BASIC_AUTH_ROUTE_SHAPE = shape(BasicAuthPerRouteSchema, ["users", "realm"]);

/** Errors: no users, lines that are not `name:{SHA}hash`, a name twice. */
export function decodeBasicAuth(message: BasicAuth, scope: DecodeScope): BasicAuthConfig {
  checkShape(BASIC_AUTH_SHAPE, message, scope);
  return {
    kind: "basic-auth",
    users: decodeUsers(message.users, scope.field("users")),
    forwardHeader: message.forwardUsernameHeader.toLowerCase(),
    header: message.authenticationHeader.toLowerCase() || "authorization",
    allowMissing: message.allowMissing,
    leavesName: message.emitDynamicMetadata,
    realm: message.realm,
  };
}

export function decodeBasicAuthRoute(message: BasicAuthPerRoute, scope: DecodeScope): BasicAuthRouteConfig {
  checkShape(BASIC_AUTH_ROUTE_SHAPE, message, scope);
  return {
    kind: "basic-auth-route",
    users: decodeUsers(message.users, scope.field("users")),
    realm: message.realm,
  };
}

const PREFIX = "{SHA}";
/** 20 bytes in base64. */
const HASH_LENGTH = 28;

/** Reads an htpasswd file. Source: Envoy `readHtpasswd`; only SHA-1 is known to it. Passwords stay out of problems. */
function decodeUsers(source: DataSource | undefined, scope: DecodeScope): BasicUsers {
  const users = new Map<string, string>();
  if (source === undefined) {
    scope.problem("is required: lines of name:{SHA}hash");
    return users;
  }
  const lines = (decodeDataText(source, scope) ?? "").split("\n");
  lines.forEach((line, i) => {
    if (line === "" || line.startsWith("#")) return;
    const problem = (reason: string) => scope.problem(`line ${i + 1}: ${reason}`);
    const colon = line.indexOf(":");
    const [name, hash] = [line.slice(0, Math.max(0, colon)), line.slice(colon + 1)];
    if (colon < 0) problem("is not name:{SHA}hash");
    else if (name === "" || hash === "") problem("needs a name and a hash");
    else if (users.has(name)) problem(`${name} stands twice`);
    else if (!hash.startsWith(PREFIX)) problem("only {SHA} is known; make it by htpasswd -s");
    else if (hash.length !== PREFIX.length + HASH_LENGTH) problem("the hash is not that of SHA-1 in base64");
    else users.set(name, hash.slice(PREFIX.length));
  });
  return users;
}
