/** Tables over the 256 bytes; built once, never changed. */

const TOKEN_SYMBOLS = "!#$%&'*+-.^_`|~";

/** The lower-case form of a token character, 0 for all other bytes. Source: RFC 9110 5.6.2. */
export const TOKEN_LOWER: Uint8Array = build((code, char) => {
  if (/[A-Z]/.test(char)) return code + 32;
  return /[a-z0-9]/.test(char) || TOKEN_SYMBOLS.includes(char) ? code : 0;
});

/** 1 for bytes that a field value may hold: HTAB, SP, VCHAR, obs-text. Source: RFC 9110 5.5. */
export const VALUE_BYTE: Uint8Array = build((code) => ((code >= 0x20 && code !== 0x7f) || code === 9 ? 1 : 0));

/**
 * 1 for bytes that a request target may hold: everything visible, and bytes above 127 because browsers and curl send raw UTF-8;
 * `#` is refused as Envoy does (a fragment never belongs on the wire).
 */
export const TARGET_BYTE: Uint8Array = build((code, char) => (code > 0x20 && code !== 0x7f && char !== "#" ? 1 : 0));

/** 1 for bytes of a host with port: reg-name, IPv4, [IPv6], no user info. Source: RFC 3986 3.2. */
export const AUTHORITY_BYTE: Uint8Array = build((_, char) => (/[A-Za-z0-9\-._~%!$&'()*+,;=:[\]]/.test(char) ? 1 : 0));

/** Value of a hex digit, 255 for all other bytes. */
export const HEX_VALUE: Uint8Array = build((_, char) => (/[0-9A-Fa-f]/.test(char) ? Number.parseInt(char, 16) : 255));

function build(cell: (code: number, char: string) => number): Uint8Array {
  const table = new Uint8Array(256);
  for (let code = 0; code < 256; code++) table[code] = cell(code, String.fromCharCode(code));
  return table;
}
