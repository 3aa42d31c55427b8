// Hot path: once per message.
import type { RequestHead } from "../http/message-head.ts";
import type { OutputBuffer } from "../output-buffer.ts";
import { writeBytes, writeSafe } from "./header-writer.ts";
import { REASONS } from "./reason-phrases.ts";

const SP = 32;

/** `HTTP/1.1 200 OK\r\n`, prepared for every status with a name; index is the status. */
const STATUS_LINES: readonly (Buffer | undefined)[] = Array.from({ length: 1000 }, (_, status) =>
  REASONS[status] === undefined ? undefined : statusLine(status),
);
const VERSION = Buffer.from(" HTTP/1.1\r\n", "latin1");

/** Returns its bytes. `old`: to a client of HTTP/1.0, who is answered in its own version, as by Envoy. */
export function writeStatusLine(status: number, output: OutputBuffer, old: boolean): number {
  const known = old ? undefined : STATUS_LINES[status];
  const line = known ?? statusLine(status >= 100 && status < 1000 ? status : 500, old ? "1.0" : "1.1");
  writeBytes(line, output);
  return line.length;
}

function statusLine(status: number, version = "1.1"): Buffer {
  return Buffer.from(`HTTP/${version} ${status} ${REASONS[status] ?? ""}\r\n`, "latin1");
}

/** `GET /path HTTP/1.1\r\n`; a target that would break the line cannot (blanks become %20). Returns its bytes. */
export function writeRequestLine(head: RequestHead, output: OutputBuffer): number {
  const target = head.method === "CONNECT" ? head.authority : head.path;
  const safe = target.includes(" ") ? target.replaceAll(" ", "%20") : target;
  const n = head.method.length + 1 + safe.length;
  let at = output.reserve(n);
  at = writeSafe(head.method, output.bytes, at);
  output.bytes[at] = SP;
  writeTarget(safe, output.bytes, at + 1);
  output.commit(n);
  writeBytes(VERSION, output);
  return n + VERSION.length;
}

function writeTarget(text: string, bytes: Buffer, at: number): void {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    // An underscore rather than a blank: a blank would end the target early.
    bytes[at + i] = code <= SP || code === 127 || code > 255 ? 95 : code;
  }
}
