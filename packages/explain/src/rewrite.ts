import { at, fromRe2Substitution, type JsonRecord, recordOf, textOf } from "@heddle/std";
import { RE2JS } from "re2js";
import type { Connection } from "./connection.ts";
import { has } from "./json.ts";

type Headers = NonNullable<Connection["headers"]>;

/** The request as a route passes it on: path and authority, which the far side's routes and policies look at. Source: Envoy's RouteAction. */
export function rewritten(headers: Headers, route: JsonRecord): Headers {
  const action = recordOf(route["route"]);
  const host = textOf(action["host_rewrite_literal"]);
  return {
    ...headers,
    ":path": pathOf(headers[":path"] ?? "/", recordOf(route["match"]), action),
    ...(host === "" ? {} : { ":authority": host }),
  };
}

function pathOf(full: string, match: JsonRecord, action: JsonRecord): string {
  const path = full.split("?")[0] ?? "/";
  const query = full.slice(path.length);
  const prefix = textOf(action["prefix_rewrite"]);
  if (prefix !== "") {
    const taken = has(match, "path") ? path : textOf(match["prefix"]) || textOf(match["path_separated_prefix"]);
    return prefix + path.slice(taken.length) + query;
  }
  const regex = at(action, "regex_rewrite", "pattern", "regex");
  if (regex === undefined) return full;
  const substitution = fromRe2Substitution(textOf(at(action, "regex_rewrite", "substitution")));
  try {
    return RE2JS.compile(textOf(regex)).matcher(path).replaceAll(substitution) + query;
  } catch {
    return full;
  }
}
