// Hot path: each step runs for each line of an access log.
import { type HeaderList, headerId } from "@heddle/wire";
import {
  commandText,
  cutValue,
  type Format,
  type FormatCommand,
  type FormatValues,
  renderFormat,
} from "../config/format.ts";
import { commandJson, isNumeric } from "../config/format-operators.ts";
import { type JsonFormat, type LogLine, missingText, renderLine } from "../config/log-line.ts";
import { formatTime } from "../config/time-format.ts";
import type { LineBuffer } from "./line-buffer.ts";

/** What a line is about. */
export interface LineFacts {
  readonly values: FormatValues;
  /** Units: ms since 1970. */
  readonly startTime: number;
  /** Undefined where there are none. */
  readonly requestHeaders: HeaderList | undefined;
  readonly responseHeaders: HeaderList | undefined;
}

/** Writes a part of a line. */
export interface LineStep {
  write(out: LineBuffer, facts: LineFacts): void;
}

class Constant implements LineStep {
  readonly #bytes: Uint8Array;
  constructor(text: string) {
    this.#bytes = Buffer.from(text);
  }
  write(out: LineBuffer): void {
    out.raw(this.#bytes);
  }
}

class Value implements LineStep {
  readonly #command: FormatCommand;
  readonly #missing: "" | "-";
  constructor(command: FormatCommand, missing: "" | "-") {
    this.#command = command;
    this.#missing = missing;
  }
  write(out: LineBuffer, { values }: LineFacts): void {
    const value = cutValue(this.#command, values) ?? this.#missing;
    if (this.#command.bytes) out.latin1(value);
    else out.text(value);
  }
}

/** A header with a known name: found without comparing names, and its bytes go out as they came. */
class Header implements LineStep {
  readonly #id: number;
  readonly #ofRequest: boolean;
  readonly #missing: "" | "-";
  constructor(id: number, ofRequest: boolean, missing: "" | "-") {
    this.#id = id;
    this.#ofRequest = ofRequest;
    this.#missing = missing;
  }
  write(out: LineBuffer, facts: LineFacts): void {
    const headers = this.#ofRequest ? facts.requestHeaders : facts.responseHeaders;
    out.latin1(headers?.getAllId(this.#id) ?? this.#missing);
  }
}

/** Many requests begin in one millisecond. */
class StartTime implements LineStep {
  readonly #pattern: string | undefined;
  readonly #local: boolean;
  #ms = Number.NaN;
  #text = "";
  constructor(pattern: string | undefined, local: boolean) {
    this.#pattern = pattern;
    this.#local = local;
  }
  write(out: LineBuffer, { startTime }: LineFacts): void {
    if (startTime !== this.#ms) {
      this.#ms = startTime;
      this.#text = formatTime(startTime, this.#pattern, this.#local);
    }
    out.text(this.#text);
  }
}

/** A field of JSON that is one command keeps its kind: numbers stay numbers, missing values are null. */
class JsonValue implements LineStep {
  readonly #command: FormatCommand;
  readonly #numeric: boolean;
  /** Its kind shows with the value. */
  readonly #varies: boolean;
  constructor(command: FormatCommand) {
    this.#command = command;
    this.#numeric = isNumeric(command);
    this.#varies = command.name.endsWith("METADATA") || command.alternatives !== undefined;
  }
  write(out: LineBuffer, { values }: LineFacts): void {
    if (this.#varies) {
      out.text(JSON.stringify(commandJson(this.#command, values) ?? null));
      return;
    }
    const value = this.#numeric ? values.command(this.#command) : commandText(this.#command, values);
    if (value === undefined) out.latin1("null");
    else if (this.#numeric) out.latin1(isPlainNumber(value) ? value : JSON.stringify(Number(value)));
    else out.quoted(value);
  }
}

class JsonText implements LineStep {
  readonly #format: Format;
  constructor(format: Format) {
    this.#format = format;
  }
  write(out: LineBuffer, { values }: LineFacts): void {
    out.quoted(renderFormat(this.#format, values));
  }
}

/** Lines whose shape depends on their values. */
class WholeLine implements LineStep {
  readonly #line: LogLine;
  constructor(line: LogLine) {
    this.#line = line;
  }
  write(out: LineBuffer, { values }: LineFacts): void {
    out.text(renderLine(this.#line, values));
  }
}

/** Digits that JSON writes as they are. */
function isPlainNumber(value: string): boolean {
  const { length } = value;
  for (let i = 0; i < length; i++) {
    const code = value.charCodeAt(i);
    if (code < 0x30 || code > 0x39) return false;
  }
  return length > 0 && length < 16 && (length === 1 || value.charCodeAt(0) !== 0x30);
}

/** Says once what each part of a line is made of; every line ends with an end of line. */
export function lineSteps(line: LogLine): readonly LineStep[] {
  const parts: (string | LineStep)[] = [];
  if (line.kind === "text") parts.push(...line.format.segments.map((segment) => textPart(segment, missingText(line))));
  else if (line.omitEmpty) parts.push(new WholeLine(line));
  else jsonParts(line.fields, parts);
  const last = parts[parts.length - 1];
  if (last === undefined || (typeof last === "string" ? !last.endsWith("\n") : !(last instanceof WholeLine)))
    parts.push("\n");
  const steps: LineStep[] = [];
  let literal = "";
  for (const part of parts) {
    if (typeof part === "string") {
      literal += part;
      continue;
    }
    if (literal !== "") steps.push(new Constant(literal));
    literal = "";
    steps.push(part);
  }
  if (literal !== "") steps.push(new Constant(literal));
  return steps;
}

function textPart(segment: string | FormatCommand, missing: "" | "-"): string | LineStep {
  if (typeof segment === "string") return segment;
  const { name, headers, maxLength, argument } = segment;
  if (maxLength !== undefined) return new Value(segment, missing);
  switch (name) {
    case "START_TIME":
    case "START_TIME_LOCAL":
      return new StartTime(argument, name === "START_TIME_LOCAL");
    case "REQ":
    case "REQUEST_HEADER":
    case "RESP":
    case "RESPONSE_HEADER": {
      const [header = "", ...others] = headers;
      const id = headerId(header);
      // `host` is a field of the head, and of several names the first that is there counts.
      if (id === 0 || header === "host" || others.length > 0) return new Value(segment, missing);
      return new Header(id, name.startsWith("REQ"), missing);
    }
    default:
      return new Value(segment, missing);
  }
}

function jsonParts(format: JsonFormat, parts: (string | LineStep)[]): void {
  switch (format.kind) {
    case "value":
      parts.push(JSON.stringify(format.value));
      return;
    case "leaf": {
      const { constant, segments } = format.format;
      const [only, ...more] = segments;
      if (constant !== undefined || only === undefined) parts.push(JSON.stringify(constant ?? ""));
      else if (typeof only === "string" || more.length > 0) parts.push(new JsonText(format.format));
      else parts.push(new JsonValue(only));
      return;
    }
    case "list":
      parts.push("[");
      format.items.forEach((item, i) => {
        if (i > 0) parts.push(",");
        jsonParts(item, parts);
      });
      parts.push("]");
      return;
    case "object":
      parts.push("{");
      format.entries.forEach(([key, item], i) => {
        parts.push(`${i > 0 ? "," : ""}${JSON.stringify(key)}:`);
        jsonParts(item, parts);
      });
      parts.push("}");
      return;
  }
}
