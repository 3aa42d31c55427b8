import { type JsonRecord, recordOf } from "@heddle/std";

/** Lines for people; more of one resource say nothing more. */
const MOST_LINES = 12;

/** Fields of one resource that differ, as lines `path value`; undefined when all are equal. Who made what is no part of it. */
export function differingSettings(
  before: JsonRecord,
  after: JsonRecord,
): { readonly removed: readonly string[]; readonly added: readonly string[] } | undefined {
  const [old, young] = [leavesOf(before), leavesOf(after)];
  const only = (some: ReadonlySet<string>, others: ReadonlySet<string>): readonly string[] => {
    const lines = [...some].filter((line) => !others.has(line));
    return lines.length <= MOST_LINES
      ? lines
      : [...lines.slice(0, MOST_LINES), `… ${lines.length - MOST_LINES} more fields`];
  };
  const [removed, added] = [only(old, young), only(young, old)];
  return removed.length + added.length === 0 ? undefined : { removed, added };
}

function leavesOf(resource: JsonRecord): ReadonlySet<string> {
  const found = new Set<string>();
  const visit = (value: unknown, path: string): void => {
    if (typeof value !== "object" || value === null) {
      found.add(`${path} ${JSON.stringify(value)}`);
      return;
    }
    const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(recordOf(value));
    // A message without fields says something by being there.
    if (entries.length === 0 && path !== "") found.add(`${path} {}`);
    for (const [key, inner] of entries) {
      if (key === "heddle" && path.endsWith("metadata.filter_metadata")) continue;
      visit(inner, typeof key === "number" ? `${path}[${key}]` : path === "" ? key : `${path}.${key}`);
    }
  };
  visit(resource, "");
  return found;
}
