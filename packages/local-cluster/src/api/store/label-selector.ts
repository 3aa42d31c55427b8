import { type Dict, dict, list, text } from "../json/json-value.ts";
import { parseRequirements, type Requirement } from "./label-parser.ts";

export type LabelMatcher = (labels: Readonly<Record<string, unknown>> | undefined) => boolean;

function holds(requirement: Requirement, labels: Dict): boolean {
  const value = labels[requirement.key];
  switch (requirement.operator) {
    case "in":
      return typeof value === "string" && requirement.values.includes(value);
    case "notin":
      return typeof value !== "string" || !requirement.values.includes(value);
    case "exists":
      return value !== undefined;
    case "absent":
      return value === undefined;
    case "gt":
      return Number.parseInt(text(value), 10) > Number.parseInt(requirement.values[0] ?? "", 10);
    case "lt":
      return Number.parseInt(text(value), 10) < Number.parseInt(requirement.values[0] ?? "", 10);
  }
}

function matcherOf(requirements: readonly Requirement[]): LabelMatcher | undefined {
  if (requirements.length === 0) return undefined;
  return (labels) => {
    const present = dict(labels);
    return requirements.every((requirement) => holds(requirement, present));
  };
}

/** Parses kubectl's `-l` syntax; undefined selects everything. Errors: 400 naming the requirement. */
export function parseLabelSelector(source: string | undefined): LabelMatcher | undefined {
  if (source === undefined || source.trim() === "") return undefined;
  return matcherOf(parseRequirements(source));
}

/** A `LabelSelector` object (`matchLabels`, `matchExpressions`); an empty one selects everything. */
export function labelSelectorMatcher(selector: unknown): LabelMatcher {
  const requirements: Requirement[] = Object.entries(dict(dict(selector)["matchLabels"])).map(([key, value]) => ({
    key,
    operator: "in",
    values: [text(value)],
  }));
  const operators = { In: "in", NotIn: "notin", Exists: "exists", DoesNotExist: "absent" } as const;
  for (const item of list(dict(selector)["matchExpressions"])) {
    const { key, operator, values } = dict(item);
    const known = text(operator);
    if (known !== "In" && known !== "NotIn" && known !== "Exists" && known !== "DoesNotExist") continue;
    requirements.push({ key: text(key), operator: operators[known], values: list(values).map((value) => text(value)) });
  }
  return matcherOf(requirements) ?? (() => true);
}
