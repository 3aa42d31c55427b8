import type { RequestHead } from "@heddle/wire";
import type { CsrfConfig } from "../config/filters/csrf.ts";
import { matchesString } from "../config/string-match.ts";
import { isChosen } from "../runtime/runtime.ts";
import type { FilterCall, FilterSurroundings, HttpFilter } from "./http-filter.ts";

const CHANGING: ReadonlySet<string> = new Set(["POST", "PUT", "DELETE", "PATCH"]);
/** Host and port of an absolute URL. */
const ABSOLUTE = /^[A-Za-z][A-Za-z\d+.-]*:\/\/(?:[^@/?#]*@)?((?:[\w.~-]+|\[[\da-fA-F:.]+\])(?::\d+)?)(?:[/?]|$)/;

/** Refuses changes that pages of other sites ask for. Source: Envoy `envoy.filters.http.csrf`. */
class CsrfFilter implements HttpFilter {
  readonly #config: CsrfConfig;
  readonly #around: FilterSurroundings;

  constructor(config: CsrfConfig, around: FilterSurroundings) {
    this.#config = config;
    this.#around = around;
  }

  onRequest(call: FilterCall): boolean {
    if (!CHANGING.has(call.request.method)) return true;
    const { enabled, shadowed } = this.#config;
    const { runtime, random } = this.#around;
    const enforced = isChosen(runtime.share(enabled), random);
    if (!enforced && !isChosen(runtime.share(shadowed), random)) return true;
    const source = sourceOf(call.request);
    if (source !== "" && this.#allows(source, call.request)) {
      this.#around.count("csrf.request_valid");
      return true;
    }
    this.#around.count(source === "" ? "csrf.missing_source_origin" : "csrf.request_invalid");
    if (!enforced) return true;
    call.reply({ status: 403, body: "Invalid origin", details: "csrf_origin_mismatch", flag: "-" });
    return false;
  }

  #allows(source: string, request: RequestHead): boolean {
    return source === hostOf(request.authority) || this.#config.origins.some((match) => matchesString(match, source));
  }
}

/** The site whose page asks: by `origin`, else by `referer`; "": none says. */
function sourceOf({ headers }: RequestHead): string {
  const origin = hostOf(headers.get("origin") ?? "");
  // A page that hides where it comes from says nothing. Source: Envoy 1.40.
  if (origin === "null") return "";
  return origin === "" ? hostOf(headers.get("referer") ?? "") : origin;
}

/** Host and port of a URL; what is none stays as it is. */
function hostOf(url: string): string {
  return ABSOLUTE.exec(url)?.[1] ?? url;
}

export function createCsrfFilter(config: CsrfConfig, around: FilterSurroundings): HttpFilter {
  return new CsrfFilter(config, around);
}
