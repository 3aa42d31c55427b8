// Hot path: once per request.
import { type WireFailure, wireFailure } from "../http/failure.ts";
import { textLike } from "../http/likely-text.ts";
import { HTTP_1_0, HTTP_1_1, type RequestHead } from "../http/message-head.ts";
import { AUTHORITY_BYTE, TARGET_BYTE, TOKEN_LOWER } from "./char-table.ts";

const SP = 32;
const SLASH = 47;
const COLON = 58;
const VERSION_LENGTH = 8;

/** Method names by length and first byte, so that the usual ones cost no string. */
const METHODS: ReadonlyMap<number, string> = new Map(
  ["GET", "PUT", "HEAD", "POST", "PATCH", "TRACE", "DELETE", "OPTIONS", "CONNECT"].map((name) => [
    (name.length << 16) | (name.charCodeAt(0) << 8) | name.charCodeAt(1),
    name,
  ]),
);

/** Reads `METHOD target HTTP/1.x` into `head`; the authority of an absolute target goes to `head.authority`, else that is left alone. */
export function readRequestLine(bytes: Buffer, start: number, end: number, head: RequestHead): WireFailure | null {
  let at = start;
  while (at < end && TOKEN_LOWER[bytes[at] ?? 0] !== 0) at++;
  if (at === start || bytes[at] !== SP) return malformed("no method");
  head.method = methodName(bytes, start, at);
  const target = at + 1;
  const versionAt = end - VERSION_LENGTH;
  if (versionAt - 1 <= target || bytes[versionAt - 1] !== SP) return malformed("no HTTP version behind the target");
  const version = readVersion(bytes, versionAt);
  if (version < 0) {
    return wireFailure("protocol", "HTTP version other than 1.0 and 1.1 on an HTTP/1 connection", {
      status: version === -2 ? 505 : 400,
      h2Code: 1,
    });
  }
  head.version = version;
  return readTarget(bytes, target, versionAt - 1, head);
}

/** `HTTP/1.x` at `at`; -1 when it is not of that form, -2 for a version that we do not speak. */
export function readVersion(bytes: Buffer, at: number): number {
  // "HTTP" then "/"
  if (
    bytes[at] !== 72 ||
    bytes[at + 1] !== 84 ||
    bytes[at + 2] !== 84 ||
    bytes[at + 3] !== 80 ||
    bytes[at + 4] !== 47
  ) {
    return -1;
  }
  const major = (bytes[at + 5] ?? 0) - 48;
  const minor = (bytes[at + 7] ?? 0) - 48;
  if (bytes[at + 6] !== 46 || major < 0 || major > 9 || minor < 0 || minor > 9) return -1;
  if (major !== 1 || minor > 1) return -2;
  return minor === 1 ? HTTP_1_1 : HTTP_1_0;
}

function methodName(bytes: Buffer, start: number, end: number): string {
  const key = ((end - start) << 16) | ((bytes[start] ?? 0) << 8) | (bytes[start + 1] ?? 0);
  const known = METHODS.get(key);
  if (known !== undefined) {
    let i = 2;
    while (i < known.length && bytes[start + i] === known.charCodeAt(i)) i++;
    if (i === known.length) return known;
  }
  return bytes.toString("latin1", start, end);
}

function readTarget(bytes: Buffer, start: number, end: number, head: RequestHead): WireFailure | null {
  for (let i = start; i < end; i++) {
    if (TARGET_BYTE[bytes[i] ?? 0] === 0) return malformed("a blank, control character or fragment in the target");
  }
  if (head.method === "CONNECT") {
    if (!isAuthority(bytes, start, end)) return malformed("a CONNECT target that is not host:port");
    head.authority = bytes.toString("latin1", start, end);
    head.path = "";
    return null;
  }
  if (bytes[start] === SLASH) {
    head.path = textLike(head.path, bytes, start, end);
    return null;
  }
  const text = bytes.toString("latin1", start, end);
  if (text === "*" && head.method === "OPTIONS") {
    head.path = "*";
    return null;
  }
  return readAbsolute(bytes, start, end, text, head);
}

function readAbsolute(bytes: Buffer, start: number, end: number, text: string, head: RequestHead): WireFailure | null {
  const colon = text.indexOf("://");
  const scheme = text.slice(0, Math.max(0, colon)).toLowerCase();
  if (bytes[start + colon] !== COLON || (scheme !== "http" && scheme !== "https")) {
    return malformed("a target that is neither a path nor an absolute http URL");
  }
  let authorityEnd = colon + 3;
  while (authorityEnd < text.length && text[authorityEnd] !== "/" && text[authorityEnd] !== "?") authorityEnd++;
  if (authorityEnd === colon + 3 || !isAuthority(bytes, start + colon + 3, start + authorityEnd)) {
    return malformed("an absolute target without a valid host");
  }
  head.authority = text.slice(colon + 3, authorityEnd);
  const rest = text.slice(authorityEnd);
  if (rest === "" && head.method === "OPTIONS") head.path = "*";
  else head.path = rest.startsWith("/") ? rest : `/${rest}`;
  return start + text.length === end ? null : malformed("a target");
}

function isAuthority(bytes: Buffer, start: number, end: number): boolean {
  if (start >= end) return false;
  for (let i = start; i < end; i++) if (AUTHORITY_BYTE[bytes[i] ?? 0] === 0) return false;
  return true;
}

function malformed(what: string): WireFailure {
  return wireFailure("protocol", `malformed HTTP/1 request line: ${what}`, { status: 400, h2Code: 1 });
}
