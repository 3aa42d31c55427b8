import type { LocalRateLimitConfig } from "../config/filters/local-rate-limit.ts";
import { renderHeader } from "../config/format.ts";
import { exchangeValues } from "../http/exchange-values.ts";
import { addHeaders } from "../http/header-values.ts";
import { isChosen } from "../runtime/runtime.ts";
import { createDescriptorBuckets, type DescriptorBuckets } from "./descriptor-buckets.ts";
import type { FilterCall, FilterSurroundings, HttpFilter } from "./http-filter.ts";
import { descriptorsOf } from "./rate-limit-descriptors.ts";
import { createTokenBucket, type TokenBucket } from "./token-bucket.ts";

/** Refuses requests beyond a rate, counted in this process. Source: Envoy `envoy.filters.http.local_ratelimit`. */
class LocalRateLimitFilter implements HttpFilter {
  readonly #config: LocalRateLimitConfig;
  readonly #around: FilterSurroundings;
  readonly #shared: TokenBucket | undefined;
  /** By connection, where each has its own; freed with it. */
  readonly #own = new WeakMap<object, TokenBucket>();

  /** Undefined where all requests share one bucket. */
  readonly #descriptors: DescriptorBuckets | undefined;

  readonly #names: Readonly<Record<"enabled" | "ok" | "rate_limited" | "enforced", string>>;

  constructor(config: LocalRateLimitConfig, around: FilterSurroundings) {
    this.#config = config;
    const name = `${config.statPrefix}http_local_rate_limit`;
    this.#names = {
      enabled: `${name}.enabled`,
      ok: `${name}.ok`,
      rate_limited: `${name}.rate_limited`,
      enforced: `${name}.enforced`,
    };
    this.#around = around;
    this.#shared =
      config.bucket === undefined ? undefined : createTokenBucket(config.bucket, () => around.clock.monotonic());
    this.#descriptors =
      config.descriptors.length === 0
        ? undefined
        : createDescriptorBuckets(config.descriptors, () => around.clock.monotonic());
  }

  onRequest(call: FilterCall): boolean {
    const config = this.#config;
    const { random, runtime } = this.#around;
    const bucket = this.#bucketOf(call.exchange.connection);
    if (bucket === undefined || !isChosen(runtime.share(config.enabled), random)) return true;
    this.#around.countAlone(this.#names.enabled);
    const special = this.#descriptors?.bucketsOf(descriptorsOf(call, config.stage, config.hostPolicies, this.#around));
    const shown = special?.[0] ?? bucket;
    const allowed =
      (special === undefined || special.every((one) => one.take())) &&
      (special !== undefined && special.length > 0 && !config.alwaysDefault ? true : bucket.take());
    if (config.rateLimitHeaders)
      call.onResponse((head) => {
        head.headers.set("x-ratelimit-limit", String(shown.max));
        head.headers.set("x-ratelimit-remaining", String(shown.remaining));
        head.headers.set("x-ratelimit-reset", String(shown.resetSeconds));
      });
    if (allowed) {
      this.#around.countAlone(this.#names.ok);
      return true;
    }
    this.#around.countAlone(this.#names.rate_limited);
    if (!isChosen(runtime.share(config.enforced), random)) {
      addHeaders(config.requestAddNotEnforced, call.request.headers, exchangeValues(call.exchange));
      return true;
    }
    this.#around.countAlone(this.#names.enforced);
    const values = exchangeValues(call.exchange);
    call.reply({
      status: config.status,
      body: "local_rate_limited",
      details: "local_rate_limited",
      flag: "RL",
      headers: config.responseAdd.map((h): [string, string] => [h.name, renderHeader(h.value, values)]),
      ...(config.resourceExhausted ? { grpcStatus: 8 } : {}),
    });
    return false;
  }

  #bucketOf(connection: object): TokenBucket | undefined {
    const { bucket, perConnection } = this.#config;
    if (!perConnection || bucket === undefined) return this.#shared;
    let own = this.#own.get(connection);
    if (own === undefined) {
      own = createTokenBucket(bucket, () => this.#around.clock.monotonic());
      this.#own.set(connection, own);
    }
    return own;
  }
}

export function createLocalRateLimitFilter(config: LocalRateLimitConfig, around: FilterSurroundings): HttpFilter {
  return new LocalRateLimitFilter(config, around);
}
