import {
  type HeaderMutationRules,
  HeaderMutationRulesSchema,
} from "@heddle/xds-api/envoy/config/common/mutation_rules/v3/mutation_rules";
import type { RegexMatcher } from "@heddle/xds-api/envoy/type/matcher/v3/regex";
import { compileFullMatch, type FullMatch } from "./regex.ts";
import type { DecodeScope } from "./scope.ts";
import { checkShape, shape } from "./shape.ts";

/** Which headers a service may change. Source: Envoy `HeaderMutationRules`. */
export interface MutationRules {
  /** `host`, `:authority`, `:scheme` and `:method` too. */
  readonly routing: boolean;
  /** `x-envoy-*` too. */
  readonly envoy: boolean;
  /** Nothing whose name begins with a colon. */
  readonly noSystem: boolean;
  readonly none: boolean;
  /** Before everything but `disallowed`. */
  readonly allowed: FullMatch | undefined;
  readonly disallowed: FullMatch | undefined;
  /** A change that is not allowed fails the request; else it is left out. */
  readonly refuses: boolean;
}

export const MUTATION_RULES_SHAPE = shape(HeaderMutationRulesSchema, [
  "allow_all_routing",
  "allow_envoy",
  "disallow_system",
  "disallow_all",
  "allow_expression",
  "disallow_expression",
  "disallow_is_error",
]);

/** Errors: expressions that RE2 refuses. */
export function decodeMutationRules(message: HeaderMutationRules | undefined, scope: DecodeScope): MutationRules {
  if (message !== undefined) checkShape(MUTATION_RULES_SHAPE, message, scope);
  return {
    routing: message?.allowAllRouting ?? false,
    envoy: message?.allowEnvoy ?? false,
    noSystem: message?.disallowSystem ?? false,
    none: message?.disallowAll ?? false,
    allowed: expression(message?.allowExpression, scope.field("allow_expression")),
    disallowed: expression(message?.disallowExpression, scope.field("disallow_expression")),
    refuses: message?.disallowIsError ?? false,
  };
}

function expression(message: RegexMatcher | undefined, scope: DecodeScope): FullMatch | undefined {
  return message === undefined ? undefined : compileFullMatch(message.regex, scope.field("regex"));
}

const ROUTING: ReadonlySet<string> = new Set(["host", ":authority", ":scheme", ":method"]);

/** Whether a header of this lower-case name may be changed. */
export function mayMutate(rules: MutationRules, name: string): boolean {
  if (rules.disallowed?.test(name) === true) return false;
  if (rules.allowed?.test(name) === true) return true;
  if (rules.none) return false;
  if (!rules.routing && ROUTING.has(name)) return false;
  if (rules.noSystem && name.startsWith(":")) return false;
  return rules.envoy || !name.startsWith("x-envoy");
}
