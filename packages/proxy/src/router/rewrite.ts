import { HEADER_ID, type RequestHead } from "@heddle/wire";
import type { DirectResponseConfig, RedirectConfig, RouteConfig } from "../config/route.ts";
import type { ForwardAction } from "../config/route-action.ts";
import { renderTemplate } from "../config/uri-template.ts";
import { pathOnly } from "./route-matcher.ts";
import { withoutPort } from "./route-table.ts";

/** The path after the route's rewrite; the same string when there is none. */
export function rewritePath(route: RouteConfig, action: ForwardAction, path: string): string {
  const rewrite = action.pathRewrite;
  if (rewrite === undefined) return path;
  const bare = pathOnly(path, false);
  const rest = path.slice(bare.length);
  if (rewrite.kind === "regex") return rewrite.rewrite.apply(bare) + rest;
  if (rewrite.kind === "template") {
    const { path: match } = route.match;
    return renderTemplate(rewrite.parts, match.kind === "template" ? match.template.captures(bare) : undefined) + rest;
  }
  const matched = matchedLength(route, bare);
  // A filter may have written another path since the route was chosen: that one stays.
  if (matched < 0) return path;
  return rewrite.text + bare.slice(matched) + rest;
}

function matchedLength(route: RouteConfig, bare: string): number {
  const path = route.match.path;
  switch (path.kind) {
    case "prefix":
    case "separated-prefix": {
      const { text } = path;
      if (bare.startsWith(text)) return text.length;
      return bare.slice(0, text.length).toLowerCase() === text.toLowerCase() ? text.length : -1;
    }
    case "exact":
      return bare.length;
    case "regex":
    case "template":
    case "connect":
      return bare.length;
  }
}

/** What a route answers by itself. */
export function answerOf(
  action: RedirectConfig | DirectResponseConfig,
  route: RouteConfig,
  request: RequestHead,
): { readonly status: number; readonly body: string; readonly location: string | undefined } {
  if (action.kind === "direct") return { status: action.status, body: action.body, location: undefined };
  const scheme = request.headers.getId(HEADER_ID["x-forwarded-proto"]) ?? "http";
  return { status: action.status, body: "", location: redirectLocation(action, route, request, scheme) };
}

/** Value of `location` for a redirect. */
export function redirectLocation(
  redirect: RedirectConfig,
  route: RouteConfig,
  request: RequestHead,
  scheme: string,
): string {
  const toScheme = redirect.scheme ?? scheme;
  let authority = redirect.host ?? request.authority;
  if (redirect.port !== undefined) authority = `${withoutPort(authority)}:${redirect.port}`;
  else if (redirect.scheme !== undefined && redirect.host === undefined) {
    // A default port of the old scheme would be wrong under the new one.
    if (authority.endsWith(":80") || authority.endsWith(":443")) authority = withoutPort(authority);
  }
  const query = request.path.indexOf("?");
  const bare = query < 0 ? request.path : request.path.slice(0, query);
  const rest = query < 0 || redirect.stripQuery ? "" : request.path.slice(query);
  let path = bare;
  if (redirect.path !== undefined) {
    if (redirect.path.kind === "regex") path = redirect.path.rewrite.apply(bare);
    else if (redirect.path.kind === "full") path = redirect.path.text;
    else path = redirect.path.text + bare.slice(matchedLength(route, bare));
  }
  return `${toScheme}://${authority}${path}${path.includes("?") ? "" : rest}`;
}
