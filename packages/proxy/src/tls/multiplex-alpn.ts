/**
 * ALPN by which two of our proxies agree to carry HTTP/1.1 requests over one HTTP/2 connection: many requests then share a TLS record and
 * a system call. Requests stay HTTP/1.1 for routes, upstreams and logs. Any other peer picks one of the protocols behind it.
 */
export const MULTIPLEX_ALPN = "heddle-h1-over-h2";

/** The mesh's name for HTTP/1.1; only meshed peers are asked. */
const MESH_HTTP1 = "istio-http/1.1";

/** What to offer for HTTP/1.1 requests instead of `alpn`; undefined: nothing else. */
export function offerMultiplex(alpn: readonly string[] | undefined): readonly string[] | undefined {
  return alpn?.includes(MESH_HTTP1) === true ? [MULTIPLEX_ALPN, ...alpn] : undefined;
}

/** The server's protocol for what a client offered: its own best. Without a common one the handshake goes on without, as with Envoy. */
export function chooseAlpn(own: readonly string[], offered: readonly string[], multiplex: boolean): string | undefined {
  if (multiplex && offered.includes(MULTIPLEX_ALPN)) return MULTIPLEX_ALPN;
  return own.find((name) => offered.includes(name));
}
