import { badRequest } from "../errors/api-errors.ts";
import { type Dict, dict, list, text } from "../json/json-value.ts";

export type LabelMatcher = (labels: Readonly<Record<string, unknown>> | undefined) => boolean;

interface Requirement {
  readonly key: string;
  readonly operator: "in" | "notin" | "exists" | "absent" | "gt" | "lt";
  readonly values: readonly string[];
}

const KEY = "[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?";
const SET_FORM = new RegExp(`^(${KEY})\\s+(in|notin)\\s*\\(([^()]*)\\)$`);
const EQUAL_FORM = new RegExp(`^(${KEY})\\s*(==|=|!=|>|<)\\s*([-A-Za-z0-9_.]*)$`);
const EXISTS_FORM = new RegExp(`^(!?)\\s*(${KEY})$`);

function parseRequirement(source: string): Requirement {
  const set = SET_FORM.exec(source);
  if (set) {
    const values = (set[3] ?? "").split(",").map((value) => value.trim());
    return { key: set[1] ?? "", operator: set[2] === "in" ? "in" : "notin", values };
  }
  const equal = EQUAL_FORM.exec(source);
  if (equal) {
    const operators = { "=": "in", "==": "in", "!=": "notin", ">": "gt", "<": "lt" } as const;
    const symbol = equal[2];
    const operator = symbol === "!=" || symbol === ">" || symbol === "<" || symbol === "==" ? symbol : "=";
    return { key: equal[1] ?? "", operator: operators[operator], values: [equal[3] ?? ""] };
  }
  const exists = EXISTS_FORM.exec(source);
  if (exists) return { key: exists[2] ?? "", operator: exists[1] === "!" ? "absent" : "exists", values: [] };
  throw badRequest(
    `unable to parse requirement: "${source}" is not of the form key, !key, key=value, key!=value, key in (a,b) or key notin (a,b)`,
  );
}

/** Splits at commas that are not inside parentheses. */
function splitRequirements(source: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let index = 0; index < source.length; index++) {
    const char = source[index];
    if (char === "(") depth++;
    else if (char === ")") depth--;
    else if (char === "," && depth === 0) {
      parts.push(source.slice(start, index));
      start = index + 1;
    }
  }
  parts.push(source.slice(start));
  return parts.map((part) => part.trim()).filter((part) => part !== "");
}

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
  return matcherOf(splitRequirements(source).map(parseRequirement));
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
