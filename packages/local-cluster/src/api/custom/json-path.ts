import { isDict } from "../json/json-value.ts";

/**
 * The part of kubectl's JSONPath that printer columns and scale paths use: `.a.b`, `['a']`, `[0]`, `[*]`, `[?(@.type=="Ready")]`.
 * Undefined when the path cannot be read.
 */
export type JsonPath = (value: unknown) => readonly unknown[];

const STEP =
  /^(?:\.([^.[\]]+)|\.?\[(\d+|-\d+)\]|\.?\[(\*)\]|\.?\['((?:[^'\\]|\\.)*)'\]|\.?\["((?:[^"\\]|\\.)*)"\]|\.?\[\?\(@\.([^=!<>\s)]+)\s*(==|!=)\s*(?:'([^']*)'|"([^"]*)"|([^)\s]+))\s*\)\])/;

type Step = (values: readonly unknown[]) => readonly unknown[];

function keyStep(key: string): Step {
  return (values) => values.flatMap((value) => (isDict(value) && value[key] !== undefined ? [value[key]] : []));
}

function each(values: readonly unknown[]): readonly unknown[] {
  return values.flatMap((value) => (Array.isArray(value) ? value : isDict(value) ? Object.values(value) : []));
}

export function parseJsonPath(source: string): JsonPath | undefined {
  let rest = source
    .trim()
    .replace(/^\$/, "")
    .replace(/^\{(.*)\}$/, "$1");
  if (rest === "") return undefined;
  if (!rest.startsWith(".") && !rest.startsWith("[")) rest = `.${rest}`;
  const steps: Step[] = [];
  while (rest !== "") {
    const found = STEP.exec(rest);
    if (!found) return undefined;
    rest = rest.slice(found[0].length);
    const [, name, index, star, single, double, filterPath, operator, ...literals] = found;
    const key = name?.replace(/\\(.)/g, "$1") ?? single ?? double;
    if (key !== undefined && key !== "*") steps.push(keyStep(key));
    else if (key === "*" || star !== undefined) steps.push(each);
    else if (index !== undefined) {
      const at = Number(index);
      steps.push((values) =>
        values.flatMap((value) => (Array.isArray(value) ? value.slice(at, at === -1 ? undefined : at + 1) : [])),
      );
    } else if (filterPath !== undefined) {
      const wanted = literals.find((literal) => literal !== undefined) ?? "";
      const path = filterPath.split(".");
      steps.push((values) =>
        each(values).filter((item) => {
          let here: unknown = item;
          for (const part of path) here = isDict(here) ? here[part] : undefined;
          return (String(here) === wanted) === (operator === "==");
        }),
      );
    }
  }
  return (value) => steps.reduce<readonly unknown[]>((values, step) => step(values), [value]);
}
