import type { Clock, ClockTimer, Logger } from "@heddle/std";
import type { OutlierConfig } from "../config/outlier-detection.ts";
import type { ComparedRates, EjectionLog } from "./ejection-log.ts";
import type { Host } from "./host.ts";

/** What the detector knows of a host. Source: Envoy outlier detection. */
export interface HostOutlier {
  consecutive5xx: number;
  consecutiveGateway: number;
  consecutiveLocal: number;
  /** Of the present interval. */
  requests: number;
  successes: number;
  localRequests: number;
  localSuccesses: number;
  ejections: number;
  ejectedUntilMs: number;
  /** In all. */
  timesEjected: number;
  /** When it was last ejected, and back. Units: ms of the monotonic clock; -1: never. */
  ejectedMs: number;
  backMs: number;
}

/** What a host is found to be an outlier by; in Envoy's names of statistics. */
export const OUTLIER_KINDS = [
  "consecutive_5xx",
  "consecutive_gateway_failure",
  "consecutive_local_origin_failure",
  "success_rate",
  "local_origin_success_rate",
  "failure_percentage",
  "local_origin_failure_percentage",
] as const;

export type OutlierKind = (typeof OUTLIER_KINDS)[number];

/** Leaves out hosts that answer badly. */
export interface OutlierDetector {
  /** A response came. */
  onStatus(host: Host, status: number): void;
  /** No connection, no answer in time, or the stream broke. */
  onLocalFailure(host: Host): void;
  /** A request has a connection. */
  onConnected(host: Host): void;
  /** A TCP connection came about, which is all that is learnt of its server. */
  onServed(host: Host): void;
  /** Ends an ejection. */
  uneject(host: Host): void;
  readonly ejectionsActive: number;
  readonly ejectionsTotal: number;
  /** Not ejected because enough others were. */
  readonly overflow: number;
  readonly detected: Readonly<Record<OutlierKind, number>>;
  readonly enforced: Readonly<Record<OutlierKind, number>>;
  resetCounters(): void;
  close(): void;
}

export interface OutlierSurroundings {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly cluster: string;
  hosts(): readonly Host[];
  /** The health of a host changed. */
  onChange(): void;
  /** Undefined: nobody keeps a record of ejections. */
  readonly ejections?: EjectionLog | undefined;
}

class Detector implements OutlierDetector {
  readonly #config: OutlierConfig;
  readonly #around: OutlierSurroundings;
  readonly #timer: ClockTimer;
  ejectionsActive = 0;
  ejectionsTotal = 0;
  overflow = 0;
  detected = noneOfEach();
  enforced = noneOfEach();

  constructor(config: OutlierConfig, around: OutlierSurroundings) {
    this.#config = config;
    this.#around = around;
    this.#timer = around.clock.every(config.intervalMs, () => this.#sweep());
  }

  onStatus(host: Host, status: number): void {
    const state = stateOf(host);
    const config = this.#config;
    state.requests++;
    if (status < 500) {
      state.successes++;
      state.consecutive5xx = 0;
      state.consecutiveGateway = 0;
      return;
    }
    const gateway = status >= 502 && status <= 504;
    if (!gateway) state.consecutiveGateway = 0;
    else if (++state.consecutiveGateway === config.consecutiveGateway) {
      state.consecutiveGateway = 0;
      this.#enforce(host, config.enforcing.consecutiveGateway, "consecutive_gateway_failure");
    }
    if (++state.consecutive5xx === config.consecutive5xx) {
      state.consecutive5xx = 0;
      this.#enforce(host, config.enforcing.consecutive5xx, "consecutive_5xx");
    }
  }

  onLocalFailure(host: Host): void {
    // Without the split a failed connection counts as a 503.
    if (!this.#config.splitLocal) {
      this.onStatus(host, 503);
      return;
    }
    const state = stateOf(host);
    state.localRequests++;
    if (++state.consecutiveLocal < this.#config.consecutiveLocal) return;
    state.consecutiveLocal = 0;
    this.#enforce(host, this.#config.enforcing.consecutiveLocal, "consecutive_local_origin_failure");
  }

  onServed(host: Host): void {
    if (this.#config.splitLocal) this.onConnected(host);
    else this.onStatus(host, 200);
  }

  onConnected(host: Host): void {
    if (!this.#config.splitLocal) return;
    const state = stateOf(host);
    state.localRequests++;
    state.localSuccesses++;
    state.consecutiveLocal = 0;
  }

  resetCounters(): void {
    this.ejectionsTotal = 0;
    this.overflow = 0;
    this.detected = noneOfEach();
    this.enforced = noneOfEach();
  }

  uneject(host: Host): void {
    if (!host.ejected) return;
    host.ejected = false;
    this.ejectionsActive--;
    const state = stateOf(host);
    state.consecutive5xx = 0;
    state.consecutiveGateway = 0;
    state.consecutiveLocal = 0;
    this.#record(host, state, undefined, false, undefined);
    state.backMs = this.#around.clock.monotonic();
    host.updateHealth();
    this.#around.log.info("a host is back after its ejection", { cluster: this.#around.cluster, host: host.text });
    this.#around.onChange();
  }

  close(): void {
    this.#timer.cancel();
  }

  #enforce(host: Host, share: number, kind: OutlierKind, rates?: ComparedRates): void {
    if (host.ejected) return;
    this.detected[kind]++;
    const hosts = this.#around.hosts();
    const { maxEjectionPercent, alwaysEjectOne } = this.#config;
    const ejected = hosts.reduce((count, h) => count + (h.ejected ? 1 : 0), 0);
    // Source: Envoy 1.40: with this one no more than the share are out; the first may go always when asked for.
    const withinShare = ((ejected + 1) * 100) / Math.max(1, hosts.length) <= maxEjectionPercent;
    if (!withinShare && !(ejected === 0 && alwaysEjectOne)) {
      this.overflow++;
      return;
    }
    const state = stateOf(host);
    if (this.#around.random() >= share) {
      this.#record(host, state, kind, false, rates);
      return;
    }
    this.enforced[kind]++;
    host.ejected = true;
    const { baseEjectionMs, maxEjectionMs, jitterMs } = this.#config;
    // Counted only as far as it makes the time longer, so that a host is forgiven in good time.
    if (state.ejections * baseEjectionMs < maxEjectionMs + baseEjectionMs) state.ejections++;
    const ms = Math.min(baseEjectionMs * state.ejections, maxEjectionMs) + this.#around.random() * jitterMs;
    state.timesEjected++;
    state.ejectedMs = this.#around.clock.monotonic();
    state.ejectedUntilMs = state.ejectedMs + ms;
    this.#record(host, state, kind, true, rates);
    this.ejectionsActive++;
    this.ejectionsTotal++;
    host.updateHealth();
    this.#around.log.info("a host is ejected", {
      cluster: this.#around.cluster,
      host: host.text,
      reason: kind.replaceAll("_", " "),
      forMs: Math.round(ms),
    });
    this.#around.onChange();
  }

