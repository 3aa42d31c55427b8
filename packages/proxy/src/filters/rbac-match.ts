// Hot path: once per request or connection where rules are configured.
import { cidrContains, parseIp } from "@heddle/std";
import type { RequestHead } from "@heddle/wire";
import type { RbacRule, RbacRules, RbacTree } from "../config/rbac.ts";
import { matchesString } from "../config/string-match.ts";
import { type MetadataMap, matchesMetadata } from "../config/value-match.ts";
import type { ConnectionInfo } from "../listener/connection-info.ts";
import { matchTree } from "../router/match-tree.ts";
import { requestFacts } from "../router/request-facts.ts";
import { matchesHeader, pathOnly } from "../router/route-matcher.ts";
import { NO_POLICY } from "./rbac-outcome.ts";

/** Where the metadata of a request has the name of the policy that let it through; absent: none had to. */
export const ALLOWED_BY = "heddle.allowed_by";

/** What rules look at; connections have no request. */
export interface RbacFacts {
  readonly connection: ConnectionInfo;
  readonly request: RequestHead | undefined;
  readonly metadata: MetadataMap | undefined;
  /** The client behind trusted proxies. */
  clientIp(): string;
}

/** Verdict of a set of rules. */
export interface RbacVerdict {
  readonly allowed: boolean;
  /** The policy that decided, or "none". */
  readonly policy: string;
  /** Whether a matcher tree wants it in a log; undefined: nothing is said about logs. */
  readonly logged?: boolean | undefined;
}

export function evaluateRbac(rules: RbacRules, facts: RbacFacts): RbacVerdict {
  if (rules.tree !== undefined) return askTree(rules.tree, facts);
  for (const policy of rules.policies) {
    if (matchesRule(policy.permission, facts) && matchesRule(policy.principal, facts))
      return { allowed: rules.action !== "deny", policy: policy.name };
  }
  return { allowed: rules.action !== "allow", policy: NO_POLICY };
}

/** What matches nothing, or asks for what can't be told, is denied. Source: Envoy. */
function askTree({ tree, logs }: RbacTree, { connection, request }: RbacFacts): RbacVerdict {
  const found = matchTree(tree, requestFacts(connection, request)) ?? DENIED;
  return { allowed: found.action !== "deny", policy: found.name, logged: logs ? found.action === "log" : undefined };
}

const DENIED = { name: NO_POLICY, action: "deny" } as const;

function matchesRule(rule: RbacRule, facts: RbacFacts): boolean {
  const { connection, request } = facts;
  switch (rule.kind) {
    case "any":
      return true;
    case "and":
      return rule.rules.every((r) => matchesRule(r, facts));
    case "or":
      return rule.rules.some((r) => matchesRule(r, facts));
    case "not":
      return !matchesRule(rule.rule, facts);
    case "header":
      return request !== undefined && matchesHeader(rule.match, request);
    case "path":
      return request !== undefined && matchesString(rule.match, withoutFragment(pathOnly(request.path, false)));
    case "destination-ip":
      return contains(rule.cidr, connection.local.ip);
    case "source-ip":
      return contains(rule.cidr, connection.remote.ip);
    case "direct-ip":
      return contains(rule.cidr, connection.directIp);
    case "remote-ip":
      return contains(rule.cidr, facts.clientIp());
    case "destination-port":
      return connection.local.port >= rule.start && connection.local.port < rule.end;
    case "metadata":
      return matchesMetadata(rule.match, facts.metadata);
    case "server-name":
      return matchesString(rule.match, connection.sni);
    case "authenticated":
      return matchesPeer(rule.name, connection);
  }
}

function contains(cidr: Parameters<typeof cidrContains>[0], ip: string): boolean {
  const bytes = parseIp(ip);
  return bytes !== undefined && cidrContains(cidr, bytes);
}

/** URI names, else DNS names, else the subject. Source: Envoy `Principal.Authenticated`. */
function matchesPeer(name: Parameters<typeof matchesString>[0] | undefined, connection: ConnectionInfo): boolean {
  const peer = connection.tls?.peer;
  if (connection.tls === undefined) return false;
  if (name === undefined) return true;
  if (peer === undefined) return false;
  const names = peer.uriSans.length > 0 ? peer.uriSans : peer.dnsSans.length > 0 ? peer.dnsSans : [peer.subject];
  return names.some((text) => matchesString(name, text));
}

function withoutFragment(path: string): string {
  const hash = path.indexOf("#");
  return hash < 0 ? path : path.slice(0, hash);
}
