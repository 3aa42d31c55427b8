import { closeSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import path from "node:path";
import type { Clock } from "@heddle/std";
import { formatLogLine, LineCutter, logTime } from "./log-format.ts";

export type OutputStream = "stdout" | "stderr";

/** The log of one run of a container. */
export interface ContainerLog {
  readonly file: string;
  append(stream: OutputStream, chunk: Uint8Array): void;
  /** The stream has ended: writes what is left of its last line. */
  endStream(stream: OutputStream): void;
  /** No more output: followers finish. */
  close(): void;
  readonly closed: boolean;
  /** Grows by one with every rotation. */
  readonly rotations: number;
  /** Calls back, once, after the next change. */
  onChange(callback: () => void): () => void;
}

export interface LogOptions {
  readonly file: string;
  /** Units: bytes. A full file becomes `<file>.1`, replacing an older one. */
  readonly rotateAtBytes: number;
  readonly clock: Clock;
  /** Called once when lines get lost, for example because the disk is full. */
  readonly onLoss: (error: Error) => void;
}

class RotatingLog implements ContainerLog {
  readonly #options: LogOptions;
  readonly #cutters = { stdout: new LineCutter(), stderr: new LineCutter() };
  readonly #waiting = new Set<() => void>();
  #fd: number | undefined;
  #size = 0;
  #lossReported = false;
  closed = false;
  rotations = 0;

  constructor(options: LogOptions) {
    this.#options = options;
    this.#guard(() => {
      mkdirSync(path.dirname(options.file), { recursive: true });
      this.#open();
    });
  }

  get file(): string {
    return this.#options.file;
  }

  #open(): void {
    this.#fd = openSync(this.#options.file, "a", 0o640);
    this.#size = statSync(this.#options.file).size;
  }

  /** A log that cannot be written must not stop the container or the node. */
  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      if (this.#lossReported) return;
      this.#lossReported = true;
      this.#options.onLoss(error instanceof Error ? error : new Error(String(error)));
    }
  }

  append(stream: OutputStream, chunk: Uint8Array): void {
    this.#write(stream, this.#cutters[stream].push(chunk));
  }

  endStream(stream: OutputStream): void {
    this.#write(stream, this.#cutters[stream].end());
  }

  #write(stream: OutputStream, lines: readonly { readonly text: string; readonly partial: boolean }[]): void {
    if (lines.length === 0) return;
    const time = logTime(this.#options.clock.now());
    const block = Buffer.from(lines.map((line) => formatLogLine({ time, stream, ...line })).join(""));
    this.#guard(() => {
      if (this.#fd === undefined) this.#open();
      if (this.#fd === undefined) return;
      for (let sent = 0; sent < block.length; ) sent += writeSync(this.#fd, block, sent);
      this.#size += block.length;
      if (this.#size >= this.#options.rotateAtBytes) this.#rotate(this.#fd);
    });
    this.#wake();
  }

  #rotate(fd: number): void {
    closeSync(fd);
    this.#fd = undefined;
    renameSync(this.#options.file, `${this.#options.file}.1`);
    this.rotations++;
    this.#open();
  }

  close(): void {
    if (this.closed) return;
    for (const stream of ["stdout", "stderr"] as const) this.endStream(stream);
    this.closed = true;
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    this.#wake();
  }

  onChange(callback: () => void): () => void {
    this.#waiting.add(callback);
    return () => this.#waiting.delete(callback);
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const callback of waiting) callback();
  }
}

export function createContainerLog(options: LogOptions): ContainerLog {
  return new RotatingLog(options);
}

/** Removes the files of a run. */
export function removeLog(file: string): void {
  for (const name of [file, `${file}.1`]) rmSync(name, { force: true });
}