  #record(
    host: Host,
    state: HostOutlier,
    kind: OutlierKind | undefined,
    enforced: boolean,
    rates: ComparedRates | undefined,
  ): void {
    const { ejections, cluster, clock } = this.#around;
    // It is written later, when they may be others.
    ejections?.({ cluster, host: host.text, kind, enforced, rates, state: { ...state }, nowMs: clock.monotonic() });
  }

  #sweep(): void {
    const nowMs = this.#around.clock.monotonic();
    const hosts = this.#around.hosts();
    for (const host of hosts) {
      const state = stateOf(host);
      if (host.ejected) {
        if (nowMs >= state.ejectedUntilMs) this.uneject(host);
      } else if (state.ejections > 0) {
        // A host that behaves is forgiven step by step.
        state.ejections--;
      }
    }
    this.#compare(hosts, false);
    if (this.#config.splitLocal) this.#compare(hosts, true);
    for (const host of hosts) {
      const state = stateOf(host);
      state.requests = 0;
      state.successes = 0;
      state.localRequests = 0;
      state.localSuccesses = 0;
    }
  }

  /** Success rates against the mean, failure percentages against the threshold. */
  #compare(hosts: readonly Host[], local: boolean): void {
    const { enforcing, successRateMinHosts, successRateVolume, successRateStdev } = this.#config;
    const { failureMinHosts, failureThreshold, failureVolume } = this.#config;
    const rates = hosts
      .filter((host) => !host.ejected)
      .map((host) => {
        const state = stateOf(host);
        const requests = local ? state.localRequests : state.requests;
        const successes = local ? state.localSuccesses : state.successes;
        return { host, requests, percent: requests === 0 ? 100 : (successes * 100) / requests };
      });
    const busy = rates.filter((rate) => rate.requests >= successRateVolume);
    if (busy.length > 0 && busy.length >= successRateMinHosts) {
      const mean = busy.reduce((sum, rate) => sum + rate.percent, 0) / busy.length;
      const variance = busy.reduce((sum, rate) => sum + (rate.percent - mean) ** 2, 0) / busy.length;
      const limit = mean - successRateStdev * Math.sqrt(variance);
      const share = local ? enforcing.localSuccessRate : enforcing.successRate;
      for (const rate of busy)
        if (rate.percent < limit)
          this.#enforce(rate.host, share, local ? "local_origin_success_rate" : "success_rate", {
            host: rate.percent,
            mean,
            threshold: limit,
          });
    }
    const counted = rates.filter((rate) => rate.requests >= failureVolume);
    if (counted.length === 0 || counted.length < failureMinHosts) return;
    const share = local ? enforcing.localFailurePercentage : enforcing.failurePercentage;
    for (const rate of counted)
      if (100 - rate.percent >= failureThreshold)
        this.#enforce(rate.host, share, local ? "local_origin_failure_percentage" : "failure_percentage", {
          host: rate.percent,
        });
  }
}

function noneOfEach(): Record<OutlierKind, number> {
  return {
    consecutive_5xx: 0,
    consecutive_gateway_failure: 0,
    consecutive_local_origin_failure: 0,
    success_rate: 0,
    local_origin_success_rate: 0,
    failure_percentage: 0,
    local_origin_failure_percentage: 0,
  };
}

function stateOf(host: Host): HostOutlier {
  host.outlier ??= {
    consecutive5xx: 0,
    consecutiveGateway: 0,
    consecutiveLocal: 0,
    requests: 0,
    successes: 0,
    localRequests: 0,
    localSuccesses: 0,
    ejections: 0,
    ejectedUntilMs: 0,
    timesEjected: 0,
    ejectedMs: -1,
    backMs: -1,
  };
  return host.outlier;
}

export function createOutlierDetector(config: OutlierConfig, around: OutlierSurroundings): OutlierDetector {
  return new Detector(config, around);
}
