import { err, ok, type Result } from "@heddle/std";
import { createRequestHead } from "@heddle/wire";
import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";
import type { JwksSource } from "../config/filters/jwt-authn.ts";
import { splitHttpUri } from "../config/http-uri.ts";
import { sendSideRequest } from "../upstream/side-request.ts";
import type { FilterSurroundings } from "./http-filter.ts";

/** The keys of one issuer. */
export interface JwksKeys {
  /** Errors: a sentence when there are none. */
  keys(): Promise<Result<JWTVerifyGetKey>>;
}

const MAX_JWKS_BYTES = 1024 * 1024;

class CachedKeys implements JwksKeys {
  readonly #source: JwksSource;
  readonly #around: FilterSurroundings;
  #kept: Promise<Result<JWTVerifyGetKey>> | undefined;
  #keptUntilMs = 0;

  constructor(source: JwksSource, around: FilterSurroundings) {
    this.#source = source;
    this.#around = around;
  }

  keys(): Promise<Result<JWTVerifyGetKey>> {
    const nowMs = this.#around.clock.monotonic();
    if (this.#kept !== undefined && nowMs < this.#keptUntilMs) return this.#kept;
    const source = this.#source;
    this.#keptUntilMs = source.kind === "local" ? Number.POSITIVE_INFINITY : nowMs + source.cacheMs;
    const found = source.kind === "local" ? Promise.resolve(parseKeys(source.text)) : this.#fetch(source);
    this.#kept = found;
    // A failure is not kept: the next request tries again.
    const forget = () => {
      if (this.#kept === found) this.#kept = undefined;
    };
    found.then((result) => result.ok || forget(), forget);
    return found;
  }

  #fetch(source: Extract<JwksSource, { readonly kind: "remote" }>): Promise<Result<JWTVerifyGetKey>> {
    const { authority, path } = splitHttpUri(source.uri);
    const head = createRequestHead();
    head.authority = authority;
    head.path = path;
    const { clusters, clock } = this.#around;
    return new Promise((resolve) => {
      sendSideRequest(
        {
          cluster: clusters.get(source.cluster),
          head,
          body: undefined,
          clock,
          timeoutMs: source.timeoutMs,
          maxBytes: MAX_JWKS_BYTES,
        },
        (result) => {
          if (!result.ok) resolve(err(result.error));
          else if (result.value.status !== 200) resolve(err(`status ${result.value.status}`));
          else resolve(parseKeys(result.value.body.toString("utf8")));
        },
      );
    });
  }
}

function parseKeys(text: string): Result<JWTVerifyGetKey> {
  try {
    return ok(createLocalJWKSet(JSON.parse(text) as JSONWebKeySet));
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error));
  }
}

export function createJwksKeys(source: JwksSource, around: FilterSurroundings): JwksKeys {
  return new CachedKeys(source, around);
}
