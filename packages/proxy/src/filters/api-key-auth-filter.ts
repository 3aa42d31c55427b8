import type { RequestHead } from "@heddle/wire";
import type {
  ApiKeyAuthConfig,
  ApiKeyAuthRouteConfig,
  ApiKeyForwarding,
  ApiKeySource,
} from "../config/filters/api-key-auth.ts";
import { bytesOfText } from "../config/wire-text.ts";
import { cookieValue } from "../router/host-criteria.ts";
import type { FilterCall, FilterSurroundings, HttpFilter } from "./http-filter.ts";
import { queryParameters, withoutCookie, withoutParameter } from "./request-parts.ts";

const BEARER = "Bearer ";

/** Lets in who has a key. Source: Envoy `envoy.filters.http.api_key_auth`. */
class ApiKeyAuthFilter implements HttpFilter {
  readonly #clients: ReadonlyMap<string, string>;
  readonly #sources: readonly ApiKeySource[];
  readonly #allowed: ReadonlySet<string> | undefined;
  readonly #forwarding: ApiKeyForwarding | undefined;
  readonly #around: FilterSurroundings;

  constructor(own: ApiKeyAuthConfig, route: ApiKeyAuthRouteConfig | undefined, around: FilterSurroundings) {
    this.#clients = route === undefined || route.clients.size === 0 ? own.clients : route.clients;
    this.#sources = route === undefined || route.sources.length === 0 ? own.sources : route.sources;
    this.#forwarding = route?.forwarding ?? own.forwarding;
    this.#allowed = route === undefined || route.allowed.size === 0 ? undefined : route.allowed;
    this.#around = around;
  }

  onRequest(call: FilterCall): boolean {
    if (this.#sources.length === 0) return this.#deny(call, "unauthorized", "missing_key_sources");
    const key = this.#key(call.request);
    if (key === "") return this.#deny(call, "unauthorized", "missing_api_key");
    const client = this.#clients.get(key);
    if (client === undefined) return this.#deny(call, "unauthorized", "unknown_api_key");
    if (this.#allowed?.has(client) === false) return this.#deny(call, "forbidden", "client_not_allowed");
    if (this.#forwarding !== undefined) this.#forward(call.request, client, this.#forwarding);
    this.#around.count("api_key_auth.allowed");
    return true;
  }

  /** "": there is none. */
  #key(request: RequestHead): string {
    for (const source of this.#sources) {
      const key = keyAt(source, request);
      if (key !== "") return key;
    }
    return "";
  }

  #forward(request: RequestHead, client: string, { header, hides }: ApiKeyForwarding): void {
    if (hides) {
      for (const { from, name } of this.#sources) {
        if (from === "header") request.headers.remove(name);
        else if (from === "query") request.path = withoutParameter(request.path, name);
        else withoutCookie(request.headers, name);
      }
    }
    if (header !== "") request.headers.set(header, bytesOfText(client));
  }

  #deny(call: FilterCall, verdict: "unauthorized" | "forbidden", details: string): false {
    this.#around.count(`api_key_auth.${verdict}`);
    const [status, body] =
      verdict === "forbidden" ? [403, "Client is forbidden."] : [401, "Client authentication failed."];
    call.reply({ status, body, details, flag: "-" });
    return false;
  }
}

function keyAt({ from, name }: ApiKeySource, request: RequestHead): string {
  switch (from) {
    case "header": {
      const value = request.headers.get(name) ?? "";
      return value.startsWith(BEARER) ? value.slice(BEARER.length) : value;
    }
    case "query":
      return queryParameters(request.path).find(([key]) => key === name)?.[1] ?? "";
    case "cookie":
      return cookieValue(request, name) ?? "";
  }
}

export function createApiKeyAuthFilter(
  own: ApiKeyAuthConfig,
  route: ApiKeyAuthRouteConfig | undefined,
  around: FilterSurroundings,
): HttpFilter {
  return new ApiKeyAuthFilter(own, route, around);
}
