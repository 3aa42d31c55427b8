import { closeSync, openSync, writeSync } from "node:fs";
import { err, ok, type Result } from "@heddle/std";

/** Where lines of the program's own log go. */
export interface LogTarget {
  write(line: string): void;
  /** Goes on in the file that now has the path: the old one may have been renamed. */
  reopen(): void;
}

class AppendedFile implements LogTarget {
  readonly #path: string;
  readonly #otherwise: (line: string) => void;
  #fd: number;

  constructor(path: string, otherwise: (line: string) => void) {
    this.#path = path;
    this.#otherwise = otherwise;
    this.#fd = openSync(path, "a");
  }

  write(line: string): void {
    try {
      writeSync(this.#fd, line);
    } catch {
      // A full disk must not end the proxy.
      this.#otherwise(line);
    }
  }

  reopen(): void {
    const old = this.#fd;
    try {
      this.#fd = openSync(this.#path, "a");
    } catch (error) {
      this.#otherwise(`--log-path can't be opened again, so the log stays in the old file: ${textOf(error)}\n`);
      return;
    }
    closeSync(old);
  }
}

/** `path` "": lines go to `otherwise`, which also gets what the file does not take. Errors: the file can't be opened. */
export function openLogFile(path: string, otherwise: (line: string) => void): Result<LogTarget> {
  if (path === "") return ok({ write: otherwise, reopen: () => undefined });
  try {
    return ok(new AppendedFile(path, otherwise));
  } catch (error) {
    return err(
      `--log-path can't be opened: ${textOf(error)}; name a file in a folder that is there and may be written`,
    );
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
