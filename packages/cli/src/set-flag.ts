import { UsageError } from "./context.ts";

/** Longer lists are written in a file; a mistyped index must not make a list of that length. */
const MOST_ITEMS = 1000;

/**
 * Reads `--set a.b.c=value` pairs (Helm's syntax: dots nest, `\\.` is a dot, `[n]` an item of a list, `{x,y}` a list) into one tree. Values read
 * as JSON where they are booleans, numbers or null, else as text; in double quotes they are text.
 * @param root The tree that they go into, so that the flags of one command line can fill one list.
 * Errors: UsageError naming the pair.
 */
export function parseSetFlags(
  pairs: readonly string[],
  asText = false,
  root: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  let tree: unknown = root;
  for (const pair of pairs) {
    const equals = pair.indexOf("=");
    if (equals <= 0)
      throw new UsageError(
        `--set ${pair}: expected path=value, for example --set meshConfig.accessLogFile=/dev/stdout`,
      );
    const steps = stepsOf(pair.slice(0, equals), pair);
    // A map of texts, whose values walkthroughs write as `=true`.
    const textual = asText || steps.includes("proxyMetadata");
    tree = withValue(tree, steps, readValue(pair.slice(equals + 1), textual), pair);
  }
  return Object.fromEntries(Object.entries(tree ?? {}));
}

/** Names as text, indexes as numbers. */
function stepsOf(path: string, pair: string): readonly (string | number)[] {
  return path.split(/(?<!\\)\./).flatMap((part) => {
    const match = /^(.+?)((?:\[\d+\])*)$/.exec(part);
    const indexes = [...(match?.[2] ?? "").matchAll(/\d+/g)].map(([digits]) => Number(digits));
    if (match === null || indexes.some((index) => index >= MOST_ITEMS))
      throw new UsageError(`--set ${pair}: "${part}" is no field name, alone or with an index such as name[0]`);
    return [(match[1] ?? "").replaceAll("\\.", "."), ...indexes];
  });
}

function readValue(text: string, asText: boolean): unknown {
  const list = asText ? null : /^\{(.*)\}$/s.exec(text);
  if (list === null) return scalarOf(text, asText);
  const inside = list[1] ?? "";
  return inside === "" ? [] : inside.split(/(?<!\\),/).map((item) => scalarOf(item.replaceAll("\\,", ","), asText));
}

function scalarOf(text: string, asText: boolean): unknown {
  const quoted = /^"([^"\\]*)"$/.exec(text);
  if (quoted !== null) return quoted[1];
  return !asText && /^(true|false|null|-?\d+(\.\d+)?)$/.test(text) ? JSON.parse(text) : text;
}

/** The tree with one more value in it. */
function withValue(
  tree: unknown,
  [step, ...rest]: readonly (string | number)[],
  value: unknown,
  pair: string,
): unknown {
  if (step === undefined) return value;
  if (typeof step === "number") {
    const list = tree ?? [];
    if (!Array.isArray(list))
      throw new UsageError(`--set ${pair}: what is before [${step}] already has a value that is no list`);
    if (step > list.length)
      throw new UsageError(`--set ${pair}: item ${step} comes before item ${list.length} was set`);
    const items: readonly unknown[] = list;
    return [...items.slice(0, step), withValue(items[step], rest, value, pair), ...items.slice(step + 1)];
  }
  const map = tree ?? {};
  if (typeof map !== "object" || Array.isArray(map))
    throw new UsageError(`--set ${pair}: what is before ${step} already has a value that is no map`);
  const fields = new Map<string, unknown>(Object.entries(map));
  return Object.fromEntries(fields.set(step, withValue(fields.get(step), rest, value, pair)));
}
