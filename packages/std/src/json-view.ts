/** Reading JSON of unknown shape: every accessor gives an empty value where the shape differs, so that a view shows a blank, not a crash. */
export type JsonRecord = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is JsonRecord =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export function recordOf(value: unknown): JsonRecord {
  return isRecord(value) ? value : {};
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Numbers and booleans as text, too. */
export function textOf(value: unknown): string {
  return typeof value === "string"
    ? value
    : typeof value === "number" || typeof value === "boolean"
      ? String(value)
      : "";
}

/** Texts that are numbers, too, as 64-bit numbers are in JSON of protobuf. */
export function numberOf(value: unknown): number {
  const number = typeof value === "number" ? value : typeof value === "string" ? Number(value) : 0;
  return Number.isFinite(number) ? number : 0;
}

/** Walks down by field names. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  let here = value;
  for (const step of path) here = recordOf(here)[step];
  return here;
}
