import type { JsonValue } from "@bufbuild/protobuf";
import {
  decodeJwt,
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  jwtVerify,
} from "jose";
import type {
  JwtAuthnConfig,
  JwtProviderConfig,
  JwtRequirementConfig,
  JwtRouteConfig,
} from "../config/filters/jwt-authn.ts";
import { matchesString } from "../config/string-match.ts";
import { bytesOfText } from "../config/wire-text.ts";
import { matchesRoute } from "../router/route-matcher.ts";
import type { FilterCall, FilterSurroundings, HttpFilter } from "./http-filter.ts";
import { createJwksKeys, type JwksKeys } from "./jwks-keys.ts";
import { findToken, removeToken } from "./jwt-token.ts";
import { leaveMetadata } from "./leave-metadata.ts";

const NAME = "envoy.filters.http.jwt_authn";
const MISSING = "Jwt is missing";
const AUDIENCE = "Audiences in Jwt are not allowed";
const FORMAT = "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections";

const FAILED = "Jwt verification fails";
const ISSUER = "Jwt issuer is not configured";
const NO_KEYS = "Jwks remote fetch is failed";
const NO_MATCH = "Jwks doesn't have key to match kid or alg from Jwt";

/** Numbers of failures in metadata. Source: jwt_verify_lib's `Status` in Envoy 1.40. */
const CODES: Readonly<Record<string, number>> = {
  [MISSING]: 1,
  "Jwt not yet valid": 2,
  "Jwt is expired": 3,
  [FORMAT]: 4,
  [ISSUER]: 24,
  [AUDIENCE]: 25,
  [FAILED]: 26,
  [NO_MATCH]: 32,
  [NO_KEYS]: 40,
};

/** Whether what is left of a token's life is no longer than it may be. Source: Envoy `max_lifetime`. */
function shortLived(payload: JWTPayload, maxSeconds: number, nowMs: number): boolean {
  return payload.exp !== undefined && payload.exp - nowMs / 1000 <= maxSeconds;
}

/** Verified tokens of one request by provider. */
type Verified = Map<JwtProviderConfig, JWTPayload>;

/** Verifies tokens for all routes of a connection manager. */
export interface JwtVerifier {
  readonly config: JwtAuthnConfig;
  /** Undefined when the requirement is met, else what the client is told. */
  check(requirement: JwtRequirementConfig, call: FilterCall, verified: Verified): Promise<string | undefined>;
}

class ProviderVerifier implements JwtVerifier {
  readonly config: JwtAuthnConfig;
  readonly #keys = new Map<JwtProviderConfig, JwksKeys>();
  readonly #now: () => number;

  constructor(config: JwtAuthnConfig, around: FilterSurroundings) {
    this.config = config;
    this.#now = () => around.clock.now();
    for (const provider of config.providers.values()) this.#keys.set(provider, createJwksKeys(provider.jwks, around));
  }

  async check(requirement: JwtRequirementConfig, call: FilterCall, verified: Verified): Promise<string | undefined> {
    switch (requirement.kind) {
      case "provider": {
        const provider = this.config.providers.get(requirement.name);
        return provider === undefined ? MISSING : this.#verifyAndTell(provider, requirement.audiences, call, verified);
      }
      case "all":
        for (const item of requirement.list) {
          const failure = await this.check(item, call, verified);
          if (failure !== undefined) return failure;
        }
        return undefined;
      case "any":
        return this.#any(requirement.list, call, verified);
      case "allow-missing":
        return this.#anyToken(call) ? this.#every(call, verified) : this.#tellAlone(MISSING, call);
      case "allow-missing-or-failed":
        if (this.#anyToken(call)) await this.#every(call, verified);
        else this.#tellAlone(MISSING, call);
        return undefined;
    }
  }

  async #any(list: readonly JwtRequirementConfig[], call: FilterCall, verified: Verified): Promise<string | undefined> {
    let failure = MISSING;
    let tolerant: JwtRequirementConfig["kind"] | undefined;
    for (const item of list) {
      if (item.kind === "allow-missing" || item.kind === "allow-missing-or-failed") {
        tolerant = item.kind;
        continue;
      }
      const result = await this.check(item, call, verified);
      if (result === undefined) return undefined;
      // That another provider would take it says less than why this one does not.
      if (result !== MISSING && (result !== ISSUER || failure === MISSING)) failure = result;
    }
    if (tolerant === "allow-missing-or-failed" || (tolerant === "allow-missing" && failure === MISSING))
      return undefined;
    return failure;
  }

  /** Each token that is there by the first provider of its issuer. Undefined when all count, else why one does not. */
  async #every(call: FilterCall, verified: Verified): Promise<string | undefined> {
    const seen = new Set<string>();
    let failure: string | undefined;
    for (const provider of this.config.providers.values()) {
      const token = findToken(provider, call.request);
      if (token === undefined || seen.has(token)) continue;
      seen.add(token);
      const owner = this.#ownerOf(token);
      if (owner === undefined) {
        failure = issuerOf(token) === null ? FORMAT : ISSUER;
        this.#tellAlone(failure, call);
      } else failure = (await this.#verifyAndTell(owner, undefined, call, verified)) ?? failure;
    }
    return failure;
  }

