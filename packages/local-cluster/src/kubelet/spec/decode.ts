/** Readers of fields of API objects. The API server has validated them; a field of another shape reads as absent. */

export type Fields = { readonly [key: string]: unknown };

export const fieldsOf = (value: unknown): Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};

export const optionalFields = (value: unknown): Fields | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;

export const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
export const textOr = (value: unknown, fallback: string): string => (typeof value === "string" ? value : fallback);
export const number = (value: unknown): number | undefined => (typeof value === "number" ? value : undefined);
export const numberOr = (value: unknown, fallback: number): number => (typeof value === "number" ? value : fallback);
export const flag = (value: unknown): boolean | undefined => (typeof value === "boolean" ? value : undefined);

export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

export const texts = (value: unknown): readonly string[] =>
  listOf(value).filter((entry): entry is string => typeof entry === "string");

export function textMap(value: unknown): Readonly<Record<string, string>> {
  const result: Record<string, string> = {};
  for (const [key, entry] of Object.entries(fieldsOf(value))) if (typeof entry === "string") result[key] = entry;
  return result;
}
