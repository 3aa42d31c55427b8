import { cidrContains, parseIp } from "@heddle/std";
import type { IpTaggingConfig } from "../config/filters/ip-tagging.ts";
import { joinedValue } from "../router/header-values.ts";
import type { FilterCall, FilterSurroundings, HttpFilter } from "./http-filter.ts";

const OWN_HEADER = "x-envoy-ip-tags";

/** Tells the upstream which networks the client belongs to. Source: Envoy `envoy.filters.http.ip_tagging`. */
class IpTaggingFilter implements HttpFilter {
  readonly #config: IpTaggingConfig;
  readonly #around: FilterSurroundings;

  constructor(config: IpTaggingConfig, around: FilterSurroundings) {
    this.#config = config;
    this.#around = around;
  }

  onRequest(call: FilterCall): boolean {
    // Nobody outside says what Envoy says itself. Source: Envoy `ConnectionManagerUtility::mutateRequestHeaders`.
    call.request.headers.remove(OWN_HEADER);
    if (!this.#config.active) return true;
    const tags = this.#tagsOf(call.clientIp());
    this.#tell(call, tags);
    for (const tag of tags) this.#around.count(`ip_tagging.${tag}.hit`);
    if (tags.length === 0) this.#around.count("ip_tagging.no_hit");
    this.#around.count("ip_tagging.total");
    return true;
  }

  #tagsOf(ip: string): readonly string[] {
    const bytes = parseIp(ip);
    if (bytes === undefined) return [];
    const found = this.#config.tags.filter(({ networks }) => networks.some((cidr) => cidrContains(cidr, bytes)));
    return found.map(({ name }) => name);
  }

  #tell(call: FilterCall, tags: readonly string[]): void {
    const { header, onSent } = this.#config;
    const { headers } = call.request;
    if (tags.length === 0) {
      // Nobody may claim a network for himself.
      if (onSent === "replace" && headers.remove(header)) call.clearRoute();
      return;
    }
    const text = tags.join(",");
    const before = joinedValue(headers, header);
    if (onSent === "replace" || before === undefined) headers.set(header, text);
    else headers.set(header, `${before},${text}`);
    call.clearRoute();
  }
}

export function createIpTaggingFilter(config: IpTaggingConfig, around: FilterSurroundings): HttpFilter {
  return new IpTaggingFilter(config, around);
}
