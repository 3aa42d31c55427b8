import type { HttpFilterConfig } from "../config/http-filters.ts";
import { statPrefix } from "./stat-prefix.ts";

/** Names of what a filter counts: behind its connection manager's name, and alone. Source: Envoy's statistics of each filter. */
export interface FilterStats {
  readonly own: readonly string[];
  readonly alone: readonly string[];
}

/** What connection managers count of their tracing, on or off. */
export const TRACING_STATS: readonly string[] = [
  "tracing.random_sampling",
  "tracing.service_forced",
  "tracing.client_enabled",
  "tracing.not_traceable",
  "tracing.health_check",
];

const LIMIT = ["enabled", "enforced", "rate_limited", "ok"];

/** Names that are there from the beginning, at zero. */
export function filterStats(config: HttpFilterConfig): FilterStats {
  switch (config.kind) {
    case "cors":
      return { own: ["cors.origin_valid", "cors.origin_invalid"], alone: [] };
    case "fault":
      return {
        own: ["fault.aborts_injected", "fault.delays_injected", "fault.faults_overflow", "fault.response_rl_injected"],
        alone: [],
      };
    case "rbac": {
      const [rulesPrefix, shadowPrefix] = [statPrefix(config.rulesPrefix), statPrefix(config.shadowPrefix)];
      const own = [`rbac.${rulesPrefix}allowed`, `rbac.${rulesPrefix}denied`];
      return { own: [...own, `rbac.${shadowPrefix}shadow_allowed`, `rbac.${shadowPrefix}shadow_denied`], alone: [] };
    }
    case "jwt-authn":
      return { own: ["jwt_authn.allowed", "jwt_authn.denied"], alone: [] };
    case "ext-authz": {
      const names = ["ok", "denied", "error", "disabled", "failure_mode_allowed", "invalid"];
      return { own: names.map((name) => `ext_authz.${config.statPrefix}${name}`), alone: [] };
    }
    case "local-rate-limit":
      return { own: [], alone: LIMIT.map((name) => `${config.statPrefix}http_local_rate_limit.${name}`) };
    default:
      return { own: [], alone: [] };
  }
}
