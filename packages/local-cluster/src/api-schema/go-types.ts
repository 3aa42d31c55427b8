/** Reads the struct declarations of Kubernetes' API packages: plain Go that gofmt wrote, with json and protobuf tags. */

export interface GoField {
  /** Empty for an embedded struct, whose fields belong to the outer one. */
  readonly json: string;
  /** As written: `*int32`, `[]Container`, `map[string]string`, `metav1.ObjectMeta`. */
  readonly type: string;
  readonly proto: number;
  readonly optional: boolean;
  readonly patchStrategy: string;
  readonly patchMergeKey: string;
  readonly markers: readonly string[];
  readonly doc: string;
}

export type GoType =
  | {
      readonly kind: "struct";
      readonly doc: string;
      readonly markers: readonly string[];
      readonly fields: readonly GoField[];
    }
  | { readonly kind: "named"; readonly doc: string; readonly of: string };

export interface GoFile {
  /** Import alias → path. */
  readonly imports: ReadonlyMap<string, string>;
  readonly types: ReadonlyMap<string, GoType>;
}

interface Comment {
  readonly doc: string;
  readonly markers: readonly string[];
}

/** Joins lines into paragraphs; markers (`+optional`) and what follows `---` are not documentation. */
function readComment(lines: readonly string[]): Comment {
  const markers: string[] = [];
  let doc = "";
  let ended = false;
  for (const line of lines) {
    const body = line.replace(/^\s*\/\/ ?/, "").trimEnd();
    if (body.startsWith("+")) {
      markers.push(body.slice(1));
      continue;
    }
    if (body.startsWith("---")) ended = true;
    if (ended || body.startsWith("TODO")) continue;
    if (body === "") doc = doc === "" ? "" : `${doc.trimEnd()}\n\n`;
    else if (/^[\s*-]/.test(body)) doc = `${doc.trimEnd()}${doc === "" ? "" : "\n"}${body}\n`;
    else doc += doc === "" || doc.endsWith("\n") ? body : ` ${body}`;
  }
  return { doc: doc.trim(), markers };
}

function tag(tags: string, name: string): string {
  return new RegExp(`\\b${name}:"([^"]*)"`).exec(tags)?.[1] ?? "";
}

function readField(line: string, comment: Comment): GoField | undefined {
  const found = /^\s+(?:(\w+)\s+)?([*\w.[\]]+)\s+`([^`]+)`/.exec(line);
  if (!found) return undefined;
  const [, , type = "", tags = ""] = found;
  const [json = "", ...options] = tag(tags, "json").split(",");
  if (json === "-") return undefined;
  return {
    json: options.includes("inline") ? "" : json,
    type,
    proto: Number(tag(tags, "protobuf").split(",")[1] ?? "0"),
    optional: options.includes("omitempty") || comment.markers.includes("optional"),
    patchStrategy: tag(tags, "patchStrategy"),
    patchMergeKey: tag(tags, "patchMergeKey"),
    ...comment,
  };
}

function readImports(source: string): Map<string, string> {
  const imports = new Map<string, string>();
  const block = /^import \(([\s\S]*?)^\)/m.exec(source)?.[1] ?? /^import (.*)$/m.exec(source)?.[1] ?? "";
  for (const line of block.split("\n")) {
    const found = /^\s*(?:(\w+)\s+)?"([^"]+)"/.exec(line);
    if (found) imports.set(found[1] ?? found[2]?.split("/").at(-1) ?? "", found[2] ?? "");
  }
  return imports;
}

export function readGoFile(source: string): GoFile {
  const types = new Map<string, GoType>();
  let comment: string[] = [];
  let open: { name: string; comment: Comment; fields: GoField[] } | undefined;
  for (const line of source.split("\n")) {
    if (/^\s*\/\//.test(line)) {
      comment.push(line);
      continue;
    }
    if (open) {
      if (line === "}") {
        types.set(open.name, { kind: "struct", ...open.comment, fields: open.fields });
        open = undefined;
      } else if (line.trim() !== "") {
        const field = readField(line, readComment(comment));
        if (field) open.fields.push(field);
      }
      // An empty line ends a comment that belongs to nothing.
      comment = [];
      continue;
    }
    const struct = /^type (\w+) struct ?\{(\})?$/.exec(line);
    const named = /^type (\w+) ([*\w.[\]]+)$/.exec(line);
    if (struct?.[1] !== undefined) {
      if (struct[2]) types.set(struct[1], { kind: "struct", ...readComment(comment), fields: [] });
      else open = { name: struct[1], comment: readComment(comment), fields: [] };
    } else if (named?.[1] !== undefined) {
      types.set(named[1], { kind: "named", doc: readComment(comment).doc, of: named[2] ?? "" });
    }
    if (line.trim() !== "" || comment.length === 0) comment = [];
  }
  return { imports: readImports(source), types };
}
