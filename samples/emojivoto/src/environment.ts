/** Reads a variable that must be there. Errors: a sentence on standard error, exit code 1. */
export function required(name: string): string {
  const value = process.env[name];
  if (value) return value;
  console.error(`${name} is not set; it must name what this program serves or calls`);
  process.exit(1);
}

/** Reads a number; absent means `fallback`. Errors as `required`. */
export function numberFrom(name: string, fallback: number): number {
  const text = process.env[name];
  if (text === undefined || text === "") return fallback;
  const value = Number(text);
  if (Number.isFinite(value) && value >= 0) return value;
  console.error(`${name}=${text}: expected a number that is not negative`);
  process.exit(1);
}
