import type { RequestHead } from "@heddle/wire";
import type { JwtProviderConfig } from "../config/filters/jwt-authn.ts";
import { cookieValue } from "../router/host-criteria.ts";
import { queryValue } from "../router/route-matcher.ts";

/** The token that a request brings for a provider; undefined: none. Source: Envoy `from_headers`, `from_params`, `from_cookies`. */
export function findToken(provider: JwtProviderConfig, request: RequestHead): string | undefined {
  for (const { name, prefix } of provider.fromHeaders) {
    const value = request.headers.get(name);
    const at = value === undefined ? -1 : prefix === "" ? 0 : value.indexOf(prefix);
    if (value !== undefined && at >= 0)
      return value
        .slice(at + prefix.length)
        .trim()
        .split(/[ ,]/)[0];
  }
  for (const name of provider.fromParams) {
    const value = queryValue(request.path, name);
    if (value !== undefined && value !== "") return value;
  }
  for (const name of provider.fromCookies) {
    const value = cookieValue(request, name);
    if (value !== undefined && value !== "") return value;
  }
  return undefined;
}

/** The upstream does not get the token of a provider that keeps it. */
export function removeToken(provider: JwtProviderConfig, request: RequestHead): void {
  const { headers } = request;
  for (const { name, prefix } of provider.fromHeaders) {
    if (headers.get(name)?.includes(prefix) === true) headers.remove(name);
  }
  for (const name of provider.fromParams) {
    if (queryValue(request.path, name) !== undefined) request.path = withoutParameter(request.path, name);
  }
}

function withoutParameter(path: string, name: string): string {
  const mark = path.indexOf("?");
  const kept = path
    .slice(mark + 1)
    .split("&")
    .filter((pair) => pair !== name && !pair.startsWith(`${name}=`));
  return kept.length === 0 ? path.slice(0, mark) : `${path.slice(0, mark)}?${kept.join("&")}`;
}
