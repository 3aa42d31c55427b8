import { closeSync, openSync, writeSync } from "node:fs";
import type { Clock, ClockTimer } from "@heddle/std";
import { LineBuffer } from "./line-buffer.ts";

/** Appends lines to files and standard streams, many at a time. */
export interface LogWriter {
  /** The file at a path; several logs may have the same. */
  file(path: string): LogFile;
  flush(): void;
  /** What waits goes into the present files, what comes next into those that then have their names: they may have been renamed. */
  reopen(): void;
  close(): void;
}

/** A file or stream that gets lines. */
export interface LogFile {
  /** Where the next line goes; undefined: it is lost, as the file can't be opened or takes nothing. */
  begin(): LineBuffer | undefined;
  /** The line that was begun is complete. */
  end(): void;
}

/** A file is flushed this often at the latest. Source: Envoy `file_flush_interval_msec`. Units: ms. */
const FLUSH_MS = 1000;
/** Or when this much waits. Units: bytes. */
const FLUSH_BYTES = 65_536;
/** With a full disk or a blocked pipe lines are dropped rather than kept for ever. Units: bytes. */
const MAX_WAITING = 4 * 1024 * 1024;
/** A file that can't be opened is tried again after so long; its lines until then are lost. Units: ms. */
const REOPEN_MS = 10_000;

type Write = (fd: number, bytes: Uint8Array, at: number, length: number) => number;

interface Surroundings {
  readonly clock: Clock;
  readonly onError: (path: string, error: unknown) => void;
  readonly write: Write;
}

class BufferedFile implements LogFile {
  readonly #path: string;
  readonly #around: Surroundings;
  readonly #waiting = new LineBuffer();
  /** -1: not open. */
  #fd = -1;
  #own = false;
  /** When a file that can't be opened is tried again; undefined: nothing was wrong. Units: ms of the monotonic clock. */
  #closedUntil: number | undefined = undefined;
  #flushAt = FLUSH_BYTES;

  constructor(path: string, around: Surroundings) {
    this.#path = path;
    this.#around = around;
  }

  begin(): LineBuffer | undefined {
    if (this.#fd < 0 && !this.#open()) return undefined;
    return this.#waiting.length > MAX_WAITING ? undefined : this.#waiting;
  }

  end(): void {
    if (this.#waiting.length >= this.#flushAt) this.flush();
  }

  #open(): boolean {
    const { clock, onError } = this.#around;
    if (this.#path === "/dev/stdout") this.#fd = 1;
    if (this.#path === "/dev/stderr") this.#fd = 2;
    if (this.#fd > 0) return true;
    const nowMs = clock.monotonic();
    if (this.#closedUntil !== undefined && nowMs < this.#closedUntil) return false;
    try {
      this.#fd = openSync(this.#path, "a");
      this.#own = true;
      this.#closedUntil = undefined;
      return true;
    } catch (error) {
      if (this.#closedUntil === undefined) onError(this.#path, error);
      this.#closedUntil = nowMs + REOPEN_MS;
      return false;
    }
  }

  flush(): void {
    const { length } = this.#waiting;
    if (length === 0) return;
    let at = 0;
    try {
      while (at < length) at += this.#around.write(this.#fd, this.#waiting.bytes, at, length - at);
    } catch (error) {
      // A pipe that is full now may have room at the next flush, for what it did not take.
      if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) {
        this.#around.onError(this.#path, error);
        at = length;
      }
    }
    this.#waiting.drop(at);
    this.#flushAt = this.#waiting.length + FLUSH_BYTES;
  }

  close(): void {
    this.flush();
    if (this.#own) closeSync(this.#fd);
    this.#own = false;
    this.#fd = -1;
  }
}

class BufferedWriter implements LogWriter {
  readonly #files = new Map<string, BufferedFile>();
  readonly #around: Surroundings;
  readonly #timer: ClockTimer;

  constructor(around: Surroundings) {
    this.#around = around;
    this.#timer = around.clock.every(FLUSH_MS, () => this.flush());
  }

  file(path: string): LogFile {
    const known = this.#files.get(path);
    if (known !== undefined) return known;
    const file = new BufferedFile(path, this.#around);
    this.#files.set(path, file);
    return file;
  }

  flush(): void {
    for (const file of this.#files.values()) file.flush();
  }

  reopen(): void {
    for (const file of this.#files.values()) file.close();
  }

  close(): void {
    this.#timer.cancel();
    for (const file of this.#files.values()) file.close();
  }
}

/** `onError` is told once of a file that can't be opened, until it can, and of each failed write. `write` gives how many bytes it took. Default: the system's. */
export function createLogWriter(
  clock: Clock,
  onError: (path: string, error: unknown) => void,
  write: Write = writeSync,
): LogWriter {
  return new BufferedWriter({ clock, onError, write });
}
