import { closeSync, existsSync, openSync, readFileSync, readSync } from "node:fs";
import type { LogOptions } from "../../contract/index.ts";
import type { ContainerLog } from "./log-file.ts";
import { type LogLine, parseLogLine } from "./log-format.ts";

/** What of a log a client asked for. */
export type LogQuery = Omit<LogOptions, "container" | "previous">;

/** Applies `--since`, `--since-time` and `--tail`. Pure. */
export function selectLines(lines: readonly LogLine[], query: LogQuery, nowMs: number): readonly LogLine[] {
  const sinceMs =
    query.sinceSeconds !== undefined
      ? nowMs - query.sinceSeconds * 1000
      : query.sinceTime !== undefined
        ? Date.parse(query.sinceTime)
        : Number.NaN;
  const recent = Number.isNaN(sinceMs) ? lines : lines.filter((line) => Date.parse(line.time) >= sinceMs);
  if (query.tailLines === undefined || query.tailLines < 0) return recent;
  return query.tailLines === 0 ? [] : lastLines(recent, query.tailLines);
}

/** A line may consist of several partial entries. */
function lastLines(lines: readonly LogLine[], count: number): readonly LogLine[] {
  let found = 0;
  for (let index = lines.length - 1; index >= 0; index--) {
    const endsLine = index === lines.length - 1 || lines[index]?.partial === false;
    if (endsLine && found++ === count) return lines.slice(index + 1);
  }
  return lines;
}

const render = (line: LogLine, query: LogQuery): string =>
  `${query.timestamps ? `${line.time} ` : ""}${line.text}${line.partial ? "" : "\n"}`;

const parse = (content: string): readonly LogLine[] =>
  content.split("\n").flatMap((raw) => {
    const line = parseLogLine(raw);
    return line ? [line] : [];
  });

/** Source: kubelet `MaxContainerTerminationMessageLogLines` and `…LogLength`. */
const LAST_WORDS = { lines: 80, characters: 2048 } as const;

/** The end of a log, for containers whose log stands in for their termination message. Undefined: nothing was said. */
export function lastWords(log: ContainerLog): string | undefined {
  if (!existsSync(log.file)) return undefined;
  const query: LogQuery = { follow: false, timestamps: false, tailLines: LAST_WORDS.lines };
  const text = selectLines(parse(readFileSync(log.file, "utf8")), query, 0)
    .map((line) => render(line, query))
    .join("");
  return text.slice(-LAST_WORDS.characters).trimEnd() || undefined;
}

/** Reads a log as `kubectl logs` wants it; with `follow` until the log is closed or `signal` aborts. */
export async function* readLog(
  log: ContainerLog,
  query: LogQuery,
  nowMs: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  const rotated = `${log.file}.1`;
  const older = existsSync(rotated) ? parse(readFileSync(rotated, "utf8")) : [];
  const tail = new FileTail(log.file);
  let remaining = query.limitBytes ?? Number.POSITIVE_INFINITY;
  const send = function* (lines: readonly LogLine[]): Generator<Uint8Array> {
    for (let start = 0; start < lines.length && remaining > 0; start += 512) {
      const bytes = encoder.encode(
        lines
          .slice(start, start + 512)
          .map((line) => render(line, query))
          .join(""),
      );
      const chunk = bytes.length > remaining ? bytes.subarray(0, remaining) : bytes;
      remaining -= chunk.length;
      yield chunk;
    }
  };
  try {
    let rotations = log.rotations;
    yield* send(selectLines([...older, ...parse(tail.read())], query, nowMs));
    while (query.follow && !signal.aborted && remaining > 0) {
      const closed = log.closed;
      yield* send(parse(tail.read()));
      if (log.rotations !== rotations) {
        // What was written between the last read and the rotation is in the old file.
        const rest = tail.read();
        rotations = log.rotations;
        tail.reopen();
        yield* send(parse(rest));
        continue;
      }
      if (closed) return;
      await changed(log, signal);
    }
  } finally {
    tail.close();
  }
}

/** Whole lines that were appended to a file since the last call. */
class FileTail {
  readonly #file: string;
  #fd: number | undefined;
  #rest: Buffer = Buffer.alloc(0);

  constructor(file: string) {
    this.#file = file;
    this.reopen();
  }

  reopen(): void {
    this.close();
    this.#rest = Buffer.alloc(0);
    this.#fd = existsSync(this.#file) ? openSync(this.#file, "r") : undefined;
  }

  read(): string {
    if (this.#fd === undefined) return "";
    const parts = [this.#rest];
    for (;;) {
      const buffer = Buffer.allocUnsafe(256 * 1024);
      const length = readSync(this.#fd, buffer, 0, buffer.length, null);
      if (length === 0) break;
      parts.push(buffer.subarray(0, length));
    }
    const all = Buffer.concat(parts);
    const end = all.lastIndexOf(10) + 1;
    this.#rest = all.subarray(end);
    return all.toString("utf8", 0, end);
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

function changed(log: ContainerLog, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      cancel();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const cancel = log.onChange(done);
    signal.addEventListener("abort", done);
    if (signal.aborted || log.closed) done();
  });
}
