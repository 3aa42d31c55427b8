/** What the first bytes of a connection speak. */
export type SniffedProtocol = "tls" | "http1.0" | "http1" | "http2" | "opaque";

/** More bytes than this are never needed to decide. Units: bytes. */
export const MAX_SNIFF_BYTES = 4096;

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/** Methods by which a request line is known. Source: IANA registry, and those that Envoy's http_inspector adds. */
const METHODS: readonly string[] = (
  "GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH ACL BASELINE-CONTROL BIND CHECKIN CHECKOUT COPY LABEL LINK LOCK " +
  "MERGE MKACTIVITY MKCALENDAR MKCOL MKREDIRECTREF MKWORKSPACE MOVE ORDERPATCH PROPFIND PROPPATCH QUERY REBIND REPORT " +
  "SEARCH UNBIND UNCHECKOUT UNLINK UNLOCK UPDATE UPDATEREDIRECTREF VERSION-CONTROL PURGE NOTIFY SUBSCRIBE UNSUBSCRIBE " +
  "M-SEARCH SOURCE"
).split(" ");
const LONGEST_METHOD = 20;

/**
 * Guesses the protocol from the first bytes, which stay untouched; `undefined` while they fit several.
 * The caller sets a timeout after which `undefined` means `opaque` (server-first protocols send nothing at all).
 *
 * HTTP/1 needs a whole request line that ends in `HTTP/1.x`, so that text protocols which happen to begin with a method's name
 * stay opaque; a line beyond 4 KiB that began with a method and a path counts as HTTP. Bytes that begin no known method are
 * opaque at once: a client-first handshake (JDWP, say) must not wait for the timeout.
 */
export function sniffProtocol(bytes: Uint8Array): SniffedProtocol | undefined {
  const n = bytes.length;
  if (n === 0) return undefined;
  if (bytes[0] === 0x16) {
    if (n === 1) return undefined;
    return bytes[1] === 3 ? "tls" : "opaque";
  }
  const preface = comparePreface(bytes);
  if (preface === "yes") return "http2";
  // A method longer than "PRI" may share its beginning, so a partial match decides nothing.
  if (preface === "partly") return undefined;
  return sniffRequestLine(bytes);
}

function comparePreface(bytes: Uint8Array): "yes" | "partly" | "no" {
  const n = Math.min(bytes.length, PREFACE.length);
  for (let i = 0; i < n; i++) if (bytes[i] !== PREFACE.charCodeAt(i)) return "no";
  return n === PREFACE.length ? "yes" : "partly";
}

function sniffRequestLine(bytes: Uint8Array): SniffedProtocol | undefined {
  const n = bytes.length;
  // Leading empty lines are allowed before a request line, but no client sends them first; treat them as opaque.
  let at = 0;
  while (at < n && at < LONGEST_METHOD && isMethodByte(bytes[at] ?? 0)) at++;
  const method = text(bytes, 0, at);
  if (at === n && n < LONGEST_METHOD) return METHODS.some((known) => known.startsWith(method)) ? undefined : "opaque";
  if (bytes[at] !== 0x20 || !METHODS.includes(method)) return "opaque";
  const target = at + 1;
  if (target < n && method !== "CONNECT" && !isTargetStart(bytes[target] ?? 0)) return "opaque";
  let end = target;
  while (end < n && (bytes[end] ?? 0) > 0x1f && bytes[end] !== 0x7f) end++;
  if (end === n) {
    if (n < MAX_SNIFF_BYTES) return undefined;
    return "http1";
  }
  if (bytes[end] !== 13 && bytes[end] !== 10) return "opaque";
  const version = text(bytes, Math.max(target - 1, end - 9), end);
  if (version === " HTTP/1.1") return "http1";
  return version === " HTTP/1.0" ? "http1.0" : "opaque";
}

function isMethodByte(byte: number): boolean {
  return (byte >= 65 && byte <= 90) || byte === 45;
}

/** `/path`, `*` or a scheme. */
function isTargetStart(byte: number): boolean {
  return byte === 47 || byte === 42 || byte === 104 || byte === 72;
}

function text(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString("latin1");
}
