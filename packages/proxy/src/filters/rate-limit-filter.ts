import {
  RateLimitRequestSchema,
  type RateLimitResponse,
  RateLimitResponse_Code,
  RateLimitResponse_RateLimit_Unit,
  RateLimitResponseSchema,
} from "@heddle/xds-api/envoy/service/ratelimit/v3/rls";
import type { RateLimitFilterConfig, RateLimitRouteConfig } from "../config/filters/rate-limit.ts";
import { renderHeader } from "../config/format.ts";
import { exchangeValues } from "../http/exchange-values.ts";
import { grpcRequest, readGrpcAnswer } from "../upstream/grpc-message.ts";
import { sendSideRequest } from "../upstream/side-request.ts";
import { countForCluster } from "./cluster-count.ts";
import type { FilterCall, FilterSurroundings, HttpFilter } from "./http-filter.ts";
import { type Descriptor, descriptorsOf } from "./rate-limit-descriptors.ts";

const PATH = "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit";
const MAX_ANSWER = 65_536;

/** Asks the rate limit service about requests whose route has rate limits. Source: Envoy `envoy.filters.http.ratelimit`. */
class RateLimitFilter implements HttpFilter {
  readonly #config: RateLimitFilterConfig;
  readonly #route: RateLimitRouteConfig | undefined;
  readonly #around: FilterSurroundings;

  constructor(config: RateLimitFilterConfig, route: RateLimitRouteConfig | undefined, around: FilterSurroundings) {
    this.#config = config;
    this.#route = route;
    this.#around = around;
  }

  onRequest(call: FilterCall): boolean {
    const { stage, server, timeoutMs } = this.#config;
    const { clusters, clock } = this.#around;
    const descriptors = descriptorsOf(call, stage, this.#route?.hostPolicies ?? "when-route-has-none", this.#around);
    if (descriptors.length === 0) return true;
    const asked = sendSideRequest(
      { cluster: clusters.get(server.cluster), ...this.#question(descriptors), clock, timeoutMs, maxBytes: MAX_ANSWER },
      (result) => {
        const answer = result.ok ? readGrpcAnswer(RateLimitResponseSchema, result.value) : undefined;
        if (answer === undefined) this.#failed(call);
        else this.#judge(call, answer);
      },
    );
    call.onEnd(() => asked.cancel());
    return false;
  }

  #question(descriptors: readonly Descriptor[]) {
    const { domain, server } = this.#config;
    return grpcRequest(PATH, server, RateLimitRequestSchema, {
      domain: this.#route?.domain || domain,
      descriptors: descriptors.map((entries) => ({ entries: entries.map(([key, value]) => ({ key, value })) })),
    });
  }

  /** The service gave no answer that counts. */
  #failed(call: FilterCall): void {
    this.#count(call, "error");
    if (!this.#config.failClosed) {
      this.#count(call, "failure_mode_allowed");
      call.resume();
      return;
    }
    call.reply({ status: this.#config.statusOnError, body: "", details: "rate_limiter_error", flag: "RLSE" });
  }

  #judge(call: FilterCall, answer: RateLimitResponse): void {
    const config = this.#config;
    if (answer.dynamicMetadata !== undefined) call.metadata.set("envoy.filters.http.ratelimit", answer.dynamicMetadata);
    const shown = config.rateLimitHeaders ? limitHeaders(answer) : [];
    const told = answer.responseHeadersToAdd.map((h): [string, string] => [h.key.toLowerCase(), h.value]);
    if (answer.overallCode === RateLimitResponse_Code.OVER_LIMIT) {
      this.#count(call, "over_limit");
      const values = exchangeValues(call.exchange);
      call.reply({
        status: config.status,
        body: Buffer.from(answer.rawBody).toString("utf8"),
        details: "request_rate_limited",
        flag: "RL",
        headers: [
          ...(config.limitedHeader ? [["x-envoy-ratelimited", "true"] as const] : []),
          ...told,
          ...shown,
          ...config.responseAdd.map((h): [string, string] => [h.name, renderHeader(h.value, values)]),
        ],
        ...(config.resourceExhausted ? { grpcStatus: 8 } : {}),
      });
      return;
    }
    this.#count(call, "ok");
    for (const { key, value } of answer.requestHeadersToAdd) call.request.headers.append(key.toLowerCase(), value);
    if (told.length + shown.length > 0)
      call.onResponse((head) => {
        for (const [name, value] of told) head.headers.append(name, value);
        for (const [name, value] of shown) head.headers.set(name, value);
      });
    call.resume();
  }

  /** Envoy counts under the cluster that the request goes to. */
  #count(call: FilterCall, what: string): void {
    countForCluster(call, this.#around, `ratelimit.${this.#config.statPrefix}${what}`);
  }
}

const SECONDS: ReadonlyMap<RateLimitResponse_RateLimit_Unit, number> = new Map([
  [RateLimitResponse_RateLimit_Unit.SECOND, 1],
  [RateLimitResponse_RateLimit_Unit.MINUTE, 60],
  [RateLimitResponse_RateLimit_Unit.HOUR, 3600],
  [RateLimitResponse_RateLimit_Unit.DAY, 86_400],
  [RateLimitResponse_RateLimit_Unit.MONTH, 2_592_000],
  [RateLimitResponse_RateLimit_Unit.YEAR, 31_536_000],
]);

/** What is left of the limit that is nearest. Source: draft-polli-ratelimit-headers-03, as Envoy writes it. */
function limitHeaders(answer: RateLimitResponse): [string, string][] {
  let nearest: (typeof answer.statuses)[number] | undefined;
  let quotas = "";
  for (const status of answer.statuses) {
    const limit = status.currentLimit;
    if (limit === undefined) continue;
    if (nearest === undefined || status.limitRemaining < nearest.limitRemaining) nearest = status;
    const window = SECONDS.get(limit.unit);
    if (window === undefined) continue;
    const name = limit.name === "" ? "" : `;name="${limit.name}"`;
    quotas += `, ${limit.requestsPerUnit};w=${window}${name}`;
  }
  if (nearest === undefined) return [];
  return [
    ["x-ratelimit-limit", `${nearest.currentLimit?.requestsPerUnit ?? 0}${quotas}`],
    ["x-ratelimit-remaining", String(nearest.limitRemaining)],
    ["x-ratelimit-reset", String(nearest.durationUntilReset?.seconds ?? 0)],
  ];
}

export function createRateLimitFilter(
  config: RateLimitFilterConfig,
  route: RateLimitRouteConfig | undefined,
  around: FilterSurroundings,
): HttpFilter {
  return new RateLimitFilter(config, route, around);
}
