import type { MetricKind } from "./family.ts";

/** One line of an exposition. */
export interface Sample {
  /** As written, with `_bucket`, `_sum` or `_count`. */
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
  /** Units: ms since 1970. */
  readonly timestampMs?: number;
}

export interface Exposition {
  readonly samples: readonly Sample[];
  readonly kinds: ReadonlyMap<string, MetricKind | "summary">;
  readonly help: ReadonlyMap<string, string>;
  /** Lines that could not be read, as sentences with their line number; the rest is still there. */
  readonly problems: readonly string[];
}

const KINDS: readonly (MetricKind | "summary")[] = ["counter", "gauge", "histogram", "summary", "untyped"];

/** Reads Prometheus' text format 0.0.4 and what OpenMetrics has in common with it. Never throws. */
export function parseExposition(text: string): Exposition {
  const samples: Sample[] = [];
  const kinds = new Map<string, MetricKind | "summary">();
  const help = new Map<string, string>();
  const problems: string[] = [];
  let number = 0;
  for (const raw of text.split("\n")) {
    number++;
    const line = raw.trim();
    if (line === "") continue;
    if (line.startsWith("#")) {
      const comment = /^#\s+(TYPE|HELP)\s+(\S+)\s*(.*)$/.exec(line);
      if (comment === null) continue;
      const [, keyword, name = "", rest = ""] = comment;
      if (keyword === "HELP") help.set(name, unescapeText(rest));
      else kinds.set(name, KINDS.find((kind) => kind === rest) ?? "untyped");
      continue;
    }
    const sample = parseSample(line);
    if (sample === undefined) problems.push(`line ${number} is not a sample: ${line.slice(0, 120)}`);
    else samples.push(sample);
  }
  return { samples, kinds, help, problems };
}

function parseSample(line: string): Sample | undefined {
  const head = /^[a-zA-Z_:][a-zA-Z0-9_:]*/.exec(line);
  if (head === null) return undefined;
  const labels = new Map<string, string>();
  let rest = line.slice(head[0].length).trimStart();
  if (rest.startsWith("{")) {
    const end = readLabels(rest, labels);
    if (end < 0) return undefined;
    rest = rest.slice(end);
  }
  const [valueText, timeText] = rest.trim().split(/\s+/);
  const value = parseValue(valueText ?? "");
  if (value === undefined) return undefined;
  const sample = { name: head[0], labels, value };
  const timestampMs = Number(timeText);
  return timeText === undefined || Number.isNaN(timestampMs) ? sample : { ...sample, timestampMs };
}

/** Reads `{…}` into `labels`; the offset after the brace, or -1. */
function readLabels(text: string, labels: Map<string, string>): number {
  const name = /\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"/y;
  let at = 1;
  for (;;) {
    name.lastIndex = at;
    const m = name.exec(text);
    if (m === null) break;
    const start = name.lastIndex;
    const end = endOfText(text, start);
    if (end < 0) break;
    labels.set(m[1] ?? "", unescapeText(text.slice(start, end)));
    for (at = end + 1; text[at] === " " || text[at] === "\t"; at++);
    if (text[at] !== ",") break;
    at++;
  }
  while (text[at] === " ") at++;
  return text[at] === "}" ? at + 1 : -1;
}

/** The quote that ends the text which begins at `at`, or -1. The expression engine gives up on texts of some megabytes. */
function endOfText(text: string, at: number): number {
  for (let i = at; i < text.length; i++) {
    const character = text[i];
    if (character === '"') return i;
    if (character === "\\") i++;
  }
  return -1;
}

function parseValue(text: string): number | undefined {
  if (text === "+Inf" || text === "Inf") return Number.POSITIVE_INFINITY;
  if (text === "-Inf") return Number.NEGATIVE_INFINITY;
  if (text === "NaN") return Number.NaN;
  const value = Number(text);
  return text === "" || Number.isNaN(value) ? undefined : value;
}

function unescapeText(text: string): string {
  return text.includes("\\") ? text.replace(/\\(.)/g, (_, c: string) => (c === "n" ? "\n" : c)) : text;
}
