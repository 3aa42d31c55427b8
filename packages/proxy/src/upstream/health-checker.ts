import type { Clock, ClockTimer, Logger } from "@heddle/std";
import type { ClusterConfig } from "../config/cluster.ts";
import type { HealthCheckConfig } from "../config/health-check.ts";
import type { Dial, DialOwner } from "../transport/dial.ts";
import type { ClusterCounters } from "./counters.ts";
import type { UpstreamFailure } from "./failure.ts";
import { type ProbeResult, startProbe } from "./health-probe.ts";
import type { Host } from "./host.ts";

/** Asks the hosts of a cluster regularly whether they work. Source: Envoy active health checking. */
export interface HealthChecker {
  /** The hosts there are now; those that stay keep their results. */
  setHosts(hosts: readonly Host[]): void;
  close(): void;
}

export interface HealthSurroundings {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly cluster: string;
  readonly counters: ClusterCounters;
  dial(host: Host, port: number, owner: DialOwner): Dial | UpstreamFailure;
  /** Whether requests ever went there: idle hosts are asked less often. */
  hadTraffic(host: Host): boolean;
  /** `checkFailed` of the host changed. */
  onChange(host: Host): void;
}

/** One host under one check. */
class HostCheck {
  readonly #checker: Checker;
  readonly #config: HealthCheckConfig;
  readonly host: Host;
  failed: boolean;
  #first = true;
  #streak = 0;
  #timer: ClockTimer | undefined;
  #probe: { cancel(): void } | undefined;
  #closed = false;

  constructor(checker: Checker, config: HealthCheckConfig, host: Host) {
    this.#checker = checker;
    this.#config = config;
    this.host = host;
    this.failed = host.checkFailed;
    this.#arm(checker.around.random() * config.initialJitterMs);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#probe?.cancel();
  }

  #arm(ms: number): void {
    this.#timer = this.#checker.around.clock.after(ms, () => this.#check());
  }

  #check(): void {
    const { around } = this.#checker;
    const { host } = this;
    around.counters.checkAttempts++;
    const port = host.endpoint?.checkPort ?? this.#config.altPort ?? host.address.port;
    this.#probe = startProbe(this.#config, {
      clock: around.clock,
      authority: host.endpoint?.checkHostname || host.hostname || around.cluster,
      dial: (owner) => around.dial(host, port, owner),
      done: (result) => this.#done(result),
    });
  }

  #done(result: ProbeResult): void {
    this.#probe = undefined;
    if (this.#closed) return;
    const { around } = this.#checker;
    const config = this.#config;
    const { counters } = around;
    if (result.ok) counters.checkSuccesses++;
    else {
      counters.checkFailures++;
      if (!result.answered) counters.checkNetworkFailures++;
    }
    let edge = false;
    if (result.ok === !this.failed) {
      this.#streak = 0;
    } else {
      // The first answer decides at once in either direction, and so does a definite "no" of a server.
      const threshold = result.ok ? config.healthyThreshold : config.unhealthyThreshold;
      edge = ++this.#streak < threshold;
      if (this.#first || !edge || (!result.ok && result.definite)) {
        edge = false;
        this.#streak = 0;
        this.failed = !result.ok;
        if (this.failed)
          around.log.warn("a health check fails", {
            cluster: around.cluster,
            host: this.host.text,
            reason: result.reason,
          });
        else around.log.info("a health check passes", { cluster: around.cluster, host: this.host.text });
        this.#checker.changed(this.host);
      }
    }
    if (!result.ok && config.logFailures && this.failed)
      around.log.info("a health check failed", {
        cluster: around.cluster,
        host: this.host.text,
        reason: result.reason,
      });
    this.#first = false;
    if (!this.#closed) this.#arm(this.#nextMs(edge, result.ok));
  }

  #nextMs(edge: boolean, passed: boolean): number {
    const config = this.#config;
    const { random, hadTraffic } = this.#checker.around;
    let ms = this.failed ? config.unhealthyIntervalMs : config.intervalMs;
    if (edge) ms = passed ? config.healthyEdgeMs : config.unhealthyEdgeMs;
    else if (!hadTraffic(this.host)) ms = this.failed ? config.noTrafficMs : config.noTrafficHealthyMs;
    return ms + random() * config.jitterMs + (random() * ms * config.jitterPercent) / 100;
  }
}

class Checker implements HealthChecker {
  readonly around: HealthSurroundings;
  readonly #checks: readonly HealthCheckConfig[];
  readonly #byHost = new Map<Host, readonly HostCheck[]>();

  constructor(config: ClusterConfig, around: HealthSurroundings) {
    this.around = around;
    this.#checks = config.healthChecks;
  }

  setHosts(hosts: readonly Host[]): void {
    const now = new Set(hosts);
    for (const [host, checks] of this.#byHost) {
      if (now.has(host)) continue;
      for (const check of checks) check.close();
      this.#byHost.delete(host);
    }
    for (const host of hosts) {
      if (this.#byHost.has(host) || host.endpoint?.checkDisabled === true) continue;
      this.#byHost.set(
        host,
        this.#checks.map((config) => new HostCheck(this, config, host)),
      );
    }
  }

  /** All checks of a host must pass. */
  changed(host: Host): void {
    const failed = this.#byHost.get(host)?.some((check) => check.failed) ?? false;
    if (failed === host.checkFailed) return;
    host.checkFailed = failed;
    this.around.onChange(host);
  }

  close(): void {
    for (const checks of this.#byHost.values()) for (const check of checks) check.close();
    this.#byHost.clear();
  }
}

export function createHealthChecker(config: ClusterConfig, around: HealthSurroundings): HealthChecker {
  return new Checker(config, around);
}
