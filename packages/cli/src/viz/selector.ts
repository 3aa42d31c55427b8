import { UsageError } from "../context.ts";

/** Labels of a selector: `a=b`, `a==b` or `a`, several with commas. Errors: UsageError. */
export function parseSelector(text: string): (labels: Readonly<Record<string, string>>) => boolean {
  const wanted = text.split(",").map((part) => {
    const m = /^([\w./-]+)(?:==?([\w.-]*))?$/.exec(part.trim());
    if (!m?.[1]) throw new UsageError(`-l ${text}: expected labels such as app=web,version=v1`);
    return [m[1], m[2]] as const;
  });
  return (labels) => wanted.every(([key, value]) => (value === undefined ? key in labels : labels[key] === value));
}
