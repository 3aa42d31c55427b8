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

/** Kinds with fields of their own answer in other words than those that have only the names. */
function unknownField(path: string, fields: SelectableFields): string {
  return Object.keys(fields).length > 0
    ? `field label not supported: ${path}`
    : `"${path}" is not a known field selector: only "metadata.name", "metadata.namespace"`;
}

/** Parses `--field-selector`. Errors: 400 `field label not supported: x`. */
export function parseFieldSelector(source: string | undefined, fields: SelectableFields): FieldMatcher | undefined {
  if (source === undefined || source === "") return undefined;
  const terms = parseTerms(source).map((term) => {
    const read = METADATA_FIELDS[term.path] ?? fields[term.path];
    if (!read) throw badRequest(unknownField(term.path, fields));
    return { ...term, read };
  });
  return (object) => terms.every((term) => (term.read(object) === term.value) === term.equal);
}
