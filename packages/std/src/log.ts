import type { Clock } from "./clock.ts";
import { redact, redactText } from "./secret.ts";

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "off";

/** From the chattiest to silence. */
export const LOG_LEVELS: readonly LogLevel[] = ["trace", "debug", "info", "warn", "error", "off"];

export type LogFields = Readonly<Record<string, unknown>>;

/** One entry; already free of secrets when a sink gets it. */
export interface LogRecord {
  /** Units: ms since 1970. */
  readonly timeMs: number;
  readonly level: LogLevel;
  /** Dotted part of the program: `proxy.upstream`. */
  readonly scope: string;
  readonly message: string;
  readonly fields: LogFields;
}

/** Takes finished records; the composition root decides where they go. */
export type LogSink = (record: LogRecord) => void;

/** Structured log. Messages are sentences; what varies goes into fields. */
export interface Logger {
  trace(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** Ask before building costly fields. */
  enabled(level: LogLevel): boolean;
  /** A logger of a part: its scope is appended, its fields are added to each record. */
  child(scope: string, fields?: LogFields): Logger;
  /** Changes the level of this logger and of all that share its root, or only of one scope and what is below it. */
  setLevel(level: LogLevel, scope?: string): void;
  /** The present level of each part of the program that has a logger; parts share their root. */
  levels(): ReadonlyMap<string, LogLevel>;
}

export interface LoggerOptions {
  readonly clock: Pick<Clock, "now">;
  readonly sink: LogSink;
  /** Default: `info`. */
  readonly level?: LogLevel;
  /** Default: empty. */
  readonly scope?: string;
}

/** `fatal` and `critical` are Envoy's names for what is `error` here, `warning` for `warn`. Errors: undefined for unknown names. */
export function parseLogLevel(text: string): LogLevel | undefined {
  const name = text.toLowerCase();
  if (name === "warning") return "warn";
  if (name === "critical" || name === "fatal") return "error";
  if (name === "none") return "off";
  return LOG_LEVELS.find((level) => level === name);
}

class LevelTable {
  #root: number;
  readonly #scopes = new Map<string, number>();
  /** Parts that have a logger. */
  readonly parts = new Set<string>();
  /** Loggers compare it with what they cached. */
  version = 0;

  constructor(level: LogLevel) {
    this.#root = LOG_LEVELS.indexOf(level);
  }

  set(level: LogLevel, scope: string | undefined): void {
    const rank = LOG_LEVELS.indexOf(level);
    if (scope === undefined || scope === "") {
      this.#root = rank;
      this.#scopes.clear();
    } else {
      this.#scopes.set(scope, rank);
    }
    this.version++;
  }

  rank(scope: string): number {
    for (let name = scope; name !== ""; name = name.slice(0, Math.max(0, name.lastIndexOf(".")))) {
      const rank = this.#scopes.get(name);
      if (rank !== undefined) return rank;
    }
    return this.#root;
  }
}

class ScopedLogger implements Logger {
  readonly #options: LoggerOptions;
  readonly #levels: LevelTable;
  readonly #scope: string;
  readonly #fields: LogFields;
  #seenVersion = -1;
  #rank = 0;

  constructor(options: LoggerOptions, levels: LevelTable, scope: string, fields: LogFields) {
    this.#options = options;
    this.#levels = levels;
    this.#scope = scope;
    this.#fields = fields;
    if (scope !== "") levels.parts.add(scope);
  }

  trace(message: string, fields?: LogFields): void {
    this.#log("trace", message, fields);
  }
  debug(message: string, fields?: LogFields): void {
    this.#log("debug", message, fields);
  }
  info(message: string, fields?: LogFields): void {
    this.#log("info", message, fields);
  }
  warn(message: string, fields?: LogFields): void {
    this.#log("warn", message, fields);
  }
  error(message: string, fields?: LogFields): void {
    this.#log("error", message, fields);
  }

  enabled(level: LogLevel): boolean {
    if (this.#seenVersion !== this.#levels.version) {
      this.#rank = this.#levels.rank(this.#scope);
      this.#seenVersion = this.#levels.version;
    }
    return level !== "off" && LOG_LEVELS.indexOf(level) >= this.#rank;
  }

  child(scope: string, fields?: LogFields): Logger {
    const name = this.#scope === "" || scope === "" ? this.#scope + scope : `${this.#scope}.${scope}`;
    return new ScopedLogger(this.#options, this.#levels, name, { ...this.#fields, ...fields });
  }

  setLevel(level: LogLevel, scope?: string): void {
    this.#levels.set(level, scope);
  }

  levels(): ReadonlyMap<string, LogLevel> {
    const parts = [...this.#levels.parts].sort();
    return new Map(parts.map((part) => [part, LOG_LEVELS[this.#levels.rank(part)] ?? "off"]));
  }

  #log(level: LogLevel, message: string, fields: LogFields | undefined): void {
    if (!this.enabled(level)) return;
    const all: Record<string, unknown> = {};
    Object.assign(all, redact({ ...this.#fields, ...fields }));
    this.#options.sink({
      timeMs: this.#options.clock.now(),
      level,
      scope: this.#scope,
      message: redactText(message),
      fields: all,
    });
  }
}

export function createLogger(options: LoggerOptions): Logger {
  return new ScopedLogger(options, new LevelTable(options.level ?? "info"), options.scope ?? "", {});
}

/** A logger that drops everything. */
export function createNullLogger(): Logger {
  return createLogger({ clock: { now: () => 0 }, sink: () => {}, level: "off" });
}
