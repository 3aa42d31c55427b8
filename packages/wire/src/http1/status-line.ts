// Hot path: once per response.
import { type WireFailure, wireFailure } from "../http/failure.ts";
import type { ResponseHead } from "../http/message-head.ts";
import { readVersion } from "./request-line.ts";

/** Reads `HTTP/1.x NNN reason` into `head`; the reason may be absent and is not kept. */
export function readStatusLine(bytes: Buffer, start: number, end: number, head: ResponseHead): WireFailure | null {
  const version = end - start >= 12 ? readVersion(bytes, start) : -1;
  if (version < 0) return malformed("no HTTP/1.x version; the server may speak another protocol on this port");
  const a = (bytes[start + 9] ?? 0) - 48;
  const b = (bytes[start + 10] ?? 0) - 48;
  const c = (bytes[start + 11] ?? 0) - 48;
  const separated = bytes[start + 8] === 32 && (end - start === 12 || bytes[start + 12] === 32);
  if (!separated || a < 1 || a > 9 || b < 0 || b > 9 || c < 0 || c > 9) return malformed("no three-digit status");
  head.version = version;
  head.status = a * 100 + b * 10 + c;
  return null;
}

function malformed(what: string): WireFailure {
  return wireFailure("protocol", `malformed HTTP/1 status line: ${what}`, { status: 502, h2Code: 1 });
}
