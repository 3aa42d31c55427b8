/** Stands where a request names no host; no name that anybody trusts. */
const NAMELESS = "http://nameless.invalid";

/** The URL of a request to a server of ours, whatever its target: one of HTTP/1.0 need not name a host, and a target such as `//` is none. */
export function requestUrl(target: string): URL {
  if (!target.startsWith("/") && URL.canParse(target)) return new URL(target);
  return new URL(`${NAMELESS}${target.startsWith("/") ? "" : "/"}${target}`);
}
