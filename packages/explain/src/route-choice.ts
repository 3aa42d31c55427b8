import { at, type JsonRecord, numberOf, recordOf, textOf } from "@heddle/std";
import { has, recordsOf, textsOf } from "./json.ts";
import { headerMismatch, matcherText, regexMatches, stringMatches } from "./string-match.ts";

type Headers = Readonly<Record<string, string>>;

export interface HostChoice {
  readonly host: JsonRecord;
  readonly because: string;
}

/** The virtual host of an authority: exact, longest `*.suffix`, longest `prefix.*`, `*`. Source: Envoy's VirtualHost.domains. */
export function virtualHostFor(config: JsonRecord, authority: string): HostChoice | undefined {
  const name = (
    config["ignore_port_in_host_matching"] === true ? authority.replace(/:\d+$/, "") : authority
  ).toLowerCase();
  let best: { readonly host: JsonRecord; readonly domain: string; readonly rank: number } | undefined;
  for (const host of recordsOf(config["virtual_hosts"])) {
    for (const domain of textsOf(host["domains"])) {
      const rank = domainRank(domain.toLowerCase(), name);
      if (rank > (best?.rank ?? 0)) best = { host, domain, rank };
    }
  }
  if (best === undefined) return undefined;
  if (best.domain !== "*") return { host: best.host, because: `domain ${best.domain}` };
  const only = recordsOf(config["virtual_hosts"]).length === 1;
  return { host: best.host, because: only ? "it takes every host" : `no other host is ${name}; "*" takes the rest` };
}

/** 0: no match. */
function domainRank(domain: string, name: string): number {
  if (domain === name) return 1_000_000;
  if (domain === "*") return 1;
  if (domain.startsWith("*") && name.endsWith(domain.slice(1)) && name.length >= domain.length)
    return 10_000 + domain.length;
  if (domain.endsWith("*") && name.startsWith(domain.slice(0, -1)) && name.length >= domain.length)
    return 100 + domain.length;
  return 0;
}

export interface RouteChoice {
  readonly route: JsonRecord;
  readonly index: number;
  /** Why each route before it was passed over. */
  readonly passed: readonly { readonly route: JsonRecord; readonly reason: string }[];
  /** Part of the requests that it takes, where a runtime fraction says so. */
  readonly share: number;
}

/** The first route whose conditions all hold; undefined: none, and `passed` says why not. */
export function routeFor(
  host: JsonRecord,
  headers: Headers,
): RouteChoice | { readonly route: undefined; readonly passed: RouteChoice["passed"] } {
  const passed: { route: JsonRecord; reason: string }[] = [];
  for (const [index, route] of recordsOf(host["routes"]).entries()) {
    const match = recordOf(route["match"]);
    const reason = mismatch(match, headers);
    if (reason === undefined) return { route, index, passed, share: fractionOf(match["runtime_fraction"]) };
    passed.push({ route, reason });
  }
  return { route: undefined, passed };
}

/** A FractionalPercent under `default_value`, 1 where there is none. */
export function fractionOf(value: unknown): number {
  const percent =
    at(value, "default_value") ?? (has(value, "numerator") || has(value, "denominator") ? value : undefined);
  if (percent === undefined) return value === undefined ? 1 : 0;
  const unit = { HUNDRED: 100, TEN_THOUSAND: 10_000, MILLION: 1_000_000 }[textOf(at(percent, "denominator"))] ?? 100;
  return Math.min(1, numberOf(at(percent, "numerator")) / unit);
}

function mismatch(match: JsonRecord, headers: Headers): string | undefined {
  const full = headers[":path"] ?? "/";
  const path = full.split("?")[0] ?? "/";
  const pathReason = pathMismatch(match, path);
  if (pathReason !== undefined) return pathReason;
  for (const matcher of recordsOf(match["headers"])) {
    const reason = headerMismatch(matcher, headers);
    if (reason !== undefined) return reason;
  }
  const query = new URLSearchParams(full.slice(path.length));
  for (const matcher of recordsOf(match["query_parameters"])) {
    const name = textOf(matcher["name"]);
    const value = query.get(name);
    if (matcher["present_match"] === false) {
      if (value !== null) return `query parameter ${name} is present`;
      continue;
    }
    if (value === null) return `query parameter ${name} is absent`;
    if (has(matcher, "string_match") && !stringMatches(matcher["string_match"], value))
      return `query parameter ${name} is "${value}", wanted ${matcherText(matcher["string_match"])}`;
  }
  if (has(match, "grpc") && headers["content-type"]?.startsWith("application/grpc") !== true)
    return "it is no gRPC call";
  return undefined;
}

function pathMismatch(match: JsonRecord, sent: string): string | undefined {
  const fold = (text: string): string => (match["case_sensitive"] === false ? text.toLowerCase() : text);
  const path = fold(sent);
  if (has(match, "path")) {
    const wanted = textOf(match["path"]);
    return path === fold(wanted) ? undefined : `path ${sent} is not ${wanted}`;
  }
  if (has(match, "prefix")) {
    const wanted = textOf(match["prefix"]);
    return path.startsWith(fold(wanted)) ? undefined : `path ${sent} does not begin with ${wanted}`;
  }
  if (has(match, "path_separated_prefix")) {
    const wanted = fold(textOf(match["path_separated_prefix"]));
    return path === wanted || path.startsWith(`${wanted}/`) ? undefined : `path ${sent} is not under ${wanted}`;
  }
  if (has(match, "safe_regex"))
    return regexMatches(match["safe_regex"], sent)
      ? undefined
      : `path ${sent} does not match ${textOf(at(match, "safe_regex", "regex"))}`;
  return undefined;
}

/** The conditions of a route as one line. */
export function conditionText(match: JsonRecord): string {
  const parts = [
    has(match, "path") ? `path is ${textOf(match["path"])}` : "",
    has(match, "prefix") && match["prefix"] !== "/" ? `path begins with ${textOf(match["prefix"])}` : "",
    has(match, "path_separated_prefix") ? `path is under ${textOf(match["path_separated_prefix"])}` : "",
    has(match, "safe_regex") ? `path matches ${textOf(at(match, "safe_regex", "regex"))}` : "",
    ...recordsOf(match["headers"]).map(
      (one) =>
        `header ${textOf(one["name"])} ${one["invert_match"] === true ? "not " : ""}${has(one, "string_match") ? matcherText(one["string_match"]) : "present"}`,
    ),
    ...recordsOf(match["query_parameters"]).map(
      (one) =>
        `query ${textOf(one["name"])} ${has(one, "string_match") ? matcherText(one["string_match"]) : "present"}`,
    ),
  ].filter((part) => part !== "");
  return parts.length === 0 ? "every request" : parts.join(" and ");
}
