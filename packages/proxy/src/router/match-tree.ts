// Hot path: once per request or connection where a matcher tree is configured; nothing runs elsewhere.
import { cidrContains, parseIp } from "@heddle/std";
import type { RequestHead } from "@heddle/wire";
import type { MatchInput, MatchOutcome, MatchPredicate, MatchTree } from "../config/matcher/match-tree.ts";
import { matchesString } from "../config/string-match.ts";
import { textOfBytes } from "../config/wire-text.ts";
import type { PeerIdentity } from "../transport/connection.ts";
import { joinedValue, pseudoHeader } from "./header-values.ts";
import { queryValue } from "./route-matcher.ts";

/** What matcher trees look at. */
export interface MatchFacts {
  readonly destinationIp: string;
  readonly destinationPort: number;
  readonly sourceIp: string;
  readonly sourcePort: number;
  readonly directSourceIp: string;
  /** "": the client named none. */
  readonly serverName: string;
  /** `tls`, `raw_buffer`, or "" where nobody looked. */
  readonly transportProtocol: string;
  readonly applicationProtocols: readonly string[];
  /** Undefined: no TLS. Null: TLS without a certificate of the client. */
  readonly peer: PeerIdentity | null | undefined;
  /** Undefined: there is none yet. */
  readonly request: RequestHead | undefined;
}

/** A value; undefined: there is none; null: it can't be told, which ends the whole match without a result. */
type Value = string | undefined | null;

/**
 * The action that a tree leads to. Undefined: nothing matched. Null: something that it asks for can't be told.
 * Source: Envoy's matching API.
 */
export function matchTree<A>(tree: MatchTree<A>, facts: MatchFacts): A | undefined | null {
  const found = search(tree, facts);
  return found === undefined && tree.otherwise !== undefined ? follow(tree.otherwise, facts) : found;
}

function follow<A>(outcome: MatchOutcome<A>, facts: MatchFacts): A | undefined | null {
  return outcome.kind === "action" ? outcome.action : matchTree(outcome.tree, facts);
}

/** What leads to nothing further down is passed over, and the search goes on. */
function search<A>(tree: MatchTree<A>, facts: MatchFacts): A | undefined | null {
  if (tree.kind === "none") return undefined;
  if (tree.kind === "list") {
    for (const { predicate, outcome } of tree.entries) {
      const holds = test(predicate, facts);
      if (holds === null) return null;
      const found = holds ? follow(outcome, facts) : undefined;
      if (found !== undefined) return found;
    }
    return undefined;
  }
  const value = read(tree.input, facts);
  if (value === undefined || value === null) return value;
  switch (tree.kind) {
    case "exact": {
      const outcome = tree.outcomes.get(value);
      return outcome && follow(outcome, facts);
    }
    case "prefix":
      for (const length of tree.lengths) {
        const outcome = length <= value.length ? tree.outcomes.get(value.slice(0, length)) : undefined;
        const found = outcome && follow(outcome, facts);
        if (found !== undefined) return found;
      }
      return undefined;
    case "ip":
      return searchRanges(tree, value, facts);
    case "name":
      return searchNames(tree, value, facts);
  }
}

function searchRanges<A>(
  { table }: Extract<MatchTree<A>, { readonly kind: "ip" }>,
  value: string,
  facts: MatchFacts,
): A | undefined | null {
  const ip = parseIp(value);
  if (ip === undefined) return undefined;
  let first = true;
  for (const { value: outcome, exclusive } of table.find(ip)) {
    const found = first || !exclusive ? follow(outcome, facts) : undefined;
    if (found !== undefined) return found;
    first = false;
  }
  return undefined;
}

function searchNames<A>(
  { exact, wildcards, any }: Extract<MatchTree<A>, { readonly kind: "name" }>,
  value: string,
  facts: MatchFacts,
): A | undefined | null {
  if (value === "") return undefined;
  const whole = exact.get(value);
  let found = whole && follow(whole, facts);
  for (let dot = value.indexOf("."); dot >= 0 && found === undefined; dot = value.indexOf(".", dot + 1)) {
    const wildcard = wildcards.get(value.slice(dot + 1));
    found = wildcard && follow(wildcard, facts);
  }
  return found === undefined && any !== undefined ? follow(any, facts) : found;
}

function test(predicate: MatchPredicate, facts: MatchFacts): boolean | null {
  switch (predicate.kind) {
    case "and":
      for (const one of predicate.predicates) {
        const holds = test(one, facts);
        if (holds !== true) return holds;
      }
      return true;
    case "or": {
      let untold = false;
      for (const one of predicate.predicates) {
        const holds = test(one, facts);
        if (holds === true) return true;
        untold ||= holds === null;
      }
      return untold ? null : false;
    }
    case "not": {
      const holds = test(predicate.predicate, facts);
      return holds === null ? null : !holds;
    }
    default: {
      const value = read(predicate.input, facts);
      if (value === null) return null;
      if (value === undefined) return false;
      if (predicate.kind === "text") return matchesString(predicate.match, value);
      const ip = parseIp(value);
      return ip !== undefined && predicate.ranges.some((range) => cidrContains(range, ip));
    }
  }
}

function read(input: MatchInput, facts: MatchFacts): Value {
  switch (input.kind) {
    case "destination-ip":
      return facts.destinationIp;
    case "destination-port":
      return String(facts.destinationPort);
    case "source-ip":
      return facts.sourceIp;
    case "source-port":
      return String(facts.sourcePort);
    case "direct-source-ip":
      return facts.directSourceIp;
    case "source-type":
      return isLocalSource(facts) ? "local" : undefined;
    case "server-name":
      return facts.serverName || undefined;
    case "transport-protocol":
      return facts.transportProtocol || undefined;
    case "application-protocol":
      // Source: Envoy `ApplicationProtocolInput`: 'h2','http/1.1'.
      return facts.applicationProtocols.length === 0 ? undefined : `'${facts.applicationProtocols.join("','")}'`;
    case "uri-san":
      return facts.peer === undefined ? null : facts.peer?.uriSans.join(",") || undefined;
    case "dns-san":
      return facts.peer === undefined ? null : facts.peer?.dnsSans.join(",") || undefined;
    case "subject":
      return facts.peer === undefined ? null : facts.peer?.subject || undefined;
    case "header":
      return facts.request === undefined ? null : headerOf(input.name, facts.request);
    case "query":
      return facts.request === undefined ? null : decodedQuery(facts.request.path, input.name);
  }
}

/** Source: Envoy `isSameIpOrLoopback`, for which the loopback is one address of each family. */
export function isLocalSource({ sourceIp, destinationIp }: Pick<MatchFacts, "sourceIp" | "destinationIp">): boolean {
  return sourceIp === destinationIp || sourceIp === "127.0.0.1" || sourceIp === "::1";
}

function headerOf(name: string, request: RequestHead): string | undefined {
  // CONNECT has no path.
  if (name === ":path" && request.path === "") return undefined;
  return pseudoHeader(name, request) ?? joinedValue(request.headers, name);
}

/** Source: Envoy decodes parameters here, other than for routes. */
function decodedQuery(path: string, name: string): string | undefined {
  const value = queryValue(path, name);
  if (value === undefined || !value.includes("%")) return value && textOfBytes(value);
  return Buffer.from(
    value.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    "latin1",
  ).toString("utf8");
}
