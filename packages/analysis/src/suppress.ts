import { isObject, readMeta, refText } from "@heddle/config";
import type { Finding } from "./finding.ts";
import type { AnalysisInput } from "./input.ts";

/** `IST0102=Namespace x`: this code is not reported for objects of that name; `*` stands for any text. */
export interface Suppression {
  readonly code: string;
  readonly object: string;
}

/** Reads the text of a `--suppress` flag; undefined when it is not of the form CODE=OBJECT. */
export function readSuppression(text: string): Suppression | undefined {
  const at = text.indexOf("=");
  return at < 1 ? undefined : { code: text.slice(0, at), object: text.slice(at + 1) };
}

/** The objects' own annotation names codes, `*` for all. */
const annotation = "galley.istio.io/analyze-suppress";

export function isSuppressed(one: Finding, input: AnalysisInput, suppressions: readonly Suppression[]): boolean {
  const name = refText(one.object);
  if (suppressions.some(({ code, object }) => wild(code, one.code) && wild(object, name))) return true;
  const object = input.find(one.object);
  const said = isObject(object?.metadata) ? readMeta(object.metadata).annotations[annotation] : undefined;
  return (said ?? "").split(",").some((code) => code.trim() !== "" && wild(code.trim(), one.code));
}

function wild(pattern: string, text: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  if (rest.length === 0) return pattern === text;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const [index, part] of rest.entries()) {
    const last = index === rest.length - 1;
    const found = last && part !== "" ? text.lastIndexOf(part) : text.indexOf(part, at);
    if (found < at || (last && part !== "" && found + part.length !== text.length)) return false;
    at = found + part.length;
  }
  return true;
}
