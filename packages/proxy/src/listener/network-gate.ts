import type { Clock } from "@heddle/std";
import type { NetworkGateConfig } from "../config/network-gates.ts";
import { leaveMetadata } from "../filters/leave-metadata.ts";
import { evaluateRbac } from "../filters/rbac-match.ts";
import { createRbacOutcomes } from "../filters/rbac-outcome.ts";
import { statPrefix } from "../filters/stat-prefix.ts";
import { createTokenBucket } from "../filters/token-bucket.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { ConnectionInfo } from "./connection-info.ts";

/** What a gate says to a connection; undefined lets it in. */
export interface GateVerdict {
  /** Before the connection is closed. Units: ms. */
  readonly delayMs: number;
  /** Sent before the connection is closed; "": nothing. */
  readonly text: string;
  readonly reason: string;
  /** Envoy's words for the listener's log. Default: none. */
  readonly termination?: string;
  readonly details?: string;
  readonly closeReason?: string;
  /** Default: none. */
  readonly flags?: string;
}

/** The network filters of a chain before its last one, in their order. */
export interface NetworkGate {
  /** `open`: connections of the chain that are open now. */
  refuse(info: ConnectionInfo, open: number): GateVerdict | undefined;
}

const NETWORK_RBAC = "envoy.filters.network.rbac";

type Check = NetworkGate["refuse"];

/** Undefined when the chain has no such filter. `count` takes Envoy's names of statistics. */
export function createNetworkGate(
  configs: readonly NetworkGateConfig[],
  clock: Clock,
  runtime: Runtime,
  count: (name: string) => void,
): NetworkGate | undefined {
  if (configs.length === 0) return undefined;
  const checks = configs.map((config) => createCheck(config, clock, runtime, count));
  return {
    refuse: (info, open) => {
      for (const check of checks) {
        const verdict = check(info, open);
        if (verdict !== undefined) return verdict;
      }
      return undefined;
    },
  };
}

function createCheck(config: NetworkGateConfig, clock: Clock, runtime: Runtime, count: (name: string) => void): Check {
  switch (config.kind) {
    case "connection-limit":
      return (_info, open) => {
        if (!runtime.flag(config.enabled) || open < config.max) return undefined;
        count(`connection_limit.${config.statPrefix}.limited_connections`);
        const reason = `${config.max} connections are open already`;
        return { delayMs: config.delayMs, text: "", reason, closeReason: "over_connection_limit" };
      };
    case "network-rate-limit": {
      const bucket =
        config.bucket === undefined ? undefined : createTokenBucket(config.bucket, () => clock.monotonic());
      return () => {
        if (!runtime.flag(config.enabled) || bucket === undefined || bucket.take()) return undefined;
        count(`local_rate_limit.${config.statPrefix}.rate_limited`);
        const closeReason = "local_ratelimit_close_over_limit";
        return { delayMs: 0, text: "", reason: "too many new connections", closeReason, flags: "URX" };
      };
    }
    case "network-rbac": {
      const shadowStats = `${config.statPrefix}rbac.${statPrefix(config.shadowPrefix)}shadow_`;
      const shadowed = createRbacOutcomes(`${config.shadowPrefix}shadow`);
      return (info) => {
        const facts = { connection: info, request: undefined, metadata: undefined, clientIp: () => info.remote.ip };
        if (config.shadow !== undefined) {
          const verdict = evaluateRbac(config.shadow, facts);
          count(`${shadowStats}${verdict.allowed ? "allowed" : "denied"}`);
          info.metadata ??= new Map();
          leaveMetadata(info.metadata, NETWORK_RBAC, shadowed.of(verdict));
        }
        if (config.rules === undefined) return undefined;
        const verdict = evaluateRbac(config.rules, facts);
        if (verdict.allowed || config.rules.action === "log") {
          count(`${config.statPrefix}rbac.allowed`);
          if (verdict.allowed && config.rules.action === "allow") info.allowedBy = verdict.policy;
          return undefined;
        }
        count(`${config.statPrefix}rbac.denied`);
        const termination = `rbac_access_denied_matched_policy[${verdict.policy}]`;
        return { delayMs: 0, text: "", reason: termination, termination, closeReason: "rbac_deny_close" };
      };
    }
    case "direct-response":
      return () => ({ delayMs: 0, text: config.text, reason: "direct response", details: "direct_response" });
  }
}
