import type { AttributeSource } from "@heddle/expression";
import { type Expression, textOf } from "@heddle/expression";
import type { MetricFamily } from "@heddle/std";
import type { MetricRule } from "../config/stats-plugin.ts";

/** How the labels of one metric come about. */
export interface MetricShape {
  readonly labels: readonly string[];
  /** Where each label's value is: from 0 a standard label, below it an expression (-1 is the first). Undefined: the standard labels. */
  readonly from: readonly number[] | undefined;
}

/** Values of tags that expressions give, beyond which they are "unknown": clients choose hosts and paths. */
const MAX_COMBINATIONS = 1000;
/** Units: characters. */
const MAX_VALUE = 260;
const UNKNOWN = "unknown";

/** The expressions of all tags of a set of metrics, and the combinations of values that they gave. */
export interface CustomTags {
  readonly expressions: readonly Expression[];
  /** All values at once, in the order of the expressions; the same array for the same values. */
  values(source: AttributeSource): readonly string[];
}

class Tags implements CustomTags {
  readonly expressions: readonly Expression[];
  readonly #limit: number;
  readonly #seen = new Map<string, readonly string[]>();
  readonly #unknown: readonly string[];

  constructor(expressions: readonly Expression[], limit: number) {
    this.expressions = expressions;
    this.#limit = limit;
    this.#unknown = expressions.map(() => UNKNOWN);
  }

  values(source: AttributeSource): readonly string[] {
    if (this.expressions.length === 0) return this.#unknown;
    const values: string[] = [];
    for (const expression of this.expressions) {
      const text = textOf(expression.evaluate(source));
      values.push(text === undefined || text.length > MAX_VALUE ? UNKNOWN : text);
    }
    const key = values.join("\u0000");
    const known = this.#seen.get(key);
    if (known !== undefined) return known;
    if (this.#seen.size >= this.#limit) return this.#unknown;
    this.#seen.set(key, values);
    return values;
  }
}

export function createCustomTags(expressions: readonly Expression[], limit = MAX_COMBINATIONS): CustomTags {
  return new Tags(expressions, limit);
}

/** The expressions of some rules, each text once. */
export function expressionsOf(rules: readonly MetricRule[]): readonly Expression[] {
  const found = new Map<string, Expression>();
  for (const { tags } of rules) for (const [, expression] of tags) found.set(expression.text, expression);
  return [...found.values()];
}

/** The shape of a metric after the rules; undefined: it is dropped. */
export function shapeOf(
  metric: string,
  standard: readonly string[],
  rules: readonly MetricRule[],
  expressions: readonly Expression[],
): MetricShape | undefined {
  const mine = rules.filter((rule) => rule.metric === metric || rule.metric === "");
  if (mine.some(({ drop }) => drop)) return undefined;
  const from = new Map(standard.map((label, i) => [label, i]));
  for (const { tags, removed } of mine) {
    for (const tag of removed) from.delete(tag);
    for (const [tag, { text }] of tags)
      from.set(labelName(tag), -1 - expressions.findIndex((one) => one.text === text));
  }
  const same = from.size === standard.length && standard.every((label, i) => from.get(label) === i);
  return { labels: [...from.keys()], from: same ? undefined : [...from.values()] };
}

/** Prometheus' labels have letters, digits and `_`. Source: Envoy's Prometheus formatter. */
function labelName(tag: string): string {
  const name = tag.replace(/[^a-zA-Z0-9_]/g, "_");
  return /^\d/.test(name) ? `_${name}` : name;
}

/** A metric with its shape. */
export interface ShapedFamily<S> {
  readonly family: MetricFamily<S>;
  readonly from: readonly number[] | undefined;
}

/** The series of a metric for standard values and those of expressions. */
export function seriesOf<S>(shaped: ShapedFamily<S>, values: readonly string[], custom: readonly string[]): S {
  const { family, from } = shaped;
  if (from === undefined) return family.with(...values);
  return family.with(...from.map((at) => (at < 0 ? custom[-1 - at] : values[at]) ?? UNKNOWN));
}
