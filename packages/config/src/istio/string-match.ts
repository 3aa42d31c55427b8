import { RE2JS } from "re2js";
import { message } from "../schema/compound.ts";
import { string } from "../schema/scalar.ts";
import { type Infer, refine } from "../schema/schema.ts";

/** Of one expression. Units: RE2 instructions. Source: Istio, re2.max_program_size.error_level in Envoy's bootstrap. */
const LARGEST_PROGRAM = 32_768;

/**
 * Of all expressions of one resource: every proxy that sees the resource compiles them, at about two microseconds and 400 bytes
 * for an instruction, and serves nobody meanwhile. Units: RE2 instructions.
 */
const LARGEST_TOTAL = 100_000;

/** Why these expressions are too much for one resource. Those that are none are somebody else's to name. */
export function tooComplex(patterns: Iterable<string>): string | undefined {
  let total = 0;
  for (const pattern of new Set(patterns)) {
    try {
      total += RE2JS.compile(pattern).programSize();
    } catch {
      continue;
    }
    if (total > LARGEST_TOTAL)
      return `its regular expressions come to more than ${LARGEST_TOTAL} instructions, which would keep every proxy busy; use prefixes, shorter repetitions, or several hosts`;
  }
  return undefined;
}

/**
 * A regular expression with RE2 semantics: no look-around, no back-references.
 * Compiled by the data plane's own engine, which has RE2's limits, too: what one proxy refuses would hold up the routes of all.
 */
export const regex = refine(string(), (text) => {
  if (text.length > 4096) return "is longer than 4096 characters";
  const foreign = /\(\?(?:=|!|<=|<!)|\\[1-9]/.exec(text)?.[0];
  if (foreign !== undefined)
    return `uses ${foreign}, which RE2 does not have; regular expressions here have no look-around and no back-references`;
  try {
    const size = RE2JS.compile(text).programSize();
    return size <= LARGEST_PROGRAM ? undefined : `is too complex: ${size} instructions, ${LARGEST_PROGRAM} are taken`;
  } catch (error) {
    return `is not a regular expression: ${error instanceof Error ? error.message : "it can't be compiled"}`;
  }
});

/** Exactly one way to match a text. Source: istio/api networking/v1alpha3/virtual_service.proto, StringMatch. */
export const stringMatch = message(
  "StringMatch",
  { exact: string(), prefix: string(), regex },
  { exclusive: [["exact", "prefix", "regex"]] },
);

export type StringMatch = Infer<typeof stringMatch>;
