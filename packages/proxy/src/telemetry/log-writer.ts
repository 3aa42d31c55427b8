import { closeSync, openSync, writeSync } from "node:fs";
import type { Clock, ClockTimer } from "@heddle/std";

/** Appends lines to files and standard streams, many at a time. */
export interface LogWriter {
  write(path: string, line: string): void;
  flush(): void;
  close(): void;
}

/** A file is flushed this often at the latest. Source: Envoy `file_flush_interval_msec`. Units: ms. */
const FLUSH_MS = 1000;
/** Or when this much waits. Units: characters. */
const FLUSH_LENGTH = 65_536;
/** With a full disk or a blocked pipe lines are dropped rather than kept for ever. Units: characters. */
const MAX_WAITING = 4 * 1024 * 1024;
/** A file that can't be opened is tried again after so long; its lines until then are lost. Units: ms. */
const REOPEN_MS = 10_000;

interface OpenFile {
  readonly fd: number;
  readonly own: boolean;
  text: string;
  /** What a full pipe did not take; before `text`. */
  rest: Buffer;
}

type Write = (fd: number, bytes: Uint8Array, at: number) => number;

const NOTHING = Buffer.alloc(0);

class BufferedWriter implements LogWriter {
  readonly #files = new Map<string, OpenFile>();
  /** When a file that can't be opened is tried again. Units: ms of the monotonic clock. */
  readonly #closedUntil = new Map<string, number>();
  readonly #clock: Clock;
  readonly #timer: ClockTimer;
  readonly #onError: (path: string, error: unknown) => void;
  readonly #write: Write;

  constructor(clock: Clock, onError: (path: string, error: unknown) => void, write: Write) {
    this.#onError = onError;
    this.#write = write;
    this.#clock = clock;
    this.#timer = clock.every(FLUSH_MS, () => this.flush());
  }

  write(path: string, line: string): void {
    let file = this.#files.get(path);
    if (file === undefined) {
      const opened = this.#open(path);
      if (opened === undefined) return;
      file = opened;
      this.#files.set(path, file);
    }
    if (file.text.length + file.rest.length > MAX_WAITING) return;
    file.text += line;
    if (file.text.length >= FLUSH_LENGTH) this.#flushFile(path, file);
  }

  flush(): void {
    for (const [path, file] of this.#files) this.#flushFile(path, file);
  }

  close(): void {
    this.#timer.cancel();
    this.flush();
    for (const file of this.#files.values()) if (file.own) closeSync(file.fd);
    this.#files.clear();
  }

  #open(path: string): OpenFile | undefined {
    if (path === "/dev/stdout") return { fd: 1, own: false, text: "", rest: NOTHING };
    if (path === "/dev/stderr") return { fd: 2, own: false, text: "", rest: NOTHING };
    const nowMs = this.#clock.monotonic();
    const closedUntil = this.#closedUntil.get(path);
    if (closedUntil !== undefined && nowMs < closedUntil) return undefined;
    try {
      const fd = openSync(path, "a");
      this.#closedUntil.delete(path);
      return { fd, own: true, text: "", rest: NOTHING };
    } catch (error) {
      if (closedUntil === undefined) this.#onError(path, error);
      this.#closedUntil.set(path, nowMs + REOPEN_MS);
      return undefined;
    }
  }

  #flushFile(path: string, file: OpenFile): void {
    if (file.text === "" && file.rest.length === 0) return;
    const text = Buffer.from(file.text, "utf8");
    const bytes = file.rest.length === 0 ? text : Buffer.concat([file.rest, text]);
    file.text = "";
    file.rest = NOTHING;
    let at = 0;
    try {
      while (at < bytes.length) at += this.#write(file.fd, bytes, at);
    } catch (error) {
      // A pipe that is full now may have room at the next flush, for what it did not take.
      const again = error instanceof Error && "code" in error && error.code === "EAGAIN";
      if (again) file.rest = bytes.subarray(at);
      else this.#onError(path, error);
    }
  }
}

/** `onError` is told once of a file that can't be opened, until it can, and of each failed write. `write` gives how many bytes it took. Default: the system's. */
export function createLogWriter(
  clock: Clock,
  onError: (path: string, error: unknown) => void,
  write: Write = writeSync,
): LogWriter {
  return new BufferedWriter(clock, onError, write);
}
