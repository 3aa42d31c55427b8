import type { HeaderList, RequestHead } from "@heddle/wire";
import type { SessionStateConfig, StatefulSessionConfig } from "../config/filters/stateful-session.ts";
import { cookieIn } from "../router/host-criteria.ts";
import { decodeBase64 } from "./decode-base64.ts";
import type { FilterCall, FilterSurroundings, HttpFilter } from "./http-filter.ts";
import { readSessionCookie, writeSessionCookie } from "./session-cookie.ts";

/** Names of its statistics. */
export const SESSION_STATS = ["routed", "failed_open", "failed_closed", "no_session"] as const;

/** Sends a session's requests to one host. Source: Envoy `envoy.filters.http.stateful_session`. */
class StatefulSessionFilter implements HttpFilter {
  readonly #config: StatefulSessionConfig;
  readonly #fromRoute: boolean;
  readonly #around: FilterSurroundings;

  constructor(config: StatefulSessionConfig, fromRoute: boolean, around: FilterSurroundings) {
    this.#config = config;
    this.#fromRoute = fromRoute;
    this.#around = around;
  }

  onRequest(call: FilterCall): boolean {
    const { state, strict, strictStatus } = this.#config;
    if (state === undefined) return true;
    if (state.kind === "cookie" && !belongsTo(state.path, call.request.path)) {
      this.#count("no_session");
      return true;
    }
    const wanted = this.#addressIn(state, call.request);
    if (wanted !== undefined) call.wantHost({ address: wanted, strict, status: strictStatus });
    call.onResponse(({ headers }) => {
      const chosen = call.exchange.host?.text;
      if (chosen === undefined) {
        if (strict && wanted !== undefined) this.#count("failed_closed");
        return;
      }
      if (chosen === wanted) this.#count("routed");
      else {
        if (!strict) this.#count("failed_open");
        this.#tell(state, chosen, headers);
      }
    });
    return true;
  }

  #addressIn(state: SessionStateConfig, { headers }: RequestHead): string | undefined {
    const text = state.kind === "header" ? headers.get(state.name) : cookieIn(headers, state.name);
    // Only padded base64 counts.
    const bytes = text === undefined || text.length % 4 !== 0 ? undefined : decodeBase64(text);
    if (bytes === undefined) return undefined;
    // Cookies of older versions hold the address alone.
    const cookie = state.kind === "header" ? undefined : readSessionCookie(bytes);
    if (cookie === undefined) return bytes.toString("latin1");
    const expired = cookie.expires !== 0 && cookie.expires * 1000 <= this.#around.clock.now();
    return expired || cookie.address === "" ? undefined : cookie.address;
  }

  #tell(state: SessionStateConfig, address: string, headers: HeaderList): void {
    if (state.kind === "header") {
      headers.set(state.name, Buffer.from(address).toString("base64"));
      return;
    }
    const { name, ttlSeconds, path, attributes } = state;
    const expires = ttlSeconds === 0 ? 0 : Math.trunc(this.#around.clock.now() / 1000) + ttlSeconds;
    const value = writeSessionCookie({ address, expires }).toString("base64");
    const age = ttlSeconds === 0 ? "" : `; Max-Age=${ttlSeconds}`;
    const scope = path === "" ? "" : `; Path=${path}`;
    headers.append("set-cookie", `${name}="${value}"${age}${scope}${attributes}; HttpOnly`);
  }

  #count(name: (typeof SESSION_STATS)[number]): void {
    const { statPrefix } = this.#config;
    if (statPrefix === "") return;
    // Source: Envoy counts a route's under the bare name.
    if (this.#fromRoute) this.#around.countAlone(`stateful_session.${statPrefix}.${name}`);
    else this.#around.count(`stateful_session.${statPrefix}.${name}`);
  }
}

/** Whether browsers send a cookie of this path. */
function belongsTo(cookiePath: string, path: string): boolean {
  if (cookiePath === "" || cookiePath === "/") return true;
  if (!path.startsWith(cookiePath)) return false;
  if (cookiePath.endsWith("/") || path.length === cookiePath.length) return true;
  return "/?#".includes(path.charAt(cookiePath.length));
}

/** `route`: in place of the filter's own configuration. */
export function createStatefulSessionFilter(
  own: StatefulSessionConfig,
  route: StatefulSessionConfig | undefined,
  around: FilterSurroundings,
): HttpFilter {
  return new StatefulSessionFilter(route ?? own, route !== undefined, around);
}
