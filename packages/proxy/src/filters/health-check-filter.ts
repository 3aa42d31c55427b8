import type { ResponseHead } from "@heddle/wire";
import type { HealthCheckFilterConfig } from "../config/filters/health-check.ts";
import { matchesHeader } from "../router/route-matcher.ts";
import type { FilterCall, FilterSurroundings, HttpFilter } from "./http-filter.ts";

/** Names of its statistics. */
export const HEALTH_CHECK_STATS = [
  "cached_response",
  "degraded",
  "failed",
  "failed_cluster_empty",
  "failed_cluster_not_found",
  "failed_cluster_unhealthy",
  "ok",
  "request_total",
] as const;

/** What a health check is told. */
interface Verdict {
  readonly status: number;
  readonly details: string;
  readonly degraded: boolean;
  readonly counts: (typeof HEALTH_CHECK_STATS)[number] | undefined;
}

const WELL: Verdict = { status: 200, details: "health_check_ok", degraded: false, counts: undefined };
const CLUSTERS_WELL: Verdict = { ...WELL, details: "health_check_ok_cluster_healthy" };
const FAILED: Verdict = { status: 503, details: "health_check_failed", degraded: false, counts: undefined };
const NO_CLUSTER: Verdict = {
  ...FAILED,
  details: "health_check_failed_no_cluster_found",
  counts: "failed_cluster_not_found",
};
const EMPTY: Verdict = { ...FAILED, details: "health_check_failed_cluster_empty", counts: "failed_cluster_empty" };
const UNWELL: Verdict = {
  ...FAILED,
  details: "health_check_failed_cluster_unhealthy",
  counts: "failed_cluster_unhealthy",
};

/** Answers health checks, or remembers what the server says to them. Source: Envoy `envoy.filters.http.health_check`. */
class HealthCheckFilter implements HttpFilter {
  readonly #config: HealthCheckFilterConfig;
  readonly #around: FilterSurroundings;
  readonly #startMs: number;
  #cached: Verdict | undefined = undefined;
  /** Number of the period that the cached verdict belongs to. Source: Envoy forgets it in fixed periods. */
  #cachedIn = -1;

  constructor(config: HealthCheckFilterConfig, around: FilterSurroundings) {
    this.#config = config;
    this.#around = around;
    this.#startMs = around.clock.monotonic();
  }

  onRequest(call: FilterCall): boolean {
    const around = this.#around;
    const { headers, passes } = this.#config;
    for (const header of headers) {
      if (!matchesHeader(header, call.request)) {
        // Whoever counts on this proxy hears of it with any answer.
        if (around.health.failed) call.onResponse(tellFailed);
        return true;
      }
    }
    call.markHealthCheck();
    call.onEnd(() => around.count("tracing.health_check"));
    call.onResponse((head) => this.#note(head));
    const verdict = this.#verdict();
    if (passes && verdict === undefined) return true;
    this.#answer(call, verdict ?? WELL);
    return false;
  }

  /** Undefined: the server is asked. */
  #verdict(): Verdict | undefined {
    if (this.#around.health.failed) return FAILED;
    if (this.#config.passes) return this.#cachedIn === this.#period() ? this.#cached : undefined;
    return this.#config.clusters.length === 0 ? WELL : this.#ofClusters();
  }

  #ofClusters(): Verdict {
    for (const [name, percent] of this.#config.clusters) {
      const cluster = this.#around.clusters.get(name);
      if (cluster === undefined) return NO_CLUSTER;
      const { hosts } = cluster;
      if (hosts.length === 0 && percent > 0) return EMPTY;
      const usable = hosts.filter(({ healthy }) => healthy).length;
      // Source: Envoy counts whole percents.
      if (usable * 100 < hosts.length * Math.trunc(percent)) return UNWELL;
    }
    return CLUSTERS_WELL;
  }

  #answer(call: FilterCall, { status, details, degraded, counts }: Verdict): void {
    const around = this.#around;
    around.count("health_check.request_total");
    around.count(`health_check.${status < 300 ? "ok" : "failed"}`);
    if (degraded) around.count("health_check.degraded");
    if (counts !== undefined) around.count(`health_check.${counts}`);
    call.reply({
      status,
      body: "",
      details,
      flag: status < 300 ? "-" : "LH",
      headers: degraded ? [["x-envoy-degraded", ""]] : [],
    });
  }

  #note(head: ResponseHead): void {
    const { health, serviceCluster } = this.#around;
    const { headers, status } = head;
    if (this.#config.cacheMs !== undefined) {
      const degraded = headers.has("x-envoy-degraded");
      this.#cached = { status, details: "health_check_cached", degraded, counts: "cached_response" };
      this.#cachedIn = this.#period();
    }
    headers.set("x-envoy-upstream-healthchecked-cluster", serviceCluster);
    if (health.failed) tellFailed(head);
  }

  #period(): number {
    return Math.floor((this.#around.clock.monotonic() - this.#startMs) / (this.#config.cacheMs ?? 1));
  }
}

function tellFailed({ headers }: ResponseHead): void {
  headers.set("x-envoy-immediate-health-check-fail", "true");
}

export function createHealthCheckFilter(config: HealthCheckFilterConfig, around: FilterSurroundings): HttpFilter {
  return new HealthCheckFilter(config, around);
}
