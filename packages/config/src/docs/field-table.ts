import { canonicalJson } from "../json.ts";
import { meshConfig } from "../mesh/mesh-config.ts";
import { meshNetworks } from "../mesh/mesh-networks.ts";
import { definitions } from "../resources.ts";
import type { FieldMap, Schema } from "../schema/schema.ts";
import { telemetryNotes } from "./telemetry-notes.ts";

/** One field of a resource, for documentation. */
export interface FieldRow {
  /** `http[].route[].weight`. */
  readonly path: string;
  readonly type: string;
  /** `required`, a default value, or "". */
  readonly presence: string;
  /** "" when the field is acted on, else why not or what to use instead. */
  readonly note: string;
}

/** Every field of a message, depth first, in the order of its definition. */
export function fieldRows(schema: Schema<unknown>, prefix = ""): readonly FieldRow[] {
  return rowsOf(schema.fields ?? {}, prefix);
}

function rowsOf(fields: FieldMap, prefix: string): readonly FieldRow[] {
  return Object.entries(fields).flatMap(([name, field]) => {
    const many = field.label.endsWith("[]") ? "[]" : field.label.startsWith("map<") ? "[key]" : "";
    const path = `${prefix}${name}${many}`;
    const row: FieldRow = {
      path,
      type: field.label,
      presence: presenceOf(field),
      note: field.deprecation ?? field.remark ?? "",
    };
    // What is not acted on has no parts worth a row.
    const inner = field.fields === undefined || field.deprecation !== undefined ? [] : rowsOf(field.fields, `${path}.`);
    return [row, ...inner];
  });
}

function presenceOf(field: Schema<unknown>): string {
  if (field.required) return "required";
  const text = canonicalJson(field.fallback);
  return field.fallback === undefined || text === "[]" || text === "{}" || text.length > 40 ? "" : text;
}

/** Every field that is not simply acted on, over all resources: what a user who brings their YAML has to know. */
function notedFields(): readonly (readonly [string, FieldRow])[] {
  const kinds = [...definitions.map(({ kind, spec }) => [kind, spec] as const), ["MeshConfig", meshConfig] as const];
  return kinds.flatMap(([kind, spec]) =>
    fieldRows(spec)
      .filter(({ note }) => note !== "")
      .map((row) => [kind, row] as const),
  );
}

/** `docs/istio.md`: what of each resource Heddle reads, written from the definitions that parse them. */
export function istioReference(): string {
  const table = (rows: readonly FieldRow[]): string =>
    [
      "| field | type | default | |",
      "|---|---|---|---|",
      ...rows.map(
        (row) =>
          `| \`${row.path}\` | ${cell(row.type)} | ${row.presence === "" ? "" : `\`${cell(row.presence)}\``} | ${cell(row.note)} |`,
      ),
    ].join("\n");
  const resources = definitions.map((definition) =>
    [
      `## ${definition.kind}`,
      `\`${definition.group}\`, served as ${definition.versions.join(", ")}.`,
      table(fieldRows(definition.spec)),
      ...(definition.kind === "Telemetry" ? [telemetryNotes()] : []),
    ].join("\n\n"),
  );
  return `${[
    "# Istio's resources in Heddle",
    "Written by `bin/bun packages/config/generate-docs.ts` from the definitions that read the resources; a test compares. A field with an empty last column is acted on. One with a note there is accepted with a warning that says the same. A field that is not listed is refused with its path, and so is a kind that is not listed: it has no CRD.",
    "## Fields with a note",
    "All of them in one place. `refused`: applying it fails, because without effect it would leave something unprotected or wrong. `has no effect`: it is accepted, and `kubectl apply`, `heddle analyze` (IST0133) and the resource's status say so. Anything else: it is deprecated (IST0002) and acted on.",
    [
      "| resource | field | note |",
      "|---|---|---|",
      ...notedFields().map(([kind, { path, note }]) => `| ${kind} | \`${path}\` | ${cell(note)} |`),
    ].join("\n"),
    ...resources,
    "## MeshConfig",
    "ConfigMap `istio`, key `mesh`. Durations are given in milliseconds here.",
    table(fieldRows(meshConfig)),
    "## MeshNetworks",
    "ConfigMap `istio`, key `meshNetworks`.",
    table(fieldRows(meshNetworks)),
  ].join("\n\n")}\n`;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
