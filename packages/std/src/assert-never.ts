/** Ends an exhaustive `switch`: the compiler refuses a case that was forgotten. Errors: throws when reached, which is a bug. */
export function assertNever(value: never, what = "value"): never {
  throw new Error(`unhandled ${what}: ${JSON.stringify(value)}`);
}
