import { UsageError } from "./context.ts";

/**
 * Reads `--set a.b.c=value` pairs (Helm's syntax: dots nest, `\.` is a dot, `[n]` is not taken) into one tree. Values read as JSON where
 * they are booleans, numbers or null, else as text.
 * Errors: UsageError naming the pair.
 */
export function parseSetFlags(pairs: readonly string[], asText = false): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const pair of pairs) {
    const equals = pair.indexOf("=");
    if (equals <= 0)
      throw new UsageError(
        `--set ${pair}: expected path=value, for example --set meshConfig.accessLogFile=/dev/stdout`,
      );
    const path = pair
      .slice(0, equals)
      .split(/(?<!\\)\./)
      .map((p) => p.replaceAll("\\.", "."));
    const text = pair.slice(equals + 1);
    const value = !asText && /^(true|false|null|-?\d+(\.\d+)?)$/.test(text) ? JSON.parse(text) : text;
    put(root, path, value, pair);
  }
  return root;
}

function put(root: Record<string, unknown>, path: readonly string[], value: unknown, pair: string): void {
  let at = root;
  for (const step of path.slice(0, -1)) {
    const next = at[step] ?? {};
    if (typeof next !== "object" || next === null || Array.isArray(next)) {
      throw new UsageError(`--set ${pair}: ${step} already has a value that is no map`);
    }
    at[step] = next;
    at = next as Record<string, unknown>;
  }
  at[path.at(-1) ?? ""] = value;
}
