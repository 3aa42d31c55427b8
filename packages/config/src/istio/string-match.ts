import { message } from "../schema/compound.ts";
import { string } from "../schema/scalar.ts";
import { type Infer, refine } from "../schema/schema.ts";

/**
 * A regular expression with RE2 semantics: no look-around, no back-references.
 * What JavaScript can't compile, RE2 can't either; what RE2 lacks is named.
 */
export const regex = refine(string(), (text) => {
  if (text.length > 4096) return "is longer than 4096 characters";
  const foreign = /\(\?(?:=|!|<=|<!)|\\[1-9]/.exec(text)?.[0];
  if (foreign !== undefined)
    return `uses ${foreign}, which RE2 does not have; regular expressions here have no look-around and no back-references`;
  try {
    // Inline flags such as (?i) are RE2's way and unknown to JavaScript.
    new RegExp(text.replace(/\(\?[imsU]+\)/g, ""), "u");
    return undefined;
  } catch (error) {
    try {
      new RegExp(text.replace(/\(\?[imsU]+\)/g, ""));
      return undefined;
    } catch {
      return `is not a regular expression: ${error instanceof Error ? error.message : "it can't be compiled"}`;
    }
  }
});

/** Exactly one way to match a text. Source: istio/api networking/v1alpha3/virtual_service.proto, StringMatch. */
export const stringMatch = message(
  "StringMatch",
  { exact: string(), prefix: string(), regex },
  { exclusive: [["exact", "prefix", "regex"]] },
);

export type StringMatch = Infer<typeof stringMatch>;
