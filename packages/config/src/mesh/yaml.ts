import { parseDocument } from "yaml";
import { createProblemSink, type Parsed, type ProblemSink, parsed } from "../problem.ts";

/** Reads one YAML (or JSON) document; problems carry line and column. */
export function parseYaml(text: string, sink: ProblemSink): unknown {
  const document = parseDocument(text, { prettyErrors: true, uniqueKeys: true });
  for (const error of document.errors) sink.error("", `is not valid YAML: ${firstLine(error.message)}`);
  if (document.errors.length > 0) return undefined;
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    // Thrown for alias bombs only.
    sink.error("", `is not usable YAML: ${error instanceof Error ? firstLine(error.message) : "too many aliases"}`);
    return undefined;
  }
}

function firstLine(text: string): string {
  const end = text.indexOf("\n");
  return end < 0 ? text : text.slice(0, end);
}

/** Reads one YAML or JSON document; empty text gives null. @param source Names the text in problems. */
export function parseYamlText(text: string, source: string): Parsed<unknown> {
  const sink = createProblemSink(source);
  const value = parseYaml(text, sink);
  return parsed(value ?? null, sink);
}
