import { createHash, timingSafeEqual } from "node:crypto";
import type { RequestHead } from "@heddle/wire";
import type { BasicAuthConfig, BasicAuthRouteConfig, BasicUsers } from "../config/filters/basic-auth.ts";
import { textOfBytes } from "../config/wire-text.ts";
import { decodeBase64 } from "./decode-base64.ts";
import type { FilterCall, FilterSurroundings, HttpFilter } from "./http-filter.ts";
import { leaveMetadata } from "./leave-metadata.ts";

const SCHEME = "Basic ";
/** Of the address in the challenge. Source: Envoy `buildOriginalUri`. Units: bytes. */
const MAX_PATH = 256;

/** Lets in who knows a password. Source: Envoy `envoy.filters.http.basic_auth`. */
class BasicAuthFilter implements HttpFilter {
  readonly #config: BasicAuthConfig;
  readonly #users: BasicUsers;
  readonly #realm: string;
  readonly #name: string;
  readonly #around: FilterSurroundings;

  constructor(
    config: BasicAuthConfig,
    route: BasicAuthRouteConfig | undefined,
    name: string,
    around: FilterSurroundings,
  ) {
    this.#name = name;
    this.#config = config;
    this.#users = route?.users ?? config.users;
    this.#realm = route?.realm || config.realm;
    this.#around = around;
  }

  onRequest(call: FilterCall): boolean {
    const { headers } = call.request;
    const { header, allowMissing, forwardHeader, leavesName } = this.#config;
    const given = headers.get(header);
    if (given === undefined) {
      if (allowMissing) return true;
      return this.#deny(call, "Missing username and password.", "no_credential_for_basic_auth");
    }
    if (!given.startsWith(SCHEME)) {
      // What is none for this filter may be one for another.
      if (allowMissing) return true;
      return this.#deny(call, "Expected 'Basic' authentication scheme.", "invalid_scheme_for_basic_auth");
    }
    const decoded = decodeBase64(given.slice(SCHEME.length));
    const colon = decoded?.indexOf(58) ?? -1;
    if (decoded === undefined || colon < 0)
      return this.#deny(call, "Invalid basic credential format.", "invalid_format_for_basic_auth");
    const name = decoded.subarray(0, colon).toString("latin1");
    if (!this.#knows(textOfBytes(name), decoded.subarray(colon + 1)))
      return this.#deny(call, "Invalid username/password combination.", "invalid_credential_for_basic_auth");
    if (forwardHeader !== "") headers.set(forwardHeader, name);
    if (leavesName) leaveMetadata(call.metadata, this.#name, { username: textOfBytes(name) });
    this.#around.count("basic_auth.allowed");
    return true;
  }

  #knows(name: string, password: Buffer): boolean {
    const wanted = this.#users.get(name);
    if (wanted === undefined) return false;
    const hash = Buffer.from(createHash("sha1").update(password).digest("base64"));
    const expected = Buffer.from(wanted);
    return hash.length === expected.length && timingSafeEqual(hash, expected);
  }

  #deny(call: FilterCall, reason: string, details: string): false {
    this.#around.count("basic_auth.denied");
    const realm = this.#realm === "" ? addressOf(call.request) : this.#realm;
    call.reply({
      status: 401,
      body: `User authentication failed. ${reason}`,
      details,
      flag: "-",
      headers: [["www-authenticate", `Basic realm="${realm}"`]],
    });
    return false;
  }
}

function addressOf({ scheme, authority, path }: RequestHead): string {
  return `${scheme}://${authority}${path.slice(0, MAX_PATH)}`;
}

/** `name`: of the filter in its list, under which it leaves metadata. */
export function createBasicAuthFilter(
  config: BasicAuthConfig,
  route: BasicAuthRouteConfig | undefined,
  name: string,
  around: FilterSurroundings,
): HttpFilter {
  return new BasicAuthFilter(config, route, name, around);
}
