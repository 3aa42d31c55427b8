import { at, isInRange, type JsonRecord, numberOf, recordOf, textOf } from "@heddle/std";
import type { Connection } from "./connection.ts";
import { has, recordsOf } from "./json.ts";
import type { Origin } from "./origin.ts";
import { headerMismatch, stringMatches, type Verdict } from "./string-match.ts";

/** What an RBAC filter makes of a request. */
export interface AccessDecision {
  /** Undefined: it depends on what only the moment knows. */
  readonly allowed: boolean | undefined;
  readonly because: string;
  readonly decidedBy: readonly Origin[];
}

/** Evaluates an RBAC filter's rules. Source: envoy.config.rbac.v3. */
export function accessDecision(rules: unknown, connection: Connection): AccessDecision {
  const action = textOf(at(rules, "action")) || "ALLOW";
  const policies = Object.entries(recordOf(at(rules, "policies")));
  let unsure: string | undefined;
  for (const [name, policy] of policies) {
    const found = and([
      or(recordsOf(recordOf(policy)["permissions"]).map((one) => permission(one, connection))),
      or(recordsOf(recordOf(policy)["principals"]).map((one) => principal(one, connection))),
    ]);
    if (found === undefined) unsure ??= name;
    if (found !== true) continue;
    const origin = policyOrigin(name);
    return action === "DENY"
      ? { allowed: false, because: `${name} denies it`, decidedBy: origin }
      : { allowed: true, because: `${name} allows it`, decidedBy: origin };
  }
  if (unsure !== undefined)
    return {
      allowed: undefined,
      because: `${unsure} depends on what only the running proxy knows`,
      decidedBy: policyOrigin(unsure),
    };
  const names = policies.flatMap(([name]) => policyOrigin(name));
  return action === "DENY"
    ? { allowed: true, because: "no rule denies it", decidedBy: [] }
    : {
        allowed: false,
        because:
          names.length === 0
            ? "a policy without rules allows nobody"
            : `no rule allows it (asked: ${[...new Set(names.map(({ object }) => object))].join(", ")})`,
        decidedBy: names,
      };
}

/** `ns[shop]-policy[web]-rule[0]`, as the control plane names policies. */
function policyOrigin(name: string): readonly Origin[] {
  const match = /^(?:istio-ext-authz-)?ns\[(.*)\]-policy\[(.*)\]-rule\[(\d+)\]$/.exec(name);
  if (match === null) return [{ object: name }];
  return [{ object: `AuthorizationPolicy ${match[1]}/${match[2]}`, path: `spec.rules[${match[3]}]` }];
}

function and(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes(false)) return false;
  return verdicts.includes(undefined) ? undefined : true;
}

function or(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes(true)) return true;
  return verdicts.includes(undefined) ? undefined : false;
}

function not(verdict: Verdict): Verdict {
  return verdict === undefined ? undefined : !verdict;
}

function header(matcher: unknown, { headers }: Connection): Verdict {
  return headers !== undefined && headerMismatch(recordOf(matcher), headers) === undefined;
}

function urlPath(value: unknown, { headers }: Connection): Verdict {
  const path = (headers?.[":path"] ?? "").split("?")[0] ?? "";
  return headers !== undefined && stringMatches(at(value, "path"), path);
}

function range(value: unknown, ip: string | undefined): Verdict {
  if (ip === undefined) return undefined;
  return isInRange(ip, `${textOf(at(value, "address_prefix"))}/${textOf(at(value, "prefix_len")) || "0"}`);
}

function permission(one: JsonRecord, connection: Connection): Verdict {
  if (has(one, "any")) return one["any"] === true;
  if (has(one, "and_rules"))
    return and(recordsOf(at(one, "and_rules", "rules")).map((rule) => permission(rule, connection)));
  if (has(one, "or_rules"))
    return or(recordsOf(at(one, "or_rules", "rules")).map((rule) => permission(rule, connection)));
  if (has(one, "not_rule")) return not(permission(recordOf(one["not_rule"]), connection));
  if (has(one, "header")) return header(one["header"], connection);
  if (has(one, "url_path")) return urlPath(one["url_path"], connection);
  if (has(one, "destination_port")) return numberOf(one["destination_port"]) === connection.port;
  if (has(one, "destination_port_range"))
    return (
      connection.port >= numberOf(at(one, "destination_port_range", "start")) &&
      connection.port < numberOf(at(one, "destination_port_range", "end"))
    );
  if (has(one, "destination_ip")) return range(one["destination_ip"], connection.ip);
  if (has(one, "requested_server_name")) return stringMatches(one["requested_server_name"], connection.serverName);
  return undefined;
}

function principal(one: JsonRecord, connection: Connection): Verdict {
  if (has(one, "any")) return one["any"] === true;
  if (has(one, "and_ids")) return and(recordsOf(at(one, "and_ids", "ids")).map((id) => principal(id, connection)));
  if (has(one, "or_ids")) return or(recordsOf(at(one, "or_ids", "ids")).map((id) => principal(id, connection)));
  if (has(one, "not_id")) return not(principal(recordOf(one["not_id"]), connection));
  if (has(one, "header")) return header(one["header"], connection);
  if (has(one, "url_path")) return urlPath(one["url_path"], connection);
  if (has(one, "authenticated")) {
    if (connection.peer === undefined) return false;
    const name = at(one, "authenticated", "principal_name");
    return name === undefined || stringMatches(name, connection.peer);
  }
  for (const field of ["direct_remote_ip", "source_ip", "remote_ip"])
    if (has(one, field)) return range(one[field], connection.sourceIp);
  return undefined;
}
