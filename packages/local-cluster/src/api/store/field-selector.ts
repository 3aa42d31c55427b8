import type { KubeObject } from "../../contract/index.ts";
import { badRequest } from "../errors/api-errors.ts";

export type FieldMatcher = (object: KubeObject) => boolean;
/** Field path → its value in an object, as text. */
export type SelectableFields = Readonly<Record<string, (object: KubeObject) => string>>;

export const METADATA_FIELDS: SelectableFields = {
  "metadata.name": (object) => object.metadata.name,
  "metadata.namespace": (object) => object.metadata.namespace ?? "",
};

interface Term {
  readonly path: string;
  readonly equal: boolean;
  readonly value: string;
}

function parseTerms(source: string): Term[] {
  return source
    .split(/(?<!\\),/)
    .filter((part) => part !== "")
    .map((part) => {
      const found = /^([^=!]+)(==|=|!=)(.*)$/s.exec(part);
      if (!found) throw badRequest(`invalid selector: '${source}'; can't understand '${part}'`);
      const [, path = "", operator, value = ""] = found;
      return { path: path.trim(), equal: operator !== "!=", value: value.replace(/\\([\\,=])/g, "$1") };
    });
}

/** Parses `--field-selector`. Errors: 400 `field label not supported: x`. */
export function parseFieldSelector(source: string | undefined, fields: SelectableFields): FieldMatcher | undefined {
  if (source === undefined || source === "") return undefined;
  const terms = parseTerms(source).map((term) => {
    const read = METADATA_FIELDS[term.path] ?? fields[term.path];
    if (!read) throw badRequest(`field label not supported: ${term.path}`);
    return { ...term, read };
  });
  return (object) => terms.every((term) => (term.read(object) === term.value) === term.equal);
}
