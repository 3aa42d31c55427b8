// Hot path: writes every head that leaves over HTTP/1.
import { asFlat } from "../http/flat-header-list.ts";
import type { HeaderList } from "../http/header-list.ts";
import { copyBytes, type OutputBuffer, writeLatin1 } from "../output-buffer.ts";

const CR = 13;
const LF = 10;
const COLON = 58;
const SP = 32;
const QUESTION = 63;

/** Writes all entries of a list. Stretches of lines that nobody touched are copied as they came. */
export function writeHeaders(list: HeaderList, output: OutputBuffer): void {
  const flat = asFlat(list);
  const source = flat.source;
  let runStart = -1;
  let runEnd = -1;
  for (let i = 0; i < flat.length; i++) {
    const line = flat.lineStart(i);
    if (line >= 0) {
      if (line === runEnd) {
        runEnd = flat.lineEnd(i);
        continue;
      }
      if (runStart >= 0) output.append(source, runStart, runEnd);
      runStart = line;
      runEnd = flat.lineEnd(i);
      continue;
    }
    const name = flat.nameAt(i);
    if (name === "") continue;
    if (runStart >= 0) output.append(source, runStart, runEnd);
    runStart = -1;
    runEnd = -1;
    writeHeader(name, flat.valueAt(i), output);
  }
  if (runStart >= 0) output.append(source, runStart, runEnd);
}

/** Writes one line `name: value`. */
export function writeHeader(name: string, value: string, output: OutputBuffer): void {
  let at = output.reserve(name.length + value.length + 4);
  const bytes = output.bytes;
  at = writeLatin1(name, bytes, at);
  bytes[at] = COLON;
  bytes[at + 1] = SP;
  at = writeSafe(value, bytes, at + 2);
  bytes[at] = CR;
  bytes[at + 1] = LF;
  output.commit(name.length + value.length + 4);
}

/** Writes a text that must not break the line, whoever made it: control characters become blanks. */
export function writeSafe(text: string, bytes: Buffer, at: number): number {
  const n = text.length;
  for (let i = 0; i < n; i++) {
    let code = text.charCodeAt(i);
    if (code < SP || code === 127) code = code === 9 ? 9 : SP;
    else if (code > 255) code = QUESTION;
    bytes[at + i] = code;
  }
  return at + n;
}

/** Ends a header section. */
export function writeEmptyLine(output: OutputBuffer): void {
  const at = output.reserve(2);
  output.bytes[at] = CR;
  output.bytes[at + 1] = LF;
  output.commit(2);
}

/** Writes bytes that were prepared once. */
export function writeBytes(prepared: Buffer, output: OutputBuffer): void {
  const at = output.reserve(prepared.length);
  copyBytes(prepared, 0, prepared.length, output.bytes, at);
  output.commit(prepared.length);
}
