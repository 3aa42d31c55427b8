const LIBRARY = /error:([0-9a-f]{8}):(SSL routines:OPENSSL_internal:[A-Z0-9_]+)/;
/** What the TLS library of both proxies says in numbers, and Envoy in words behind them. */
const NO_CERTIFICATE = "PEER_DID_NOT_RETURN_A_CERTIFICATE";

/** What the system says of a connection that could not be made. */
const SYSTEM: readonly (readonly [code: string, words: string])[] = [
  ["ECONNREFUSED", "delayed connect error: Connection refused"],
  ["EHOSTUNREACH", "delayed connect error: No route to host"],
];

/** Why a connection or handshake failed, as Envoy writes it into logs where the library or the system said so; else our own words. "": the client was gone. */
export function loggedFailure(reason: string): string {
  const found = LIBRARY.exec(reason);
  if (found !== null) {
    const [, code = "", text = ""] = found;
    const more = text.endsWith(NO_CERTIFICATE) ? ":peer did not provide required client certificate" : "";
    return `TLS_error:|${Number.parseInt(code, 16)}:${text}${more}:TLS_error_end`;
  }
  for (const [code, words] of SYSTEM) if (reason.startsWith(code)) return words;
  return isGone(reason) || isTimeout(reason) ? "" : reason;
}

/** Whether the client ended the connection before there was anything to refuse. */
function isGone(reason: string): boolean {
  return /disconnected before secure TLS connection|the client (?:ended|closed) the connection/.test(reason);
}

export function isTimeout(reason: string): boolean {
  return reason.startsWith("no TLS handshake within");
}
