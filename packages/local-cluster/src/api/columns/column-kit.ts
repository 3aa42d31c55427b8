import type { KubeObject } from "../../contract/index.ts";
import { at, type Dict, dict, int, list, text } from "../json/json-value.ts";
import type { Column } from "../resources/resource-definition.ts";

type Cell = (object: KubeObject, now: number) => unknown;

export function column(name: string, cell: Cell): Column {
  return { name, cell };
}

export function count(name: string, ...path: readonly string[]): Column {
  return { name, type: "integer", cell: (object) => int(at(object, ...path)) };
}

/** A column of `-o wide`. */
export function wide(name: string, cell: Cell): Column {
  return { name, priority: 1, cell };
}

export function orNone(value: string): string {
  return value === "" ? "<none>" : value;
}

/** `a=b,c=d`; `<none>` when empty. */
export function labelsText(labels: unknown): string {
  const pairs = Object.entries(dict(labels)).map(([key, value]) => `${key}=${text(value)}`);
  return orNone(pairs.sort().join(","));
}

/** A LabelSelector as kubectl writes it. */
export function selectorText(selector: unknown): string {
  const { matchLabels, matchExpressions } = dict(selector);
  const parts = Object.entries(dict(matchLabels))
    .map(([key, value]) => `${key}=${text(value)}`)
    .sort();
  for (const item of list(matchExpressions)) {
    const { key, operator, values } = dict(item);
    const choices = list(values)
      .map((value) => text(value))
      .sort()
      .join(",");
    switch (operator) {
      case "In":
        parts.push(`${text(key)} in (${choices})`);
        break;
      case "NotIn":
        parts.push(`${text(key)} notin (${choices})`);
        break;
      case "Exists":
        parts.push(text(key));
        break;
      default:
        parts.push(`!${text(key)}`);
    }
  }
  return orNone(parts.join(","));
}

function containersOf(template: unknown): readonly Dict[] {
  return list(at(template, "spec", "containers")).map(dict);
}

/** CONTAINERS, IMAGES (and SELECTOR) of workloads with `-o wide`. */
export function workloadColumns(...templatePath: readonly string[]): readonly Column[] {
  return [
    wide("Containers", (object) =>
      containersOf(at(object, ...templatePath))
        .map((container) => text(container["name"]))
        .join(","),
    ),
    wide("Images", (object) =>
      containersOf(at(object, ...templatePath))
        .map((container) => text(container["image"]))
        .join(","),
    ),
  ];
}

export function selectorColumn(...path: readonly string[]): Column {
  return wide("Selector", (object) => selectorText(at(object, ...path)));
}
