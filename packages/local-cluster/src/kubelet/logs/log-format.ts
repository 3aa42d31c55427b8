/** One line of a container's log file. Source: the kubelet's CRI logging format. */
export interface LogLine {
  /** RFC 3339 with nanoseconds. */
  readonly time: string;
  readonly stream: "stdout" | "stderr";
  /** A partial line has no line end after it. */
  readonly partial: boolean;
  readonly text: string;
}

/** Longer lines are cut. Source: containerd's `max_container_log_line_size`. */
const MAX_LINE = 16 * 1024;

export const formatLogLine = (line: LogLine): string =>
  `${line.time} ${line.stream} ${line.partial ? "P" : "F"} ${line.text}\n`;

/** Errors: undefined for a line of another format, such as one that a full disk cut. */
export function parseLogLine(raw: string): LogLine | undefined {
  const first = raw.indexOf(" ");
  const second = raw.indexOf(" ", first + 1);
  const third = raw.indexOf(" ", second + 1);
  if (first < 20 || second < 0 || third < 0) return undefined;
  const stream = raw.slice(first + 1, second);
  if (stream !== "stdout" && stream !== "stderr") return undefined;
  return {
    time: raw.slice(0, first),
    stream,
    partial: raw.slice(second + 1, third) === "P",
    text: raw.slice(third + 1),
  };
}

/** Wall clock in ms to the format of log files and of `--timestamps`. */
export const logTime = (nowMs: number): string => {
  const iso = new Date(nowMs).toISOString();
  return `${iso.slice(0, -1)}000000Z`;
};

/** Cuts a byte stream into lines; characters that are split between chunks stay whole. */
export class LineCutter {
  readonly #decoder = new TextDecoder();
  #pending = "";

  push(chunk: Uint8Array): readonly { readonly text: string; readonly partial: boolean }[] {
    this.#pending += this.#decoder.decode(chunk, { stream: true });
    const lines: { text: string; partial: boolean }[] = [];
    let start = 0;
    for (let end = this.#pending.indexOf("\n"); end >= 0; end = this.#pending.indexOf("\n", start)) {
      this.#cut(this.#pending.slice(start, end), false, lines);
      start = end + 1;
    }
    this.#pending = this.#pending.slice(start);
    while (this.#pending.length > MAX_LINE) {
      lines.push({ text: this.#pending.slice(0, MAX_LINE), partial: true });
      this.#pending = this.#pending.slice(MAX_LINE);
    }
    return lines;
  }

  end(): readonly { readonly text: string; readonly partial: boolean }[] {
    const rest = this.#pending;
    this.#pending = "";
    return rest === "" ? [] : [{ text: rest, partial: true }];
  }

  #cut(line: string, partial: boolean, into: { text: string; partial: boolean }[]): void {
    let rest = line;
    for (; rest.length > MAX_LINE; rest = rest.slice(MAX_LINE))
      into.push({ text: rest.slice(0, MAX_LINE), partial: true });
    into.push({ text: rest, partial });
  }
}
