import type { RbacFilterConfig } from "../config/filters/rbac.ts";
import type { FilterCall, FilterSurroundings, HttpFilter } from "./http-filter.ts";
import { leaveMetadata } from "./leave-metadata.ts";
import { ALLOWED_BY, evaluateRbac, type RbacFacts } from "./rbac-match.ts";
import { createRbacOutcomes, NO_POLICY, type RbacOutcomes } from "./rbac-outcome.ts";
import { statPrefix } from "./stat-prefix.ts";

const LOGGED = { access_log_hint: true };
const UNLOGGED = { access_log_hint: false };
const NAME = "envoy.filters.http.rbac";

/** Lets requests through by who asks for what; shadow rules only count. Source: Envoy `envoy.filters.http.rbac`. */
class RbacFilter implements HttpFilter {
  readonly #config: RbacFilterConfig;
  readonly #around: FilterSurroundings;
  /** Names of its statistics up to the verdict. */
  readonly #counted: string;
  readonly #countedShadow: string;
  readonly #shadowed: RbacOutcomes;
  readonly #enforced: RbacOutcomes;

  constructor(config: RbacFilterConfig, around: FilterSurroundings) {
    this.#config = config;
    this.#around = around;
    this.#counted = `rbac.${statPrefix(config.rulesPrefix)}`;
    this.#countedShadow = `rbac.${statPrefix(config.shadowPrefix)}shadow_`;
    this.#shadowed = createRbacOutcomes(`${config.shadowPrefix}shadow`);
    this.#enforced = createRbacOutcomes(`${config.rulesPrefix}enforced`);
  }

  onRequest(call: FilterCall): boolean {
    const { rules, shadow } = this.#config;
    const facts: RbacFacts = {
      connection: call.exchange.connection,
      request: call.request,
      metadata: call.metadata,
      clientIp: () => call.clientIp(),
    };
    if (shadow !== undefined) {
      const verdict = evaluateRbac(shadow, facts);
      this.#around.count(this.#countedShadow + (verdict.allowed ? "allowed" : "denied"));
      leaveMetadata(call.metadata, NAME, this.#shadowed.of(verdict));
    }
    if (rules === undefined) return true;
    const verdict = evaluateRbac(rules, facts);
    leaveMetadata(call.metadata, NAME, this.#enforced.of(verdict));
    const logged = rules.action === "log" ? verdict.policy !== NO_POLICY : verdict.logged;
    if (logged !== undefined) leaveMetadata(call.metadata, "envoy.common", logged ? LOGGED : UNLOGGED);
    // LOG decides nothing.
    if (verdict.allowed || rules.action === "log") {
      this.#around.count(`${this.#counted}allowed`);
      if (verdict.allowed && rules.action === "allow") call.metadata.set(ALLOWED_BY, verdict.policy);
      return true;
    }
    this.#around.count(`${this.#counted}denied`);
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
