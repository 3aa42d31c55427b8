const REDACTED = "[redacted]";

/** A value that must never be printed: every way of turning it into text gives `[redacted]`. */
export interface Secret<T> {
  /** The value itself, for the one place that uses it. */
  reveal(): T;
  toString(): string;
  toJSON(): string;
}

class Hidden<T> implements Secret<T> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  reveal(): T {
    return this.#value;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return REDACTED;
  }
}

export function createSecret<T>(value: T): Secret<T> {
  return new Hidden(value);
}

const SECRET_NAME =
  /(^|[-_.])(authorization|cookie|password|passwd|secret|token|private-?key|api-?key|credentials?)$|(Password|Secret|Token|PrivateKey|ApiKey|Credentials?)$|^(key|keyPem)$/i;
const SECRET_TEXT =
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)|\beyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*|\b(?:bearer|basic)\s+[\w.~+/=-]{8,}/gi;

/** True for field names whose values are secrets by custom (`authorization`, `bootstrapToken`, …). */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** Replaces private keys, JWTs and bearer or basic credentials inside a text. */
export function redactText(text: string): string {
  return text.replace(SECRET_TEXT, REDACTED);
}

/** The value as it may be logged: plain data, secrets replaced, errors as text, at most `depth` levels. Default: 6. */
export function redact(value: unknown, depth = 6): unknown {
  if (typeof value === "string") return redactText(value);
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object" || value === null) return typeof value === "function" ? "[function]" : value;
  if (value instanceof Hidden) return REDACTED;
  if (value instanceof Error) return redactText(errorText(value));
  if (value instanceof Uint8Array) return `[${value.length} bytes]`;
  if (value instanceof Date) return value.toJSON();
  if (depth === 0) return "[…]";
  if (Array.isArray(value)) return value.map((item) => redact(item, depth - 1));
  const out: Record<string, unknown> = {};
  const entries = value instanceof Map ? value.entries() : Object.entries(value);
  for (const [key, item] of entries) {
    const name = String(key);
    out[name] = isSecretName(name) && typeof item === "string" ? REDACTED : redact(item, depth - 1);
  }
  return out;
}

/** Message and chain of causes of an error in one line. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.message === "" ? error.name : error.message;
  return error.cause === undefined ? own : `${own}: ${errorText(error.cause)}`;
}
