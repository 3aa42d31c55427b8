import { refText } from "@heddle/config";
import type { Analyzer } from "./analyzer.ts";
import { analyzers } from "./analyzers.ts";
import { atLeast } from "./codes.ts";
import { type Finding, finding, levelOf } from "./finding.ts";
import { atIngress } from "./ingress-origin.ts";
import type { AnalysisInput } from "./input.ts";
import { isSuppressed, type Suppression } from "./suppress.ts";

/** Everything that the analyzers find and nobody has suppressed: the worst first, then by object and code. */
export function analyze(
  input: AnalysisInput,
  suppressions: readonly Suppression[] = [],
  chosen: readonly Analyzer[] = analyzers,
): readonly Finding[] {
  return chosen
    .flatMap((one) => run(one, input))
    .flatMap((one) => atIngress(one, input))
    .filter((one) => !isSuppressed(one, input, suppressions))
    .sort((a, b) => rank(a) - rank(b) || compare(sortKey(a), sortKey(b)));
}

/** One broken analyzer must not hide what the others found. */
function run(one: Analyzer, input: AnalysisInput): readonly Finding[] {
  try {
    return one.analyze(input);
  } catch (error) {
    const analyzer = { group: "", kind: "Analyzer", namespace: "", name: one.name };
    return [
      finding("IST0001", analyzer, "", `failed: ${error instanceof Error ? error.message : error}; this is a bug`),
    ];
  }
}

function rank(one: Finding): number {
  const level = levelOf(one);
  return atLeast(level, "Error") ? 0 : atLeast(level, "Warning") ? 1 : 2;
}

function sortKey(one: Finding): string {
  return `${refText(one.object)} ${one.code} ${one.path} ${one.message}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
