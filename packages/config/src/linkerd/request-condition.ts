import { nearest } from "@heddle/std";
import { regex } from "../istio/string-match.ts";
import type { ProblemSink } from "../problem.ts";
import { describe, leaf, type Schema } from "../schema/schema.ts";
import { readConditions } from "./condition-list.ts";

/** What a ServiceProfile's route asks of a request; several fields of one condition hold together. */
export interface RequestCondition {
  readonly method?: string;
  readonly pathRegex?: string;
  readonly all?: readonly RequestCondition[];
  readonly any?: readonly RequestCondition[];
  readonly not?: RequestCondition;
}

/** One comparison, or its opposite. */
export interface Literal {
  readonly kind: "method" | "path";
  readonly value: string;
  readonly negated: boolean;
}

/** More ways to match one route than this are refused: each becomes a route of the proxies. */
const MAX_ALTERNATIVES = 32;
const MAX_DEPTH = 10;
const FIELDS = ["method", "pathRegex", "all", "any", "not"];

/** The ways in which a condition can hold: any of the lists, all literals of it. Undefined: there are too many. */
export function alternativesOf(
  condition: RequestCondition,
  negated = false,
): readonly (readonly Literal[])[] | undefined {
  const parts: (readonly (readonly Literal[])[] | undefined)[] = [];
  if (condition.method !== undefined)
    parts.push([[{ kind: "method", value: condition.method.toUpperCase(), negated }]]);
  if (condition.pathRegex !== undefined) parts.push([[{ kind: "path", value: condition.pathRegex, negated }]]);
  if (condition.not !== undefined) parts.push(alternativesOf(condition.not, !negated));
  for (const [list, together] of [
    [condition.all, true],
    [condition.any, false],
  ] as const) {
    if (list === undefined) continue;
    const inner = list.map((one) => alternativesOf(one, negated));
    parts.push(together === negated ? either(inner) : both(inner));
  }
  // The opposite of "all of these" is "one of these is not".
  return negated ? either(parts) : both(parts);
}

type Ways = readonly (readonly Literal[])[] | undefined;

function either(parts: readonly Ways[]): Ways {
  const found: (readonly Literal[])[] = [];
  for (const part of parts) {
    if (part === undefined) return undefined;
    found.push(...part);
  }
  return found.length > MAX_ALTERNATIVES ? undefined : found;
}

function both(parts: readonly Ways[]): Ways {
  let found: readonly (readonly Literal[])[] = [[]];
  for (const part of parts) {
    if (part === undefined || found.length * part.length > MAX_ALTERNATIVES) return undefined;
    found = found.flatMap((left) => part.map((right) => [...left, ...right]));
  }
  return found;
}

/** Source: Linkerd's ServiceProfile, `condition` of a route. */
export const requestCondition: Schema<RequestCondition, false> = leaf(
  "RequestMatch",
  { type: "object", "x-kubernetes-preserve-unknown-fields": true },
  (value, path, sink) => {
    const read = readCondition(value, path, sink, 0);
    if (read !== undefined && alternativesOf(read) === undefined) {
      sink.error(path, `has more than ${MAX_ALTERNATIVES} ways to match; split it into several routes of one name`);
      return undefined;
    }
    return read;
  },
);

function readCondition(value: unknown, path: string, sink: ProblemSink, depth: number): RequestCondition | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    sink.error(path, `expected an object (RequestMatch), got ${describe(value)}`);
    return undefined;
  }
  if (depth > MAX_DEPTH) {
    sink.error(path, `conditions are nested deeper than ${MAX_DEPTH}`);
    return undefined;
  }
  const found: [string, unknown][] = [];
  for (const [key, member] of Object.entries(value)) {
    const at = `${path}.${key}`;
    if (key === "method") found.push([key, text(member, at, sink)]);
    else if (key === "pathRegex") found.push([key, regex.read(member, at, sink)]);
    else if (key === "not") found.push([key, readCondition(member, at, sink, depth + 1)]);
    else if (key === "all" || key === "any") {
      found.push([key, readConditions(member, at, sink, (item, place) => readCondition(item, place, sink, depth + 1))]);
    } else {
      found.push([key, undefined]);
      const close = nearest(key, FIELDS);
      sink.error(
        at,
        `unknown field; ${close === undefined ? `known are ${FIELDS.join(", ")}` : `did you mean ${close}?`}`,
      );
    }
  }
  if (found.some(([, read]) => read === undefined)) return undefined;
  if (found.length > 0) return Object.fromEntries(found) as RequestCondition;
  sink.error(path, `is empty; give one of ${FIELDS.join(", ")}`);
  return undefined;
}

function text(value: unknown, path: string, sink: ProblemSink): string | undefined {
  if (typeof value === "string" && /^[A-Za-z-]+$/.test(value)) return value;
  sink.error(path, `expected a method such as GET, got ${describe(value)}`);
  return undefined;
}
