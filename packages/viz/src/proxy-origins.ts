import { at, type JsonRecord, listOf, recordOf, textOf } from "@heddle/std";
import type { ConfigAnswer, ConfigOrigin, PolicyRow } from "./config-contract.ts";

interface Draft {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly decided: Set<string>;
  readonly makes: Map<string, number>;
}

/** Kinds that say who may do what, of Istio and of Linkerd. */
const POLICY_KINDS = new Set([
  "AuthorizationPolicy",
  "PeerAuthentication",
  "RequestAuthentication",
  "Server",
  "ServerAuthorization",
  "MeshTLSAuthentication",
  "NetworkAuthentication",
  "HTTPLocalRateLimitPolicy",
]);

/** What an object of the configuration is called, by the member that it stands in. */
const PARTS: Readonly<Record<string, string>> = {
  listener: "listener",
  filter_chains: "filter chain",
  default_filter_chain: "filter chain",
  cluster: "cluster",
  virtual_hosts: "virtual host",
  routes: "route",
  route_config: "route table",
};

const RULE = /^(?:istio-ext-authz-)?ns\[([^\]]*)\]-policy\[([^\]]*)\]/;

/** Reads from a proxy's `/config_dump` which resources made what: every generated part carries its origin. */
export function readOrigins(dump: unknown): Pick<ConfigAnswer, "origins" | "policies" | "plainTextAllowed"> {
  const drafts = new Map<string, Draft>();
  const effects = new Map<string, PolicyRow>();
  let plainTextAllowed: boolean | null = null;
  const draftOf = (ref: JsonRecord): Draft => {
    const [kind, namespace, name] = [textOf(ref["kind"]), textOf(ref["namespace"]), textOf(ref["name"])];
    const key = [kind, namespace, name].join("\u0000");
    const draft = drafts.get(key) ?? { kind, namespace, name, decided: new Set(), makes: new Map() };
    drafts.set(key, draft);
    return draft;
  };
  const visit = (value: unknown, part: string): void => {
    if (Array.isArray(value)) {
      for (const item of value) visit(item, part);
      return;
    }
    if (typeof value !== "object" || value === null) return;
    const fields = recordOf(value);
    const heddle = recordOf(at(fields, "metadata", "filter_metadata", "heddle"));
    for (const source of [...listOf(heddle["sources"]), ...listOf(heddle["patches"])])
      count(draftOf(recordOf(source)).makes, PARTS[part] ?? part);
    for (const [what, by] of Object.entries(recordOf(heddle["decided"]))) {
      const ref = recordOf(by);
      draftOf(ref).decided.add(`${what}: ${textOf(ref["path"])}`);
    }
    for (const member of ["rules", "shadow_rules"]) readRules(recordOf(fields[member]), member, effects, draftOf);
    if (fields["name"] === "virtualInbound" && Array.isArray(fields["filter_chains"]))
      plainTextAllowed = fields["filter_chains"].some(takesPlainText);
    for (const [key, inner] of Object.entries(fields)) if (key !== "metadata") visit(inner, key);
  };
  visit(at(dump, "configs"), "");
  const origins = [...drafts.values()]
    .map((d): ConfigOrigin => ({ ...d, decided: [...d.decided].sort(), makes: Object.fromEntries(d.makes) }))
    .sort(byKind);
  for (const { kind, namespace, name, decided } of origins) {
    const key = `${kind}/${namespace}/${name}`;
    if (POLICY_KINDS.has(kind) && !effects.has(key))
      effects.set(key, { kind, namespace, name, effect: decided.join(", ") });
  }
  return { origins, policies: [...effects.values()].sort(byKind), plainTextAllowed };
}

/** The authorization filter names its rules after their policies. Source: Istio's `ns[…]-policy[…]-rule[…]`. */
function readRules(
  rules: JsonRecord,
  member: string,
  effects: Map<string, PolicyRow>,
  draftOf: (ref: JsonRecord) => Draft,
): void {
  for (const rule of Object.keys(recordOf(rules["policies"]))) {
    const [, namespace = "", name = ""] = RULE.exec(rule) ?? [];
    if (name === "") continue;
    const kind = "AuthorizationPolicy";
    const action = textOf(rules["action"]) || "ALLOW";
    count(draftOf({ kind, namespace, name }).makes, "rule");
    effects.set(`${kind}/${namespace}/${name}`, {
      kind,
      namespace,
      name,
      effect: member === "rules" ? action : `${action} (dry run)`,
    });
  }
}

function takesPlainText(chain: unknown): boolean {
  return at(chain, "filter_chain_match", "transport_protocol") === "raw_buffer";
}

function count(into: Map<string, number>, key: string): void {
  into.set(key, (into.get(key) ?? 0) + 1);
}

type Named = Pick<PolicyRow, "kind" | "namespace" | "name">;
/** Mere Services come last: everything has one. */
const rank = (one: Named) => (one.kind === "Service" ? 1 : 0);
function byKind(a: Named, b: Named): number {
  return (
    rank(a) - rank(b) ||
    a.kind.localeCompare(b.kind) ||
    a.namespace.localeCompare(b.namespace) ||
    a.name.localeCompare(b.name)
  );
}