  /** Who would verify it: the provider of its issuer, or one that takes every issuer. */
  #ownerOf(token: string): JwtProviderConfig | undefined {
    const providers = [...this.config.providers.values()];
    const issuer = issuerOf(token);
    return providers.find((one) => one.issuer === issuer) ?? providers.find((one) => one.issuer === "");
  }

  /** Source: Envoy knows no provider when there is no token, or one of nobody's, unless there is one only. */
  #tellAlone(failure: string, call: FilterCall): undefined {
    const [only, ...more] = this.config.providers.values();
    if (only !== undefined && more.length === 0) tellFailure(only, failure, call);
    return undefined;
  }

  async #verifyAndTell(
    provider: JwtProviderConfig,
    audiences: readonly string[] | undefined,
    call: FilterCall,
    verified: Verified,
  ): Promise<string | undefined> {
    const failure = await this.#verify(provider, audiences, call, verified);
    if (failure === MISSING) this.#tellAlone(failure, call);
    else if (failure !== undefined) tellFailure(provider, failure, call);
    return failure;
  }

  #anyToken(call: FilterCall): boolean {
    return [...this.config.providers.values()].some((provider) => findToken(provider, call.request) !== undefined);
  }

  async #verify(
    provider: JwtProviderConfig,
    audiences: readonly string[] | undefined,
    call: FilterCall,
    verified: Verified,
  ): Promise<string | undefined> {
    const token = findToken(provider, call.request);
    if (token === undefined) return MISSING;
    const issuer = issuerOf(token);
    if (issuer === null) return FORMAT;
    if (provider.issuer !== "" && issuer !== provider.issuer) return ISSUER;
    const keys = await this.#keys.get(provider)?.keys();
    if (keys === undefined || !keys.ok) return NO_KEYS;
    const wanted = audiences ?? provider.audiences;
    try {
      const payload = await verifiedPayload(token, keys.value, {
        clockTolerance: provider.clockSkewSeconds,
        ...(wanted.length === 0 ? {} : { audience: [...wanted] }),
        ...(provider.requireExpiration ? { requiredClaims: ["exp"] } : {}),
      });
      if (provider.subjects !== undefined && !matchesString(provider.subjects, payload.sub ?? "")) return FAILED;
      if (provider.maxLifetimeSeconds !== undefined && !shortLived(payload, provider.maxLifetimeSeconds, this.#now()))
        return FAILED;
      verified.set(provider, payload);
      return undefined;
    } catch (error) {
      return textOf(error);
    }
  }
}

/** Where several keys fit what the token's head says (issuers change their keys, and tokens need not name one), any of them may have signed it. */
async function verifiedPayload(token: string, keys: JWTVerifyGetKey, options: JWTVerifyOptions): Promise<JWTPayload> {
  try {
    return (await jwtVerify(token, keys, options)).payload;
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    for await (const key of error) {
      try {
        return (await jwtVerify(token, key, options)).payload;
      } catch (wrong) {
        if (!(wrong instanceof errors.JWSSignatureVerificationFailed)) throw wrong;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

/** Null: it is no token. */
function issuerOf(token: string): string | undefined | null {
  try {
    return decodeJwt(token).iss;
  } catch {
    return null;
  }
}

function tellFailure(provider: JwtProviderConfig, message: string, call: FilterCall): void {
  if (provider.failureInMetadata === "") return;
  leaveMetadata(call.metadata, NAME, { [provider.failureInMetadata]: { code: CODES[message] ?? 26, message } });
}

/** What Envoy says of a token that does not verify. */
function textOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return "Jwt is expired";
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === "aud") return AUDIENCE;
    if (error.claim === "nbf") return "Jwt not yet valid";
    return `Jwt ${error.claim} is not as required`;
  }
  if (error instanceof errors.JWKSNoMatchingKey) return NO_MATCH;
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid) return FORMAT;
  return FAILED;
}

/** Asks for tokens by route. Source: Envoy `envoy.filters.http.jwt_authn`. */
class JwtAuthnFilter implements HttpFilter {
  readonly #verifier: JwtVerifier;
  readonly #route: JwtRouteConfig | undefined;
  readonly #around: FilterSurroundings;

  constructor(verifier: JwtVerifier, route: JwtRouteConfig | undefined, around: FilterSurroundings) {
    this.#verifier = verifier;
    this.#route = route;
    this.#around = around;
  }

  onRequest(call: FilterCall): boolean {
    const { config } = this.#verifier;
    const { request } = call;
    if (
      config.bypassCors &&
      request.method === "OPTIONS" &&
      request.headers.has("origin") &&
      request.headers.has("access-control-request-method")
    )
      return true;
    // What a header says of claims counts only when a token proves it.
    for (const provider of config.providers.values())
      for (const { header } of provider.claimHeaders) request.headers.remove(header);
    const requirement = this.#requirement(call);
    if (requirement === undefined) return true;
    void this.#ask(requirement, call);
    return false;
  }

  /** Never rejects: a check that breaks has not passed. */
  async #ask(requirement: JwtRequirementConfig, call: FilterCall): Promise<void> {
    // Once it is over, the connection's next request may stand where this one did.
    let over = false;
    call.onEnd(() => {
      over = true;
    });
    const verified: Verified = new Map();
    let failure: string | undefined;
    try {
      failure = await this.#verifier.check(requirement, call, verified);
      if (failure === undefined && !over) for (const [provider, payload] of verified) pass(provider, payload, call);
    } catch {
      failure = FAILED;
    }
    if (over) return;
    this.#around.count(failure === undefined ? "jwt_authn.allowed" : "jwt_authn.denied");
    if (failure === undefined) call.resume();
    else this.#refuse(call, failure);
  }

  #requirement(call: FilterCall): JwtRequirementConfig | undefined {
    const { config } = this.#verifier;
    if (this.#route?.disabled === true) return undefined;
    if (this.#route !== undefined && this.#route.requirement !== "") return config.named.get(this.#route.requirement);
    return config.rules.find((rule) =>
      matchesRoute(rule.match, call.request, false, this.#around.random, this.#around.runtime, call.exchange),
    )?.requirement;
  }

  #refuse(call: FilterCall, failure: string): void {
    const { request } = call;
    const strip = this.#verifier.config.stripFailure;
    const scheme = request.headers.get("x-forwarded-proto") ?? "http";
    const realm = `Bearer realm="${scheme}://${request.authority}${request.path}"`;
    const challenge = failure === MISSING ? realm : `${realm}, error="invalid_token"`;
    call.reply({
      status: failure === AUDIENCE ? 403 : 401,
      body: strip ? "" : failure,
      details: `jwt_authn_access_denied{${failure.replaceAll(" ", "_")}}`,
      flag: "-",
      headers: strip ? [] : [["www-authenticate", challenge]],
    });
  }
}

/** Bytes that no header can hold; issuers let people choose some of what they sign. */
const CONTROLS = /[^\t\x20-\x7e\x80-\xff]/g;

/** Tells the upstream and later filters what the token says. */
function pass(provider: JwtProviderConfig, payload: JWTPayload, call: FilterCall): void {
  const { headers } = call.request;
  const token = findToken(provider, call.request) ?? "";
  const [, encoded = ""] = token.split(".");
  if (provider.payloadHeader !== "") {
    const padding = provider.padPayload ? "=".repeat((4 - (encoded.length % 4)) % 4) : "";
    headers.set(provider.payloadHeader, encoded + padding);
  }
  for (const { header, claim } of provider.claimHeaders) {
    const value = claimOf(payload, claim);
    if (typeof value === "string") headers.set(header, bytesOfText(value).replace(CONTROLS, " "));
    else if (typeof value === "number" || typeof value === "boolean") headers.set(header, String(value));
    else if (value !== undefined) headers.set(header, Buffer.from(JSON.stringify(value)).toString("base64url"));
  }
  // Another provider may have taken the token away.
  if (provider.headerInMetadata !== "" && token !== "")
    leaveMetadata(call.metadata, NAME, { [provider.headerInMetadata]: toJson(decodeProtectedHeader(token)) });
  if (provider.payloadInMetadata !== "") {
    const claims = splitAtSpaces(toJson(payload), provider.splitClaims);
    leaveMetadata(call.metadata, NAME, { [provider.payloadInMetadata]: claims });
  }
  if (!provider.forward) removeToken(provider, call.request);
  if (provider.clearRoute) call.clearRoute();
}

function claimOf(payload: JWTPayload, path: readonly string[]): unknown {
  let value: unknown = payload;
  for (const key of path) {
    value =
      typeof value === "object" && value !== null ? Object.getOwnPropertyDescriptor(value, key)?.value : undefined;
  }
  return value;
}

/** Claims such as `scope` as lists, so that policies compare their words. Source: Envoy `NormalizePayload`. */
function splitAtSpaces(payload: JsonValue, claims: readonly string[]): JsonValue {
  if (claims.length === 0 || typeof payload !== "object" || payload === null || Array.isArray(payload)) return payload;
  const out = { ...payload };
  for (const claim of claims) {
    const value = Object.hasOwn(payload, claim) ? payload[claim] : undefined;
    if (typeof value !== "string") continue;
    const words = value.split(" ").filter((word) => word !== "");
    if (words.length > 0) out[claim] = words;
  }
  return out;
}

function toJson(part: object): JsonValue {
  return JSON.parse(JSON.stringify(part)) as JsonValue;
}

export function createJwtVerifier(config: JwtAuthnConfig, around: FilterSurroundings): JwtVerifier {
  return new ProviderVerifier(config, around);
}

export function createJwtAuthnFilter(
  verifier: JwtVerifier,
  route: JwtRouteConfig | undefined,
  around: FilterSurroundings,
): HttpFilter {
  return new JwtAuthnFilter(verifier, route, around);
}
