import {
  type StatefulSession,
  type StatefulSessionPerRoute,
  StatefulSessionPerRouteSchema,
  StatefulSessionSchema,
} from "@heddle/xds-api/envoy/extensions/filters/http/stateful_session/v3/stateful_session";
import { CookieBasedSessionStateSchema } from "@heddle/xds-api/envoy/extensions/http/stateful_session/cookie/v3/cookie";
import { HeaderBasedSessionStateSchema } from "@heddle/xds-api/envoy/extensions/http/stateful_session/header/v3/header";
import { type Cookie, CookieAttributeSchema, CookieSchema } from "@heddle/xds-api/envoy/type/http/v3/cookie";
import { type AnyTable, decodeAny, messageEntry } from "../any-field.ts";
import type { DecodeScope } from "../scope.ts";
import { checkShape, shape } from "../shape.ts";

/** Requests of a session go to the host that answered its first. */
export interface StatefulSessionConfig {
  readonly kind: "stateful-session";
  /** Undefined: there are no sessions. */
  readonly state: SessionStateConfig | undefined;
  /** No other host will do. */
  readonly strict: boolean;
  /** Of the answer where it is gone. */
  readonly strictStatus: number;
  /** In the names of its statistics; "": nothing is counted. */
  readonly statPrefix: string;
}

/** Where the host's address stands. */
export type SessionStateConfig =
  | { readonly kind: "header"; readonly name: string }
  | {
      readonly kind: "cookie";
      readonly name: string;
      /** 0: until the browser ends. */
      readonly ttlSeconds: number;
      /** "": all paths. */
      readonly path: string;
      /** As they are sent, each behind `; `. */
      readonly attributes: string;
    };

export const STATEFUL_SESSION_SHAPE = shape(StatefulSessionSchema, [
  "session_state",
  "strict",
  "stat_prefix",
  "status_on_strict_destination_not_found",
]);
export const STATEFUL_SESSION_ROUTE_SHAPE = shape(StatefulSessionPerRouteSchema, ["disabled", "stateful_session"]);
export const SESSION_COOKIE_STATE_SHAPE = shape(CookieBasedSessionStateSchema, ["cookie"]);
export const SESSION_HEADER_STATE_SHAPE = shape(HeaderBasedSessionStateSchema, ["name"]);
export const SESSION_COOKIE_SHAPE = shape(CookieSchema, ["name", "ttl", "path", "attributes"]);
export const COOKIE_ATTRIBUTE_SHAPE = shape(CookieAttributeSchema, ["name", "value"]);

const STATES: AnyTable<SessionStateConfig> = {
  [CookieBasedSessionStateSchema.typeName]: messageEntry(CookieBasedSessionStateSchema, (message, scope) => {
    checkShape(SESSION_COOKIE_STATE_SHAPE, message, scope);
    return decodeCookie(message.cookie, scope.field("cookie"));
  }),
  [HeaderBasedSessionStateSchema.typeName]: messageEntry(HeaderBasedSessionStateSchema, (message, scope) => {
    checkShape(SESSION_HEADER_STATE_SHAPE, message, scope);
    if (message.name === "") scope.field("name").problem("is required");
    return { kind: "header", name: message.name.toLowerCase() };
  }),
};

/** Kinds of sessions; for the reference. */
export const SESSION_STATE_TYPES: readonly string[] = Object.keys(STATES);

/** Errors: states of other kinds, a cookie or header without a name, a status that is none. */
export function decodeStatefulSession(message: StatefulSession, scope: DecodeScope): StatefulSessionConfig {
  checkShape(STATEFUL_SESSION_SHAPE, message, scope);
  const { sessionState, statusOnStrictDestinationNotFound: status } = message;
  if (status !== 0 && (status < 200 || status > 599))
    scope.field("status_on_strict_destination_not_found").problem(`${status} is no status of an answer: 200 to 599`);
  return {
    kind: "stateful-session",
    state:
      sessionState && decodeAny(sessionState.typedConfig, STATES, scope.field("session_state").field("typed_config")),
    strict: message.strict,
    strictStatus: status || 503,
    statPrefix: message.statPrefix,
  };
}

/** Errors: neither `disabled: true` nor `stateful_session`. */
export function decodeStatefulSessionRoute(
  message: StatefulSessionPerRoute,
  scope: DecodeScope,
): StatefulSessionConfig | undefined {
  checkShape(STATEFUL_SESSION_ROUTE_SHAPE, message, scope);
  const { override } = message;
  if (override.case === "statefulSession")
    return decodeStatefulSession(override.value, scope.field("stateful_session"));
  if (override.case === "disabled" && override.value) return NO_SESSIONS;
  scope.problem("say disabled: true, or give a stateful_session of its own");
  return undefined;
}

const NO_SESSIONS: StatefulSessionConfig = {
  kind: "stateful-session",
  state: undefined,
  strict: false,
  strictStatus: 503,
  statPrefix: "",
};

function decodeCookie(cookie: Cookie | undefined, scope: DecodeScope): SessionStateConfig | undefined {
  if (cookie === undefined) {
    scope.problem("is required");
    return undefined;
  }
  checkShape(SESSION_COOKIE_SHAPE, cookie, scope);
  if (cookie.name === "") scope.field("name").problem("is required");
  const seconds = Number(cookie.ttl?.seconds ?? 0);
  if (seconds < 0 || (cookie.ttl?.nanos ?? 0) < 0) scope.field("ttl").problem("must not be negative");
  cookie.attributes.forEach((attribute, i) => {
    const at = scope.field("attributes").item(i);
    checkShape(COOKIE_ATTRIBUTE_SHAPE, attribute, at);
    if (attribute.name === "") at.field("name").problem("is required");
  });
  return {
    kind: "cookie",
    name: cookie.name,
    ttlSeconds: seconds,
    path: cookie.path,
    attributes: cookie.attributes
      .map(({ name, value }) => (value === "" ? `; ${name}` : `; ${name}=${value}`))
      .join(""),
  };
}
