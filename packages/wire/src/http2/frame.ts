// Hot path: frame constants and writers.
import type { OutputBuffer } from "../output-buffer.ts";

/** Frame types. Source: RFC 9113 6. */
export const DATA = 0;
export const HEADERS = 1;
export const PRIORITY = 2;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PUSH_PROMISE = 5;
export const PING = 6;
export const GOAWAY = 7;
export const WINDOW_UPDATE = 8;
export const CONTINUATION = 9;

export const FLAG_END_STREAM = 1;
export const FLAG_ACK = 1;
export const FLAG_END_HEADERS = 4;
export const FLAG_PADDED = 8;
export const FLAG_PRIORITY = 32;

export const FRAME_HEADER_BYTES = 9;
export const DEFAULT_WINDOW = 65_535;
export const MAX_WINDOW = 0x7fffffff;
export const DEFAULT_FRAME_BYTES = 16_384;
export const MAX_FRAME_BYTES = 0xffffff;

export const PREFACE: Buffer = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** Setting identifiers. Source: RFC 9113 6.5.2, RFC 8441 3. */
export const SETTING_HEADER_TABLE_SIZE = 1;
export const SETTING_ENABLE_PUSH = 2;
export const SETTING_MAX_CONCURRENT_STREAMS = 3;
export const SETTING_INITIAL_WINDOW_SIZE = 4;
export const SETTING_MAX_FRAME_SIZE = 5;
export const SETTING_MAX_HEADER_LIST_SIZE = 6;
export const SETTING_ENABLE_CONNECT_PROTOCOL = 8;

/** Writes a frame header at `at`, where nine bytes were reserved. */
export function putFrameHeader(
  bytes: Buffer,
  at: number,
  length: number,
  type: number,
  flags: number,
  id: number,
): void {
  bytes[at] = length >>> 16;
  bytes[at + 1] = length >>> 8;
  bytes[at + 2] = length;
  bytes[at + 3] = type;
  bytes[at + 4] = flags;
  putU32(bytes, at + 5, id);
}

export function writeFrameHeader(output: OutputBuffer, length: number, type: number, flags: number, id: number): void {
  const at = output.reserve(FRAME_HEADER_BYTES);
  putFrameHeader(output.bytes, at, length, type, flags, id);
  output.commit(FRAME_HEADER_BYTES);
}

/** A DATA frame of `source[start, end)`. */
export function writeData(
  output: OutputBuffer,
  id: number,
  source: Uint8Array,
  start: number,
  end: number,
  endStream: boolean,
): void {
  output.reserve(FRAME_HEADER_BYTES + end - start);
  writeFrameHeader(output, end - start, DATA, endStream ? FLAG_END_STREAM : 0, id);
  if (end > start) output.append(source, start, end);
}

/** A frame whose payload is one 32-bit number: RST_STREAM, WINDOW_UPDATE. */
export function writeNumberFrame(output: OutputBuffer, type: number, id: number, value: number): void {
  writeFrameHeader(output, 4, type, 0, id);
  writeU32(output, value);
}

/** A SETTINGS frame of identifier and value in turn. */
export function writeSettings(output: OutputBuffer, pairs: readonly number[]): void {
  writeFrameHeader(output, (pairs.length / 2) * 6, SETTINGS, 0, 0);
  for (let i = 0; i < pairs.length; i += 2) {
    const at = output.reserve(6);
    const id = pairs[i] ?? 0;
    output.bytes[at] = id >>> 8;
    output.bytes[at + 1] = id;
    putU32(output.bytes, at + 2, pairs[i + 1] ?? 0);
    output.commit(6);
  }
}

export function writeSettingsAck(output: OutputBuffer): void {
  writeFrameHeader(output, 0, SETTINGS, FLAG_ACK, 0);
}

/** A PING with the eight bytes at `source[start…]`. */
export function writePing(output: OutputBuffer, ack: boolean, source: Uint8Array, start: number): void {
  writeFrameHeader(output, 8, PING, ack ? FLAG_ACK : 0, 0);
  output.append(source, start, start + 8);
}

export function writeGoaway(output: OutputBuffer, lastStreamId: number, code: number, message: string): void {
  const debug = Buffer.from(message);
  writeFrameHeader(output, 8 + debug.length, GOAWAY, 0, 0);
  writeU32(output, lastStreamId);
  writeU32(output, code);
  output.append(debug, 0, debug.length);
}

function writeU32(output: OutputBuffer, value: number): void {
  putU32(output.bytes, output.reserve(4), value);
  output.commit(4);
}

function putU32(bytes: Buffer, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

export function readU32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>> 0
  );
}
