/** Problems of an object's fields, worded as Kubernetes words them. */

const REASON = {
  FieldValueRequired: "Required value",
  FieldValueInvalid: "Invalid value",
  FieldValueNotSupported: "Unsupported value",
  FieldValueDuplicate: "Duplicate value",
  FieldValueForbidden: "Forbidden",
  FieldValueNotFound: "Not found",
  FieldValueTooMany: "Too many",
  FieldValueTooLong: "Too long",
  FieldValueTypeInvalid: "Invalid value",
  InternalError: "Internal error",
} as const;

export interface FieldError {
  readonly path: string;
  readonly reason: keyof typeof REASON;
  /** What follows the path and the colon. */
  readonly body: string;
}

function show(value: unknown): string {
  return value === undefined || value === null ? "null" : JSON.stringify(value);
}

function withDetail(head: string, detail: string): string {
  return detail === "" ? head : `${head}: ${detail}`;
}

export function required(path: string, detail = ""): FieldError {
  return { path, reason: "FieldValueRequired", body: withDetail("Required value", detail) };
}

export function invalid(path: string, value: unknown, detail: string): FieldError {
  return { path, reason: "FieldValueInvalid", body: withDetail(`Invalid value: ${show(value)}`, detail) };
}

export function typeInvalid(path: string, value: unknown, detail: string): FieldError {
  return { path, reason: "FieldValueTypeInvalid", body: withDetail(`Invalid value: ${show(value)}`, detail) };
}

/** Choices are named in alphabetical order, as sets are; `unsupportedInOrder` is for what Kubernetes keeps as a list. */
export function unsupported(path: string, value: unknown, supported: readonly string[]): FieldError {
  return unsupportedInOrder(path, value, [...supported].sort());
}

export function unsupportedInOrder(path: string, value: unknown, supported: readonly string[]): FieldError {
  const choices = supported.map((choice) => JSON.stringify(choice));
  return {
    path,
    reason: "FieldValueNotSupported",
    body: `Unsupported value: ${show(value)}: supported values: ${choices.join(", ")}`,
  };
}

export function duplicate(path: string, value: unknown): FieldError {
  return { path, reason: "FieldValueDuplicate", body: `Duplicate value: ${show(value)}` };
}

export function forbiddenField(path: string, detail: string): FieldError {
  return { path, reason: "FieldValueForbidden", body: withDetail("Forbidden", detail) };
}

export function notFoundField(path: string, value: unknown): FieldError {
  return { path, reason: "FieldValueNotFound", body: `Not found: ${show(value)}` };
}

export function tooMany(path: string, actual: number, most: number): FieldError {
  return { path, reason: "FieldValueTooMany", body: `Too many: ${actual}: must have at most ${most} items` };
}

export function tooLong(path: string, mostBytes: number): FieldError {
  return { path, reason: "FieldValueTooLong", body: `Too long: may not be more than ${mostBytes} bytes` };
}

/** The sentence behind `is invalid: `. */
export function describeFieldErrors(errors: readonly FieldError[]): string {
  const lines = [...new Set(errors.map((error) => `${error.path}: ${error.body}`))];
  return lines.length === 1 ? (lines[0] ?? "") : `[${lines.join(", ")}]`;
}
