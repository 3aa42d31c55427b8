import { readFileSync } from "node:fs";
import type { DataSource } from "./proto.ts";
import type { DecodeScope } from "./scope.ts";

/** Text of an inline or file data source. Errors: unreadable files, environment variables, nothing set. */
export function decodeDataText(source: DataSource, scope: DecodeScope): string | undefined {
  const specifier = source.specifier;
  switch (specifier.case) {
    case "inlineString":
      return specifier.value;
    case "inlineBytes":
      return Buffer.from(specifier.value).toString("utf8");
    case "filename":
      if (source.watchedDirectory !== undefined)
        scope.field("watched_directory").problem("refused: a file is read once, when its resource arrives");
      try {
        return readFileSync(specifier.value, "utf8");
      } catch (error) {
        scope
          .field("filename")
          .problem(`cannot read ${specifier.value}: ${error instanceof Error ? error.message : String(error)}`);
        return undefined;
      }
    case "environmentVariable":
      scope
        .field("environment_variable")
        .problem("environment variables are not implemented as a data source; use inline_string or filename");
      return undefined;
    case undefined:
      scope.problem("a data source needs one of filename, inline_bytes, inline_string");
      return undefined;
  }
}
