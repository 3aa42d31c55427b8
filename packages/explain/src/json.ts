import { at, type JsonRecord, listOf, recordOf } from "@heddle/std";

/** What is no record in a list reads as an empty one. */
export function recordsOf(value: unknown): readonly JsonRecord[] {
  return listOf(value).map(recordOf);
}

export function textsOf(value: unknown): readonly string[] {
  return listOf(value).filter((item) => typeof item === "string");
}

export function has(value: unknown, ...path: readonly string[]): boolean {
  return at(value, ...path) !== undefined;
}

/** Names for a sentence: the first twenty. */
export function listed(names: readonly string[]): string {
  return `${names.slice(0, 20).join(", ")}${names.length > 20 ? " …" : ""}`;
}
