// Hot path: once per request where rules are configured.
import type { JsonObject } from "@bufbuild/protobuf";
import type { RbacVerdict } from "./rbac-match.ts";

/** How a set of rules decided, as other filters and logs see it. */
export interface RbacOutcomes {
  of(verdict: RbacVerdict): JsonObject;
}

/** There are few outcomes, one for each policy: each is made once. */
class KnownOutcomes implements RbacOutcomes {
  readonly #prefix: string;
  readonly #allowed = new Map<string, JsonObject>();
  readonly #denied = new Map<string, JsonObject>();

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  of({ allowed, policy }: RbacVerdict): JsonObject {
    const known = allowed ? this.#allowed : this.#denied;
    let fields = known.get(policy);
    if (fields === undefined) {
      fields = {
        [`${this.#prefix}_engine_result`]: allowed ? "allowed" : "denied",
        ...(policy === NO_POLICY ? {} : { [`${this.#prefix}_effective_policy_id`]: policy }),
      };
      known.set(policy, fields);
    }
    return fields;
  }
}

/** The name of no policy. */
export const NO_POLICY = "none";

/** @param prefix `shadow` or `enforced`, behind the configured prefix. Source: Envoy `envoy.filters.http.rbac`. */
export function createRbacOutcomes(prefix: string): RbacOutcomes {
  return new KnownOutcomes(prefix);
}
