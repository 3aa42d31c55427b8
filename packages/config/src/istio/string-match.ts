import { RE2JS } from "re2js";
import { isObject } from "../json.ts";
import { message } from "../schema/compound.ts";
import { string } from "../schema/scalar.ts";
import { type Infer, refine, type Schema } from "../schema/schema.ts";

/** Units: characters. */
const LONGEST = 4096;

/** Of one expression. Units: RE2 instructions. Source: Istio, re2.max_program_size.error_level in Envoy's bootstrap. */
const LARGEST_PROGRAM = 32_768;

/**
 * Of all expressions of one resource: every proxy that sees the resource compiles them, at about two microseconds and 400 bytes
 * for an instruction, and serves nobody meanwhile. Units: RE2 instructions.
 */
const LARGEST_TOTAL = 100_000;

/** Texts that stand where expressions do. */
function* expressionsIn(value: unknown, depth = 0): Generator<string> {
  // No resource is as deep; a text made to exhaust the stack is.
  if (depth > 32) return;
  if (Array.isArray(value)) for (const item of value) yield* expressionsIn(item, depth + 1);
  else if (isObject(value))
    for (const [key, item] of Object.entries(value)) {
      if (typeof item !== "string") yield* expressionsIn(item, depth + 1);
      else if ((key === "regex" || key === "match") && item.length <= LONGEST) yield item;
    }
}

/** Refuses a resource with too many expressions before it is read, so that the control plane does not compile them all, either. */
export function withinBudget<T, A extends boolean>(schema: Schema<T, A>): Schema<T, A> {
  return {
    ...schema,
    read(value, path, sink) {
      let total = 0;
      const seen = new Set<string>();
      for (const text of expressionsIn(value)) {
        if (seen.has(text)) continue;
        seen.add(text);
        total += sizeOf(text);
        if (total <= LARGEST_TOTAL) continue;
        sink.error(
          path,
          `its regular expressions come to more than ${LARGEST_TOTAL} instructions, which would keep every proxy busy; use prefixes, shorter repetitions, or several hosts`,
        );
        return undefined;
      }
      return schema.read(value, path, sink);
    },
  };
}

/** What is no expression is named where it stands. */
function sizeOf(text: string): number {
  try {
    return RE2JS.compile(text).programSize();
  } catch {
    return 0;
  }
}

/**
 * A regular expression with RE2 semantics: no look-around, no back-references.
 * Compiled by the data plane's own engine, which has RE2's limits, too: what one proxy refuses would hold up the routes of all.
 */
export const regex = refine(string(), (text) => {
  if (text.length > LONGEST) return `is longer than ${LONGEST} characters`;
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
