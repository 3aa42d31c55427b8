import type { RbacFilterConfig } from "../config/filters/rbac.ts";
import type { FilterCall, FilterSurroundings, HttpFilter } from "./http-filter.ts";
import { evaluateRbac, type RbacFacts } from "./rbac-match.ts";

const NAME = "envoy.filters.http.rbac";

/** Lets requests through by who asks for what; shadow rules only count. Source: Envoy `envoy.filters.http.rbac`. */
class RbacFilter implements HttpFilter {
  readonly #config: RbacFilterConfig;
  readonly #around: FilterSurroundings;

  constructor(config: RbacFilterConfig, around: FilterSurroundings) {
    this.#config = config;
    this.#around = around;
  }

  onRequest(call: FilterCall): boolean {
    const { rules, shadow, rulesPrefix, shadowPrefix } = this.#config;
    const facts: RbacFacts = {
      connection: call.exchange.connection,
      request: call.request,
      metadata: call.metadata,
      clientIp: () => call.clientIp(),
    };
    if (shadow !== undefined) {
      const verdict = evaluateRbac(shadow, facts);
      this.#around.count(`rbac.${shadowPrefix}shadow_${verdict.allowed ? "allowed" : "denied"}`);
      call.metadata.set(NAME, {
        [`${shadowPrefix}shadow_engine_result`]: verdict.allowed ? "allowed" : "denied",
        [`${shadowPrefix}shadow_effective_policy_id`]: verdict.policy,
      });
    }
    if (rules === undefined) return true;
    const verdict = evaluateRbac(rules, facts);
    // LOG decides nothing.
    if (verdict.allowed || rules.action === "log") {
      this.#around.count(`rbac.${rulesPrefix}allowed`);
      return true;
    }
    this.#around.count(`rbac.${rulesPrefix}denied`);
    call.reply({
      status: 403,
      body: "RBAC: access denied",
      details: `rbac_access_denied_matched_policy[${verdict.policy.replace(/\s/g, "_")}]`,
      flag: "-",
    });
    return false;
  }
}

export function createRbacFilter(config: RbacFilterConfig, around: FilterSurroundings): HttpFilter {
  return new RbacFilter(config, around);
}
