import { err, ok, type Result } from "@heddle/std";
import { RE2JS } from "re2js";

/** `?filter=`: a regular expression that must match anywhere in a name; without it everything passes. Errors: Envoy's sentence. */
export function pageFilter(pattern: string | null): Result<(name: string) => boolean> {
  if (pattern === null || pattern === "") return ok(() => true);
  try {
    const compiled = RE2JS.compile(pattern);
    return ok((name) => compiled.matcher(name).find());
  } catch (error) {
    return err(`Invalid re2 regex: ${error instanceof Error ? error.message : String(error)}`);
  }
}
