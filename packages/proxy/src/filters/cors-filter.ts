import type { ResponseHead } from "@heddle/wire";
import type { CorsConfig } from "../config/filters/cors.ts";
import { matchesString } from "../config/string-match.ts";
import { isChosen } from "../runtime/runtime.ts";
import type { FilterCall, FilterSurroundings, HttpFilter } from "./http-filter.ts";

/** Answers preflights, and tells browsers who may read answers. Source: Envoy `envoy.filters.http.cors`. */
class CorsFilter implements HttpFilter {
  readonly #config: CorsConfig;
  readonly #around: FilterSurroundings;

  constructor(config: CorsConfig, around: FilterSurroundings) {
    this.#config = config;
    this.#around = around;
  }

  onRequest(call: FilterCall): boolean {
    const config = this.#config;
    const { headers, method } = call.request;
    const origin = headers.get("origin");
    if (origin === undefined || origin === "") return true;
    const { runtime, random } = this.#around;
    const enforced = isChosen(runtime.share(config.fraction), random);
    if (!enforced && !isChosen(runtime.share(config.shadow), random)) return true;
    // Source: Envoy: what takes the text * takes every origin.
    const allowed = config.origins.some((match) => matchesString(match, "*") || matchesString(match, origin));
    this.#around.count(allowed ? "cors.origin_valid" : "cors.origin_invalid");
    if (!enforced) return true;
    const preflight = method === "OPTIONS" && headers.has("access-control-request-method");
    if (!allowed) {
      if (!preflight || config.forwardOtherPreflights) return true;
      call.reply({ status: 200, body: "", details: "cors_response", flag: "-", bare: true });
      return false;
    }
    if (!preflight) {
      call.onResponse((head) => this.#allow(head, origin));
      return true;
    }
    const answer: [string, string][] = [["access-control-allow-origin", origin]];
    if (config.credentials) answer.push(["access-control-allow-credentials", "true"]);
    if (config.methods !== "") answer.push(["access-control-allow-methods", config.methods]);
    if (config.headers !== "") answer.push(["access-control-allow-headers", config.headers]);
    if (config.expose !== "") answer.push(["access-control-expose-headers", config.expose]);
    if (config.maxAge !== "") answer.push(["access-control-max-age", config.maxAge]);
    if (config.privateNetwork && headers.get("access-control-request-private-network") === "true")
      answer.push(["access-control-allow-private-network", "true"]);
    call.reply({ status: 200, body: "", details: "cors_response", flag: "-", bare: true, headers: answer });
    return false;
  }

  #allow(head: ResponseHead, origin: string): void {
    const { headers } = head;
    headers.set("access-control-allow-origin", origin);
    if (this.#config.credentials) headers.set("access-control-allow-credentials", "true");
    if (this.#config.expose !== "") headers.set("access-control-expose-headers", this.#config.expose);
  }
}

export function createCorsFilter(config: CorsConfig, around: FilterSurroundings): HttpFilter {
  return new CorsFilter(config, around);
}
